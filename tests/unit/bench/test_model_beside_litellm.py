"""Each side asks the same endpoint and gets the whole answer; one that does not is no round."""

from __future__ import annotations

import aiohttp
import pytest

from ai_worker.model.choose import Models
from ai_worker.model.openai_stream import open_session
from aiox.runtime.clock import SystemClock
from bench.model_beside_litellm import PROMPT, Calls, by_aiohttp, by_the_hub
from bench.stub_model import stub_model


async def test_a_round_has_its_figures() -> None:
    async with stub_model() as stub, open_session() as session, aiohttp.ClientSession() as bare:
        for ask in (by_the_hub(Models(session, SystemClock()), stub.url), by_aiohttp(bare, stub.url)):
            figures = await Calls("a side", ask, 5).measure()
            assert [figure.metric for figure in figures] == ["CPU of a call", "calls"]
            assert all(figure.value > 0 for figure in figures)
        assert stub.count == 10
        assert {asked["messages"][-1]["content"] for asked in stub.asked} == {PROMPT.message}


async def test_an_answer_that_is_not_whole_ends_the_round() -> None:
    async with stub_model("something else") as stub, open_session() as session:
        with pytest.raises(RuntimeError, match="whole"):
            await Calls("a side", by_the_hub(Models(session, SystemClock()), stub.url), 1).measure()
