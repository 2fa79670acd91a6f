"""The graphs built at set-up give the vectors that sentence-transformers gives: one exactly, one nearly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from structlog.testing import CapturingLogger

from ai_worker.memory import embedders
from ai_worker.memory.embedder import DIMENSIONS, EmbedderMissing
from ai_worker.memory.embedders import AGREES, embedder_of
from ai_worker.memory.minilm import GRAPHS, MiniLM
from aiox.runtime.logs import Log
from aiox.runtime.settings import Memory, Precision, load_settings

REFERENCE = json.loads((Path(__file__).parent / "reference_vectors.json").read_text())["cases"]
TEXTS = [str(case["text"]) for case in REFERENCE]
COSINES: dict[Precision, float] = {"float32": 0.9999, "int8": 0.99}
"""Least cosine of a text to its reference."""


@pytest.fixture(scope="module", params=list(COSINES))
def loaded(request: pytest.FixtureRequest) -> tuple[MiniLM, float]:
    return MiniLM(load_settings().minilm_folder, "minilm", precision=request.param), COSINES[request.param]


@pytest.mark.parametrize("case", REFERENCE, ids=lambda case: case["text"][:20])
def test_vector_equals_the_reference(loaded: tuple[MiniLM, float], case: dict[str, Any]) -> None:
    minilm, least = loaded
    (vector,) = minilm.compute([case["text"]])
    reference = np.array(case["vector"])
    assert float(np.dot(vector, reference) / np.linalg.norm(reference)) >= least
    assert vector.shape == (DIMENSIONS,)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_a_text_has_the_same_vector_alone_and_among_those_of_others(loaded: tuple[MiniLM, float]) -> None:
    """Nothing of one owner's text reaches another's vector."""
    minilm, _ = loaded
    for text, vector in zip(TEXTS, minilm.compute(TEXTS), strict=True):
        assert float(np.dot(minilm.compute([text])[0], vector)) >= 0.99999


def test_what_is_near_in_one_precision_is_near_in_the_other() -> None:
    whole, short = (MiniLM(load_settings().minilm_folder, "m", precision=one).compute(TEXTS) for one in COSINES)
    assert np.abs(whole @ whole.T - short @ short.T).max() <= 0.02


@pytest.mark.parametrize("precision", COSINES)
def test_no_graph_says_how_to_build_it(tmp_path: Path, precision: Precision) -> None:
    with pytest.raises(EmbedderMissing, match=r"setup/minilm\.py"):
        MiniLM(tmp_path, "minilm", precision=precision)


def all_of(kept: CapturingLogger) -> Log:
    """A log that keeps every line, whatever level other tests have set."""
    log: Log = structlog.wrap_logger(kept, processors=[], wrapper_class=structlog.BoundLogger)
    return log


def graph_of(embedder: object) -> str:
    path = embedder._session._model_path  # type: ignore[attr-defined]
    return Path(path).name


@pytest.mark.parametrize("precision", COSINES)
def test_the_setting_chooses(precision: Precision) -> None:
    found = embedder_of(Memory(precision=precision), load_settings().minilm_folder, all_of(CapturingLogger()))
    assert graph_of(found) == GRAPHS[precision]
    assert found.model == "sentence-transformers/all-MiniLM-L6-v2"


def test_this_machine_computes_eight_bits_as_it_should() -> None:
    assert MiniLM(load_settings().minilm_folder, "m").agreement() >= AGREES


def test_a_machine_that_does_not_is_given_float32_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedders, "AGREES", 1.1)
    said = CapturingLogger()
    found = embedder_of(Memory(), load_settings().minilm_folder, all_of(said))
    assert graph_of(found) == GRAPHS["float32"]
    assert "int8_too_coarse_here" in str(said.calls)
