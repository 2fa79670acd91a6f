"""Any other model of 384 dimensions, through sentence-transformers: the extra `aiox[sentence-transformers]`.

Imported late and only when the settings name such a model: it brings torch, hundreds of megabytes. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from ai_worker.memory.embedder import DIMENSIONS, Batched, EmbedderMissing, Vector


class SentenceModel(Batched):
    """A model of sentence-transformers, by the name it has in the local cache, or by its folder."""

    def __init__(self, model: str, threads: int = 1) -> None:
        """Loads the model; `threads` compute one run. Raises EmbedderMissing."""
        super().__init__(model)
        self._loaded = _load(model, threads)
        dimensions = self._loaded.get_sentence_embedding_dimension()
        if dimensions != DIMENSIONS:
            raise EmbedderMissing(
                f"{model} makes vectors of {dimensions} numbers, and memory keeps {DIMENSIONS}."
                " Mend: name another model in memory.embedding_model."
            )

    def count(self, text: str) -> int:
        """Word pieces of a text, without the marks around it."""
        return len(self._loaded.tokenizer.encode(text, add_special_tokens=False))

    def compute(self, texts: Sequence[str]) -> Vector:
        """The unit vectors of some texts as one array (texts, 384), here and now: blocks."""
        vectors = self._loaded.encode(
            list(texts), batch_size=len(texts), normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


def _load(model: str, threads: int) -> Any:
    try:
        # Before the others are imported, which ask it: from here on no part of the library asks the network.
        vars(import_module("huggingface_hub.constants"))["HF_HUB_OFFLINE"] = True
        library, torch = import_module("sentence_transformers"), import_module("torch")
    except ImportError as missing:
        raise EmbedderMissing(
            f"{model} needs sentence-transformers ({missing})."
            " Mend: .venv/bin/pip install -c constraints.txt '.[sentence-transformers]'"
        ) from missing
    torch.set_num_threads(threads)
    try:
        return library.SentenceTransformer(model, device="cpu", local_files_only=True)
    except (OSError, ValueError) as missing:
        raise EmbedderMissing(
            f"{model} is not on this machine's disk, or is no model. Mend: .venv/bin/hf download {model}"
        ) from missing
