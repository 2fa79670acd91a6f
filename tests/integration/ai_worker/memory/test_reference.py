"""Live beside sentence-transformers, in the bench's environment: the hub's graphs, and its backend for other models."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ai_worker.memory.minilm import MiniLM
from aiox.runtime.settings import Precision, load_settings
from bench.embeddings import texts_of
from bench.peers import TOP, python
from setup.minilm import source_folder
from setup.prove import note

STORED = json.loads((TOP / "tests/unit/ai_worker/memory/reference_vectors.json").read_text())["cases"]
LEAST: dict[str, float] = {"int8": 0.985}
"""Of a text's cosine to the reference; all else reaches 0.9999."""
PRECISIONS: tuple[Precision, ...] = ("float32", "int8")
BACKEND = """
import json, sys
from ai_worker.memory.sentence_model import SentenceModel
from sentence_transformers import SentenceTransformer
texts = json.load(sys.stdin)
ours, plain = SentenceModel(sys.argv[1]), SentenceTransformer(sys.argv[1], device="cpu")
print(json.dumps({"ours": ours.compute(texts).tolist(), "plain": [plain.encode(text).tolist() for text in texts],
                  "pieces": ours.count("the cat sat")}))
"""


def beside(interpreter: Path, texts: list[str]) -> dict[str, Any]:
    """The vectors of the backend for other models, and those of the library called plainly."""
    command = [str(interpreter), "-c", BACKEND, str(source_folder())]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, cwd=TOP, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.prove
async def test_beside_sentence_transformers() -> None:
    """Cosine to the live reference: stored vectors and float32 >= 0.9999, int8 >= 0.985; the backend >= 0.9999."""
    texts = [case["text"] for case in STORED] + texts_of(40, 12) + texts_of(20, 90)
    found = await asyncio.to_thread(lambda: beside(python("embeddings"), texts))
    reference = unit(found["plain"])
    cosines = {"the backend for other models": unit(found["ours"])}
    for precision in PRECISIONS:
        minilm = MiniLM(load_settings().minilm_folder, "m", precision=precision)
        cosines[precision] = unit(minilm.compute(texts).tolist())
    least = {name: float((vectors * reference).sum(axis=1).min()) for name, vectors in cosines.items()}
    stored = unit([case["vector"] for case in STORED])
    least["stored"] = float((stored * reference[: len(STORED)]).sum(axis=1).min())
    note("least cosine to live sentence-transformers: " + ", ".join(f"{name} {one:.5f}" for name, one in least.items()))
    assert found["pieces"] == 3
    assert all(one >= LEAST.get(name, 0.9999) for name, one in least.items()), least


def unit(vectors: list[list[float]]) -> NDArray[np.float64]:
    rows = np.array(vectors)
    unit: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
