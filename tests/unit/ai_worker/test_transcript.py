"""A held turn goes on where it was: what it had done is written down, and read back by whichever worker goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_worker.tools.port import Allowed, Ended, NotAllowed
from ai_worker.tools.registry import tools_of
from ai_worker.transcript import FIRST, continued, written
from ai_worker.turn import Spent, think
from ai_worker.words import Acted, Held, Prompt, ToolCall, ToolOffer
from aiox.kernel.canonical import canonical
from aiox.kernel.outcome import Answered
from aiox.kernel.tools import APPEND_LINE
from tests.unit.ai_worker.minds import Model, mind, turn
from tests.unit.ai_worker.tools.means import MEANS

OFFER = ToolOffer(APPEND_LINE.name, APPEND_LINE.description, APPEND_LINE.schema)
WRONG = ToolCall("a", "append_line", "{}")
FITS = ToolCall("b", "append_line", '{"file": "notes", "line": "hello"}')
TEXT = st.text(max_size=20)
CALL = st.builds(ToolCall, TEXT, TEXT, TEXT)


@st.composite
def rounds(draw: st.DrawFn) -> Acted:
    calls = draw(st.lists(CALL, min_size=1, max_size=3))
    return Acted(draw(TEXT), tuple(calls), tuple(draw(TEXT) for _ in calls))


def said_by_hub(call: ToolCall, transcript: bytes) -> bytes:
    return canonical({"tool": call.name, "arguments": call.arguments, "transcript": transcript.decode()})


@given(st.lists(rounds(), min_size=1, max_size=3), st.data())
def test_what_is_written_is_read_back(acted: list[Acted], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(acted[-1].calls) - 1))
    transcript = written(acted, place)
    assert transcript.isascii()
    call = ToolCall(acted[-1].calls[place].id, "tool", "{}")
    found = continued(said_by_hub(call, transcript))
    assert (found.place, found.call, found.acted[:-1]) == (place, call, tuple(acted[:-1]))
    assert (found.acted[-1].said, found.acted[-1].shown) == (acted[-1].said, acted[-1].shown)


def test_the_call_that_runs_is_the_hubs_and_not_the_transcripts() -> None:
    transcript = written([Acted("", (replace(FITS, arguments='{"file": "other", "line": "x"}'),), ("held",))], 0)
    assert continued(said_by_hub(FITS, transcript)).call == FITS


def test_without_a_transcript_the_turn_begins_with_the_call() -> None:
    held = continued(said_by_hub(FITS, b""))
    assert held == Held((Acted("", (replace(FITS, id=FIRST),), ("",)),), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"place": 1}, {"place": -1}, {"place": "0"}, {"place": True}, {"acted": []}, {"acted": [{}]},
        {"acted": [{"said": "", "calls": [], "shown": []}]}, {"acted": 1},
        {"acted": [{"said": "", "calls": [{"id": "a", "name": "b", "arguments": "c"}], "shown": []}]},
    ],
)  # fmt: skip
def test_what_no_worker_wrote_is_refused(change: dict[str, Any]) -> None:
    good = json.loads(written([Acted("", (FITS,), ("held",))], 0))
    with pytest.raises(ValueError, match=r"\w"):
        continued(said_by_hub(FITS, json.dumps(good | change).encode()))


class Hub:
    """Holds every call, or lets every call run."""

    def __init__(self, answer: Allowed | NotAllowed) -> None:
        self.answer = answer
        self.kept: list[tuple[int, bytes]] = []

    async def ask(self, _index: int, _tool: str, _arguments: bytes, _taint: Sequence[str]) -> Allowed | NotAllowed:
        return self.answer

    def held(self, index: int, transcript: bytes) -> None:
        self.kept.append((index, transcript))

    def told(self, _index: int, _ended: Ended) -> None:
        return


async def test_a_held_turn_goes_on_with_all_that_it_had_done(tmp_path: Path) -> None:
    heard: list[str] = []
    prompt = Prompt("Ada", "", "Write it.", tools=(OFFER,))
    tools, hub = tools_of(str(tmp_path), MEANS), Hub(NotAllowed("wait", held=True))
    model = Model(("I have asked.",), acts=[(WRONG,), (FITS,)])
    await think(turn(prompt=prompt), mind(tmp_path, model, tools=tools), Spent(), heard.append, hub)
    ((index, transcript),) = hub.kept
    assert index == 0

    going_on = Model(("It is written.",))
    held = continued(said_by_hub(FITS, transcript))
    again = turn(prompt=prompt, held=held)
    outcome = await think(again, mind(tmp_path, going_on, tools=tools), Spent(), heard.append, Hub(Allowed()))
    assert isinstance(outcome, Answered)
    assert (outcome.text, outcome.tools_called) == ("It is written.", ("append_line",))
    assert (tmp_path / "notes").read_text() == "hello\n"
    (seen,) = going_on.prompts
    assert [one.calls for one in seen.acted] == [(WRONG,), (FITS,)]
    assert [json.loads(one.shown[0])["status"] for one in seen.acted] == ["invalid", "done"]


async def test_of_two_calls_side_by_side_that_wait_each_has_its_own_place(tmp_path: Path) -> None:
    hub, other = Hub(NotAllowed("wait", held=True)), replace(FITS, id="c", arguments='{"file": "more", "line": "x"}')
    model = Model(("I have asked.",), acts=[(FITS, WRONG, other)])
    heard: list[str] = []
    prompt = Prompt("Ada", "", "Write both.", tools=(OFFER,))
    await think(
        turn(prompt=prompt), mind(tmp_path, model, tools=tools_of(str(tmp_path), MEANS)), Spent(), heard.append, hub
    )
    assert [(index, json.loads(transcript)["place"]) for index, transcript in hub.kept] == [(0, 0), (1, 2)]
