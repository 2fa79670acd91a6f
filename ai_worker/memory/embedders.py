"""Which embedder the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ai_worker.memory.embedder import Batched
from ai_worker.memory.minilm import MiniLM
from ai_worker.memory.sentence_model import SentenceModel
from aiox.kernel.agent import DEFAULT_EMBEDDING_MODEL
from aiox.runtime.logs import Log
from aiox.runtime.settings import Memory

AGREES: Final = 0.98
"""Cosine to the reference that 8 bits have to reach: some processors add up products in 16 bits, and overflow."""


def embedder_of(memory: Memory, minilm_folder: Path, log: Log) -> Batched:
    """The default model in onnxruntime, any other one through sentence-transformers. Raises EmbedderMissing.

    Where a processor computes 8 bits too coarsely, float32 is used, and the log says so.
    """
    if memory.embedding_model != DEFAULT_EMBEDDING_MODEL:
        return SentenceModel(memory.embedding_model)
    minilm = MiniLM(minilm_folder, memory.embedding_model, precision=memory.precision)
    if memory.precision == "float32" or (agreement := minilm.agreement()) >= AGREES:
        return minilm
    log.warning("int8_too_coarse_here", agreement=agreement)
    return MiniLM(minilm_folder, memory.embedding_model, precision="float32")
