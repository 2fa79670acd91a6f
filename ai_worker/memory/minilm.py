"""all-MiniLM-L6-v2 in onnxruntime, on a graph that set-up has built (setup/minilm.py): whole, or in 8 bits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from ai_worker.memory.embedder import MAX_PIECES, Batched, EmbedderMissing, Vector
from aiox.runtime.settings import Precision

GRAPHS: Final[dict[Precision, str]] = {"int8": "model-int8.onnx", "float32": "model.onnx"}


PROBE: Final = Path(__file__).with_name("probe.json")
"""Two texts with the vectors that sentence-transformers gives them."""


class MiniLM(Batched):
    """`int8` takes about half the time and a third of the memory of `float32`, and finds as well within 1 %."""

    def __init__(self, folder: Path, model: str, threads: int = 1, precision: Precision = "int8") -> None:
        """Loads the graph; `threads` compute one run. Raises EmbedderMissing."""
        graph, words = folder / GRAPHS[precision], folder / "tokenizer.json"
        if not (graph.is_file() and words.is_file()):
            raise EmbedderMissing(f"no embedding model in {folder}. Mend: .venv/bin/python setup/minilm.py")
        super().__init__(model)
        self._session = onnxruntime.InferenceSession(str(graph), _options(threads), providers=["CPUExecutionProvider"])
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(words))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._end: int = self._tokenizer.encode("").ids[-1]

    def count(self, text: str) -> int:
        """Word pieces of a text, without the two marks around it."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def compute(self, texts: Sequence[str]) -> Vector:
        """The vectors of some texts as one array (texts, 384), here and now: blocks."""
        encoded = [self._seen(one.ids) for one in self._tokenizer.encode_batch(list(texts))]
        length = max(map(len, encoded))
        ids = np.zeros((len(encoded), length), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, pieces in enumerate(encoded):
            ids[row, : len(pieces)] = pieces
            mask[row, : len(pieces)] = 1
        result: Vector = self._session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]
        return result

    def agreement(self) -> float:
        """Cosine to the reference, of the probe that is farthest from it: 1 when this machine computes as it should."""
        cases = json.loads(PROBE.read_text())
        found = self.compute([case["text"] for case in cases])
        wanted = np.array([case["vector"] for case in cases])
        return float(((found * wanted).sum(axis=1) / np.linalg.norm(wanted, axis=1)).min())

    def _seen(self, pieces: list[int]) -> list[int]:
        """What the model is shown of a text, with the mark at its end."""
        return pieces if len(pieces) <= MAX_PIECES else [*pieces[: MAX_PIECES - 1], self._end]


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # One arena per shape would grow with every new length; batches of many lengths keep the process small this way.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    return options
