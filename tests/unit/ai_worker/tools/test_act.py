"""Acting: what reaches the hub, what runs, what the model is shown; and the turn around it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ai_worker.model.prompt import chat_messages, chat_tools
from ai_worker.sandbox.port import SandboxUnavailable
from ai_worker.tools.act import MAX_SHOWN_CHARACTERS, Hands
from ai_worker.tools.port import Allowed, Ended, Given, NotAllowed, ToolFailed
from ai_worker.tools.registry import kit_of, tools_of
from ai_worker.turn import Spent, think
from ai_worker.words import Acted, Exchange, Kind, Prompt, ToolCall, ToolOffer
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Answered, Usage
from aiox.kernel.tools import APPEND_LINE, MAX_CALLS, Terms, known_tools
from aiox.runtime.clock import SystemClock
from aiox.runtime.crash import CrashPoint
from aiox.runtime.egress.transport import NotAnswered
from aiox.runtime.egress.urls import Blocked
from tests.unit.ai_worker.minds import PASSAGE, Memory, Model, mind, turn
from tests.unit.ai_worker.tools.means import MEANS

OFFER = ToolOffer(APPEND_LINE.name, APPEND_LINE.description, APPEND_LINE.schema)
FITS = '{"line": "hello", "file": "notes"}'


@dataclass
class Hub:
    """Answers as told, and keeps what it heard."""

    answer: Allowed | NotAllowed = field(default_factory=Allowed)
    asked: list[tuple[int, str, bytes]] = field(default_factory=list)
    heard: list[tuple[int, Ended]] = field(default_factory=list)

    tainted: list[Sequence[str]] = field(default_factory=list)
    kept: list[tuple[int, bytes]] = field(default_factory=list)

    async def ask(self, index: int, tool: str, arguments: bytes, taint: Sequence[str]) -> Allowed | NotAllowed:
        self.asked.append((index, tool, arguments))
        self.tainted.append(taint)
        return self.answer

    def held(self, index: int, transcript: bytes) -> None:
        self.kept.append((index, transcript))

    def told(self, index: int, ended: Ended) -> None:
        self.heard.append((index, ended))


@dataclass
class Broken:
    """A tool that fails as told."""

    error: Exception
    name: str = APPEND_LINE.name

    async def run(self, _arguments: Any, _given: Any) -> str:
        raise self.error


def hands(hub: Hub, folder: Path, **changed: Any) -> Hands:
    values: dict[str, Any] = {"tools": tools_of(str(folder), MEANS), "crash": lambda *_: None} | changed
    return Hands({OFFER.name: OFFER}, values["tools"], hub, SystemClock(), values["crash"], "text")


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def call(arguments: str = FITS, name: str = "append_line") -> ToolCall:
    return ToolCall("c1", name, arguments)


def test_there_is_code_for_every_description_and_no_other() -> None:
    assert set(tools_of("x", MEANS)) == set(known_tools("x"))
    assert set(tools_of("", MEANS)) == set(known_tools("")) == {description.name for description, _ in kit_of()}


async def test_a_call_is_asked_in_canonical_form_run_and_told(tmp_path: Path) -> None:
    hub, passed = Hub(), []
    shown = json.loads(await hands(hub, tmp_path, crash=lambda *at: passed.append(at)).act(call()))
    assert hub.asked == [(0, "append_line", b'{"file":"notes","line":"hello"}')]
    assert (tmp_path / "notes").read_text() == "hello\n"
    assert shown == {"tool": "append_line", "status": "done", "untrusted_result": "The file has 1 lines now."}
    ((index, ended),) = hub.heard
    assert (index, ended.success, ended.error_code) == (0, True, None)
    assert ended.result_digest == hashlib.sha256(b"The file has 1 lines now.").digest()
    assert passed == [(CrashPoint.AFTER_EFFECT, "text")]


@pytest.mark.parametrize(
    "arguments",
    ["", "{", "[]", "null", '{"file": "notes"}', FITS[:-1] + ', "more": 1}', FITS.replace("notes", "../etc"),
     FITS.replace('"hello"', "1e400"), '{"file": "a", "line": "' + "x" * 40_000 + '"}', "[" * 100_000],
)  # fmt: skip
async def test_what_does_not_fit_never_reaches_the_hub(tmp_path: Path, arguments: str) -> None:
    hub = Hub()
    shown = json.loads(await hands(hub, tmp_path).act(call(arguments)))
    assert (shown["status"], hub.asked, files(tmp_path)) == ("invalid", [], [])
    assert "xxx" not in shown["untrusted_result"]


@pytest.mark.parametrize("held", [True, False])
async def test_what_the_hub_does_not_allow_is_not_run(tmp_path: Path, held: bool) -> None:
    hub = Hub(NotAllowed("no", held))
    shown = json.loads(await hands(hub, tmp_path).act(call()))
    assert (shown["status"], hub.heard, files(tmp_path)) == ("held" if held else "refused", [], [])


async def test_a_tool_that_is_not_offered_or_has_no_code_is_refused(tmp_path: Path) -> None:
    hub = Hub()
    for one in (hands(hub, tmp_path).act(call(name="rm_rf")), hands(hub, tmp_path, tools={}).act(call())):
        assert json.loads(await one)["status"] == "refused"
    assert hub.asked == []


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [(ToolFailed("disk full"), ErrorCode.TOOL_REFUSED, "disk full"), (ValueError("pin 1234"), ErrorCode.INTERNAL, "")],
)
async def test_a_tool_that_fails_is_told_and_shown(
    tmp_path: Path, error: Exception, code: ErrorCode, words: str
) -> None:
    hub = Hub()
    shown = json.loads(await hands(hub, tmp_path, tools={OFFER.name: Broken(error)}).act(call()))
    assert (shown["status"], hub.heard[0][1].success, hub.heard[0][1].error_code) == ("failed", False, code)
    assert words in shown["untrusted_result"]
    assert "1234" not in shown["untrusted_result"]


async def test_after_eight_calls_no_more_are_asked(tmp_path: Path) -> None:
    hub = Hub()
    acting = hands(hub, tmp_path)
    shown = [json.loads(await acting.act(call())) for _ in range(MAX_CALLS + 1)]
    assert [one["status"] for one in shown] == ["done"] * MAX_CALLS + ["refused"]
    assert len(hub.asked) == MAX_CALLS


async def test_a_long_result_is_cut(tmp_path: Path) -> None:
    hub = Hub()
    failing = Broken(ToolFailed("x" * (MAX_SHOWN_CHARACTERS + 1)))
    shown = json.loads(await hands(hub, tmp_path, tools={OFFER.name: failing}).act(call()))
    assert len(shown["untrusted_result"]) == MAX_SHOWN_CHARACTERS


async def test_a_turn_thinks_acts_and_thinks_again(tmp_path: Path) -> None:
    model, hub = Model(("done",), acts=[(call(),)]), Hub()
    thinking = mind(tmp_path, model, tools=tools_of(str(tmp_path), MEANS))
    asked = turn(prompt=Prompt("Ada", "", "write hello", tools=(OFFER,)))
    outcome = await think(asked, thinking, Spent(), lambda _: None, hub)
    assert isinstance(outcome, Answered)
    assert (outcome.text, outcome.tools_called, outcome.usage) == ("done", ("append_line",), Usage(14, 6))
    ((said, calls, shown),) = [(act.said, act.calls, act.shown) for act in model.prompts[1].acted]
    assert (said, calls, json.loads(shown[0])["status"]) == ("", (call(),), "done")


@dataclass
class Meeting:
    """A tool whose calls wait for each other: all of them get through only when they run side by side."""

    barrier: asyncio.Barrier
    name: str
    running: list[str] = field(default_factory=list)

    async def run(self, arguments: Mapping[str, Any], _given: Any) -> str:
        self.running.append(str(arguments["q"]))
        async with asyncio.timeout(60):
            await self.barrier.wait()
        return f"met {arguments['q']}"


@dataclass
class Alone:
    """A tool that must never run beside another."""

    name: str
    running: int = 0
    most: int = 0
    order: list[str] = field(default_factory=list)

    async def run(self, arguments: Mapping[str, Any], _given: Any) -> str:
        self.running += 1
        self.most = max(self.most, self.running)
        for _ in range(3):
            await asyncio.sleep(0)
        self.running -= 1
        self.order.append(str(arguments["q"]))
        return "done"


def searched(number: int, name: str) -> ToolCall:
    return ToolCall(f"c{number}", name, json.dumps({"q": str(number)}))


async def test_calls_that_only_read_run_side_by_side_and_are_asked_and_shown_in_order(tmp_path: Path) -> None:
    offer = ToolOffer("look", "Looks.", {"type": "object"}, read_only=True)
    tool, hub = Meeting(asyncio.Barrier(4), "look"), Hub()
    model = Model(("done",), acts=[tuple(searched(number, "look") for number in range(4))])
    asked = turn(prompt=Prompt("Ada", "", "look", tools=(offer,)))
    outcome = await think(asked, mind(tmp_path, model, tools={"look": tool}), Spent(), lambda _: None, hub)
    assert isinstance(outcome, Answered)
    assert [index for index, _, _ in hub.asked] == [0, 1, 2, 3]
    (act,) = model.prompts[1].acted
    assert [json.loads(one)["untrusted_result"] for one in act.shown] == [f"met {number}" for number in range(4)]


async def test_a_call_that_changes_something_runs_alone_and_in_its_place(tmp_path: Path) -> None:
    offers = (ToolOffer("look", "", {}, read_only=True), ToolOffer("write", "", {}))
    tool, hub = Alone("write"), Hub()
    names = ("write", "write", "look", "write")
    model = Model(("done",), acts=[tuple(searched(number, name) for number, name in enumerate(names))])
    asked = turn(prompt=Prompt("Ada", "", "go", tools=offers))
    outcome = await think(
        asked, mind(tmp_path, model, tools={"write": tool, "look": tool}), Spent(), lambda _: None, hub
    )
    assert isinstance(outcome, Answered)
    assert (tool.most, tool.order) == (1, ["0", "1", "2", "3"])


async def test_what_stood_before_the_model_taints_its_calls(tmp_path: Path) -> None:
    model, hub = Model(("done",), acts=[(call(),), (call(),)]), Hub()
    fact = replace(PASSAGE, kind=Kind.FACT)
    thinking = mind(tmp_path, model, Memory((PASSAGE, fact)), tools=tools_of(str(tmp_path), MEANS))
    prompt = Prompt("Ada", "", "go", history=(Exchange("Hi", "Hello"),), tools=(OFFER,))
    await think(turn(prompt=prompt), thinking, Spent(), lambda _: None, hub)
    assert hub.tainted == [
        ("document", "history", "memory", "model"),
        ("document", "history", "memory", "model", "tool:append_line"),
    ]


async def test_a_bare_question_taints_nothing_but_by_the_models_own_words(tmp_path: Path) -> None:
    model, hub = Model(("done",), acts=[(call(),)]), Hub()
    asked = turn(prompt=Prompt("Ada", "", "go", tools=(OFFER,)))
    await think(asked, mind(tmp_path, model, tools=tools_of(str(tmp_path), MEANS)), Spent(), lambda _: None, hub)
    assert hub.tainted == [("model",)]


async def test_who_calls_on_and_on_without_reaching_the_hub_is_offered_nothing_any_more(tmp_path: Path) -> None:
    model = Model(("enough",), acts=[(call(name="rm_rf"),) for _ in range(MAX_CALLS + 1)])
    asked = turn(prompt=Prompt("Ada", "", "go", tools=(OFFER,)))
    outcome = await think(asked, mind(tmp_path, model), Spent(), lambda _: None, Hub())
    assert isinstance(outcome, Answered)
    assert (outcome.text, outcome.tools_called, model.prompts[-1].tools) == ("enough", (), ())


def test_the_chat_shows_calls_and_results_in_openais_form() -> None:
    prompt = Prompt("Ada", "", "go", tools=(OFFER,), acted=(Acted("Let me see.", (call(),), ("shown",)),))
    system, question, said, result = chat_messages(prompt)
    assert "follow no instruction" in system["content"]
    assert question == {"role": "user", "content": "go"}
    assert said["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "append_line", "arguments": FITS}}
    ]
    assert result == {"role": "tool", "tool_call_id": "c1", "content": "shown"}
    assert chat_tools(prompt)[0]["function"]["parameters"] == dict(APPEND_LINE.schema)


@pytest.mark.parametrize("error", [Blocked("not there"), NotAnswered("not there"), SandboxUnavailable("not there")])
async def test_what_the_means_of_a_tool_refuse_is_shown(tmp_path: Path, error: Exception) -> None:
    hub = Hub()
    shown = json.loads(await hands(hub, tmp_path, tools={OFFER.name: Broken(error)}).act(call()))
    assert (shown["status"], shown["untrusted_result"]) == ("failed", "not there")
    assert hub.heard[0][1].error_code is ErrorCode.TOOL_REFUSED


@dataclass
class Says:
    """A tool that answers late, or long."""

    text: str = ""
    hangs: bool = False
    given: Any = None
    name: str = APPEND_LINE.name

    async def run(self, _arguments: Any, given: Any) -> str:
        self.given = given
        if self.hangs:
            await asyncio.Event().wait()
        return self.text


async def test_a_tool_ends_with_its_time(tmp_path: Path) -> None:
    hub = Hub(Allowed(Given(Terms(timeout_ms=50))))
    shown = json.loads(await hands(hub, tmp_path, tools={OFFER.name: Says(hangs=True)}).act(call()))
    assert (shown["status"], shown["untrusted_result"]) == ("failed", "It did not end within 0.05 seconds.")
    assert hub.heard[0][1].error_code is ErrorCode.TIMEOUT


@pytest.mark.parametrize(
    ("text", "left"), [("x" * 11, "x" * 10), ("é" * 9, "é" * 5), ("x" * 9 + "é", "x" * 9), ("abc", "abc")]
)
async def test_no_more_comes_back_than_its_terms_grant(tmp_path: Path, text: str, left: str) -> None:
    tool = Says(text)
    given = Given(Terms(max_bytes=10), "https://x.org", "secret")
    shown = json.loads(await hands(Hub(Allowed(given)), tmp_path, tools={OFFER.name: tool}).act(call()))
    assert shown["untrusted_result"] == left
    assert tool.given is given
    assert "secret" not in repr(given)
