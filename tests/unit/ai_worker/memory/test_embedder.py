"""Texts of many callers share runs of one model, in order of who waits, and one's trouble is no other's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from ai_worker.memory.embedder import BATCH_CHARACTERS, MAX_PIECES
from ai_worker.memory.minilm import MiniLM
from aiox.runtime.settings import load_settings


@pytest.fixture(scope="module")
def loaded() -> MiniLM:
    return MiniLM(load_settings().minilm_folder, "minilm")


@pytest.fixture
async def embedder() -> AsyncIterator[MiniLM]:
    minilm = MiniLM(load_settings().minilm_folder, "minilm")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(minilm.run())
        yield minilm
        running.cancel()


def test_what_stands_beyond_the_limit_is_not_seen(loaded: MiniLM) -> None:
    long = "word " * (MAX_PIECES + 50)
    assert loaded.count(long) > MAX_PIECES
    first, second = loaded.compute([long, long + "entirely different ending"])
    assert float(np.dot(first, second)) == pytest.approx(1.0, abs=1e-5)


async def test_who_is_waited_for_goes_before_a_long_document(embedder: MiniLM) -> None:
    ended: list[str] = []

    async def ask(name: str, texts: list[str], *, patient: bool) -> None:
        await embedder.embed(texts, patient=patient)
        ended.append(name)

    document = [f"passage {number} " + "about pumps and valves " * 20 for number in range(40)]
    async with asyncio.TaskGroup() as group:
        group.create_task(ask("document", document, patient=True))
        await asyncio.sleep(0)
        group.create_task(ask("question", ["which pump?"], patient=False))
    assert ended == ["question", "document"]


async def test_short_texts_of_many_callers_share_a_run(embedder: MiniLM, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    compute = embedder.compute

    def counted(texts: list[str]) -> object:
        runs.append(len(texts))
        return compute(texts)

    monkeypatch.setattr(embedder, "compute", counted)
    await asyncio.gather(*(embedder.embed([f"question {number}"]) for number in range(32)))
    assert runs in ([32], [1, 31])
    runs.clear()
    await embedder.embed(["long " * 300 for _ in range(8)])
    assert max(runs) * 1500 <= BATCH_CHARACTERS


async def test_requests_that_arrive_together_are_answered_in_order(embedder: MiniLM) -> None:
    texts = [f"text number {number}" for number in range(30)]
    many = await asyncio.gather(*(embedder.embed([text]) for text in texts))
    once = await embedder.embed(texts)
    for (alone,), among in zip(many, once, strict=True):
        assert float(np.dot(alone, among)) == pytest.approx(1.0, abs=1e-4)
    assert float(np.dot(once[0], embedder.compute([texts[0]])[0])) == pytest.approx(1.0, abs=1e-4)


async def test_one_who_gave_up_does_not_stop_the_others(embedder: MiniLM) -> None:
    async with asyncio.TaskGroup() as group:
        impatient = group.create_task(embedder.embed(["never read"] * 20))
        patient = group.create_task(embedder.embed(["read"]))
        await asyncio.sleep(0)
        impatient.cancel()
    assert len(patient.result()) == 1


async def test_a_failed_batch_fails_those_who_asked_and_no_one_else(
    embedder: MiniLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_texts: object) -> None:
        raise RuntimeError("the graph is gone")

    with monkeypatch.context() as patched:
        patched.setattr(embedder, "compute", broken)
        with pytest.raises(RuntimeError, match="graph is gone"):
            await embedder.embed(["a"])
    assert len(await embedder.embed(["b"])) == 1
