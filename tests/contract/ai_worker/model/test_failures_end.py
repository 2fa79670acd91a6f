"""What a provider does wrong ends in the code that docs/models.md says, in time, with what was used counted.

Over real HTTP and through all that stands around a model in a turn; only the waiting between tries is not real.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ai_worker.model.choose import Models
from ai_worker.model.openai_stream import open_session
from ai_worker.model.prompt import chat_messages, prompt_tokens
from ai_worker.turn import Spent, think
from ai_worker.words import Limits, ModelChoice, Prompt
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Answered, Failed, Usage
from aiox.kernel.units import estimate_tokens
from aiox.runtime.clock import SystemClock
from bench.stub_model import Scripted, StubModel, stub_model
from tests.architecture.house import TOP
from tests.unit.ai_worker.minds import NOBODY, Memory, mind, turn

PAGE = TOP / "docs/models.md"
KEY = "sk-never-shown"
SECRET = "a secret question"
ASKED = Prompt("Ada", "Be kind.", SECRET)
SAID = "half an answer"
HANGS_S = 1.0
"""For one try that hangs; what is said before it hangs must have come by then."""
ANSWERS_S = 20.0
"""For one try that does not."""
TURN_S = 60.0
PATIENCE_S = 90.0
"""Longer than a turn may take, on any machine."""
BREAKS: dict[str, tuple[Scripted, ...]] = {
    "answers 401": (Scripted(f"no: {KEY} {SECRET}", status=401),),
    "answers 403": (Scripted(status=403),),
    "answers 429 each time": (Scripted(status=429, retry_after="1"),) * 4,
    "answers 429, Retry-After beyond the turn": (Scripted(status=429, retry_after="600"),),
    "answers 400": (Scripted(status=400),),
    "answers 404": (Scripted(status=404),),
    "answers 500 each time": (Scripted(status=500),) * 4,
    "answers 503 each time": (Scripted(status=503),) * 4,
    "answers nothing": (Scripted(breaks="hang"),),
    "stops in the middle, connection open": (Scripted(SAID, breaks="stall"),),
    "stops in the middle, connection cut": (Scripted(SAID, breaks="half"),),
    "closes the connection without a word": (Scripted(breaks="slam"),) * 2,
    "sends events that are no JSON": (Scripted("x", breaks="garbage"),),
    "sends a page of HTML": (Scripted("x", breaks="page"),),
    "sends an empty answer": (Scripted(""),),
    "cannot be reached": (),
}
_ROW = r"^\| ((?:answers|stops|closes|sends|cannot)[^|]*) \| ([A-Z_]+) \| (\d) \| ([^|]*) \|$"
_TOP, _BELOW = PAGE.read_text().split("Through litellm", 1)
ROWS = re.findall(_ROW, _TOP, re.M)
DIFFER = {row[0]: row for row in re.findall(_ROW, _BELOW, re.M)}
"""Rows of litellm's own."""
BY_LITELLM = [DIFFER.get(row[0], row) for row in ROWS if row[0] != "closes the connection without a word"]


@pytest.fixture
async def stub() -> AsyncIterator[StubModel]:
    async with stub_model() as running:
        yield running


async def asked(
    url: str, folder: Path, *more: ModelChoice, provider: str = "openai", try_s: float
) -> tuple[Answered | Failed, list[str]]:
    """One turn with this endpoint, and what was said of it."""
    said: list[str] = []
    async with open_session() as session:
        models = Models(session, SystemClock(), lambda _seconds: asyncio.sleep(0))
        thinking = mind(folder, memory=Memory(), model=ANY, choose=models.choose)
        question = turn(
            prompt=ASKED,
            limits=Limits(4000, 100, timeout_s=try_s),
            choices=(ModelChoice(provider, "stub", url, KEY), *more),
            timeout_s=TURN_S,
        )
        async with asyncio.timeout(PATIENCE_S):
            outcome = await think(question, thinking, Spent(), said.append, NOBODY)
        return outcome, [*said, *map(str, thinking.log.lines)]  # type: ignore[attr-defined]


def patience_with(does: str, hangs_s: float = HANGS_S) -> float:
    """Short for an endpoint that hangs, and long for one that does not: on a slow machine it is no hang either."""
    return hangs_s if any(answer.breaks in {"hang", "stall"} for answer in BREAKS[does]) else ANSWERS_S


ANY: Any = None


def used(words: str) -> Usage:
    whole = prompt_tokens(ASKED)
    return {
        "nothing": Usage(0, 0),
        "input": Usage(whole, 0),
        "input+said": Usage(whole, estimate_tokens(SAID)),
        "counted": Usage(sum(len(one["content"].split()) for one in chat_messages(ASKED)), 0),
    }[words]


def test_the_page_has_a_row_for_each() -> None:
    assert [row[0] for row in ROWS] == list(BREAKS)


@pytest.mark.parametrize(("does", "code", "tries", "spent"), ROWS)
async def test_it_ends_as_the_page_says(
    stub: StubModel, tmp_path: Path, does: str, code: str, tries: str, spent: str
) -> None:
    stub.script(*BREAKS[does], "too late")
    url = stub.url if BREAKS[does] else "http://127.0.0.1:1/v1"
    outcome, written = await asked(url, tmp_path, try_s=patience_with(does))
    assert isinstance(outcome, Failed)
    assert (outcome.code, stub.count) == (ErrorCode(code), int(tries))
    assert outcome.usage == used(spent)
    assert outcome.model == "stub"
    assert (outcome.cost_nanousd is None) == (spent != "nothing"), "the price of this endpoint is unknown"
    assert KEY not in outcome.reason + "".join(written)
    assert SECRET not in outcome.reason + "".join(written)


@pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")
@pytest.mark.parametrize(("does", "code", "tries", "spent"), BY_LITELLM)
async def test_it_ends_so_through_litellm_too(
    stub: StubModel, tmp_path: Path, does: str, code: str, tries: str, spent: str
) -> None:
    stub.script(*BREAKS[does], "too late")
    url = stub.url if BREAKS[does] else "http://127.0.0.1:1/v1"
    outcome, written = await asked(url, tmp_path, provider="mistral", try_s=patience_with(does, 1.5))
    assert isinstance(outcome, Failed)
    assert (outcome.code, stub.count) == (ErrorCode(code), int(tries))
    if spent == "estimated":  # by the library, with a tokenizer of its own
        assert 0 < outcome.usage.input_tokens <= used("input").input_tokens
    else:
        assert outcome.usage == used(spent)
    assert KEY not in outcome.reason + "".join(written)
    assert SECRET not in outcome.reason + "".join(written)


def test_the_rows_that_differ_are_rows() -> None:
    assert set(DIFFER) <= set(BREAKS)
    assert len(DIFFER) == 3, "the fourth says that it is the library's"


@pytest.mark.parametrize("does", BREAKS)
async def test_the_next_of_the_list_answers_unless_something_was_said(
    stub: StubModel, tmp_path: Path, does: str
) -> None:
    stub.script(*BREAKS[does])
    url = stub.url if BREAKS[does] else "http://127.0.0.1:1/v1"
    outcome, _ = await asked(url, tmp_path, ModelChoice("ollama", "other", stub.url, KEY), try_s=patience_with(does))
    if "middle" in does:
        assert isinstance(outcome, Failed)
        return
    assert isinstance(outcome, Answered)
    assert (outcome.text, outcome.model) == (f"echo: {SECRET}", "other")
    if does == "answers nothing":
        assert outcome.usage.input_tokens > prompt_tokens(ASKED), "what timed out may have been read"
