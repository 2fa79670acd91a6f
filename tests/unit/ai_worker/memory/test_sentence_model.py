"""Other embedding models: what the library is asked, and what is said when it, or the model, is not here.

The library itself is not installed for the tests; tests/integration/ai_worker/memory/test_reference.py runs it.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import structlog
from huggingface_hub import constants

from ai_worker.memory.embedder import EmbedderMissing
from ai_worker.memory.embedders import embedder_of
from ai_worker.memory.sentence_model import SentenceModel
from aiox.runtime.settings import Memory, load_settings

NAME = "intfloat/multilingual-e5-small"


class Library:
    """Stands where sentence_transformers would."""

    def __init__(self, dimensions: int = 384, known: bool = True) -> None:
        self.asked: list[Any] = []
        self.dimensions = dimensions
        self.known = known
        self.tokenizer = SimpleNamespace(encode=lambda text, **_: text.split())

    def SentenceTransformer(self, model: str, **options: Any) -> Library:  # noqa: N802 -- the library's name
        self.asked.append((model, options))
        if not self.known:
            raise OSError("We couldn't connect to the hub")
        return self

    def get_sentence_embedding_dimension(self) -> int:
        return self.dimensions

    def encode(self, texts: list[str], **options: Any) -> Any:
        self.asked.append((texts, options))
        return np.ones((len(texts), self.dimensions), dtype=np.float64)


def install(monkeypatch: pytest.MonkeyPatch, library: Library) -> Library:
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    monkeypatch.setitem(
        sys.modules, "torch", SimpleNamespace(set_num_threads=lambda count: library.asked.append(count))
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return library


def test_the_settings_name_it_and_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    library = install(monkeypatch, Library())
    found = embedder_of(Memory(embedding_model=NAME), load_settings().minilm_folder, structlog.get_logger())
    assert isinstance(found, SentenceModel)
    assert (found.model, found.count("one two")) == (NAME, 2)
    vectors = found.compute(["a", "b"])
    assert vectors.shape == (2, 384)
    assert str(vectors.dtype) == "float32"
    threads, (model, options), (texts, how) = library.asked
    assert (threads, model, options["local_files_only"]) == (1, NAME, True)
    assert (texts, how["normalize_embeddings"]) == (["a", "b"], True)
    assert constants.is_offline_mode(), "no part of the library asks the network"


def test_vectors_of_another_length_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Library(dimensions=768))
    with pytest.raises(EmbedderMissing, match="768 numbers"):
        SentenceModel(NAME)


def test_a_model_that_is_not_here_is_said_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Library(known=False))
    with pytest.raises(EmbedderMissing, match=f"hf download {NAME}"):
        SentenceModel(NAME)


def test_without_the_extra_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(EmbedderMissing, match="sentence-transformers"):
        SentenceModel(NAME)
