"""The story of a turn: what it does in order, and how it ends when something fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from ai_worker.model.port import ModelFailed
from ai_worker.turn import MAX_SUMMARY_CHARACTERS, Spent, think
from ai_worker.words import LEARNS, Exchange, Kind, Passage, Prompt, Rejected, Remembered, Task, ToolOffer
from aiox.kernel.canonical import Json
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Answered, Failed, Usage
from aiox.runtime.steps import Step
from tests.unit.ai_worker.minds import AGENT, ANN, NOBODY, OWNER, PASSAGE, Log, Memory, Model, mind, turn

OFFER = ToolOffer("look", "Looks.", {})
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def ignore(_text: str) -> None:
    """Nobody listens."""


async def test_an_answer_has_text_usage_citations_and_times(tmp_path: Path) -> None:
    said: list[str] = []
    model = Model(("one ", "two"))
    outcome = await think(turn(), mind(tmp_path, model, Memory((PASSAGE,))), Spent(), said.append, NOBODY)
    assert isinstance(outcome, Answered)
    assert (outcome.text, outcome.usage, outcome.model) == ("one two", Usage(7, 3), "scripted")
    assert said == ["one ", "two"]
    assert [citation.title for citation in outcome.citations] == ["Guide"]
    assert outcome.recalled == (PASSAGE.memory_id,)
    assert outcome.worker_ms >= outcome.model_ms >= 0
    assert model.prompts[0].passages == (PASSAGE,)


async def test_memory_is_asked_for_owner_agent_and_subject(tmp_path: Path) -> None:
    memory = Memory()
    await think(turn("Hi"), mind(tmp_path, Model(), memory), Spent(), ignore, NOBODY)
    assert memory.asked == [(OWNER, AGENT, ANN, "Hi")]


async def test_a_fact_is_stored_before_the_model_confirms_it(tmp_path: Path) -> None:
    memory, model = Memory(), Model()
    await think(turn("remember that I am late"), mind(tmp_path, model, memory), Spent(), ignore, NOBODY)
    assert memory.kept == [(OWNER, AGENT, ANN, "I am late")]
    assert model.prompts[0].remembered == Remembered("I am late", True)


@pytest.mark.parametrize("off", [{"memory_full": True}, {"long_term": False}, {"subject": ""}])
async def test_a_fact_that_may_not_be_stored_is_said_to_be_lost(tmp_path: Path, off: dict[str, object]) -> None:
    memory, model = Memory(), Model()
    outcome = await think(
        turn("remember that I am late", **off), mind(tmp_path, model, memory), Spent(), ignore, NOBODY
    )
    assert isinstance(outcome, Answered)
    assert memory.kept == []
    assert model.prompts[0].remembered == Remembered("I am late", False)


async def test_nothing_is_learnt_from_an_ordinary_message(tmp_path: Path) -> None:
    memory, model = Memory(), Model()
    await think(turn("My name is Ann and I live in Porto."), mind(tmp_path, model, memory), Spent(), ignore, NOBODY)
    assert memory.kept == []
    assert model.prompts[0].remembered is None


async def test_without_long_term_memory_nothing_is_recalled(tmp_path: Path) -> None:
    memory = Memory((PASSAGE,))
    await think(turn(long_term=False), mind(tmp_path, Model(), memory), Spent(), ignore, NOBODY)
    assert memory.asked == []


async def test_characters_no_door_can_send_are_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    outcome = await think(
        turn(), mind(tmp_path, Model(("a\x00b", "\x1b[31m", "\ufffe\ud800c"))), Spent(), said.append, NOBODY
    )
    assert isinstance(outcome, Answered)
    assert outcome.text == "ab[31mc" == "".join(said)


@pytest.mark.parametrize("pieces", [(), ("",), (" \n ",), ("\x00\x07",)])
async def test_an_answer_without_visible_text_is_none(tmp_path: Path, pieces: tuple[str, ...]) -> None:
    outcome = await think(turn(), mind(tmp_path, Model(pieces)), Spent(), ignore, NOBODY)
    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.usage) == (ErrorCode.EMPTY_ANSWER, Usage(7, 3))


async def test_a_model_that_hangs_ends_at_the_turns_time_and_is_closed(tmp_path: Path) -> None:
    model = Model(("half",), hangs=True)
    outcome = await think(turn(timeout_s=0.05), mind(tmp_path, model), Spent(), ignore, NOBODY)
    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.usage) == (ErrorCode.TIMEOUT, Usage(5, 2))
    assert model.closed.is_set()


async def test_a_refusal_before_the_first_piece_costs_nothing(tmp_path: Path) -> None:
    model = Model((), error=ModelFailed(ErrorCode.RATE_LIMIT, "slow down"))
    outcome = await think(turn(), mind(tmp_path, model), Spent(), ignore, NOBODY)
    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.reason, outcome.usage) == (ErrorCode.RATE_LIMIT, "slow down", Usage(0, 0))


async def test_half_an_answer_is_counted(tmp_path: Path) -> None:
    model = Model(("half an answer",), error=ModelFailed(ErrorCode.PROVIDER_ERROR, "gone"))
    outcome = await think(turn(), mind(tmp_path, model), Spent(), ignore, NOBODY)
    assert isinstance(outcome, Failed)
    assert outcome.usage == Usage(5, 5)


class Broken(Memory):
    """Memory whose store is gone."""

    async def fact(self, owner: UUID, agent: UUID, subject: str, fact: str) -> UUID:
        raise OSError(f"cannot store {fact}")


async def test_what_breaks_is_internal_and_its_words_are_not_logged(tmp_path: Path) -> None:
    log = Log()
    thinking = mind(tmp_path, Model(), Broken(), log=log)
    outcome = await think(turn("remember that my pin is 1234"), thinking, Spent(), ignore, NOBODY)
    assert isinstance(outcome, Failed)
    assert outcome.code is ErrorCode.INTERNAL
    ((event, values),) = log.lines
    assert (event, values["error"]) == ("turn_broke", "OSError")
    assert "1234" not in str(values)


async def test_cancelling_passes_through_and_closes_the_model(tmp_path: Path) -> None:
    model, spent = Model(("half",), hangs=True), Spent()
    heard = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(think(turn(), mind(tmp_path, model), spent, lambda _: heard.set(), NOBODY))
        await heard.wait()
        task.cancel()
    assert task.cancelled()
    assert model.closed.is_set()
    assert spent.bill.usage == Usage(5, 2)


async def test_a_traced_turn_makes_its_two_spans(tmp_path: Path) -> None:
    thinking = mind(tmp_path, Model())
    await think(turn("remember that I am late", traceparent=TRACEPARENT), thinking, Spent(), ignore, NOBODY)
    await think(turn("remember that I am early"), thinking, Spent(), ignore, NOBODY)
    thinking.telemetry.close()
    spans = [json.loads(line) for line in (tmp_path / "traces/ai_worker.jsonl").read_text().splitlines()]
    assert {span["name"]: span["attributes"].get("stored") for span in spans} == {Step.THOUGHT: None, Step.LONG_TERM: 1}
    assert len(spans) == 2


SCHEMA: Mapping[str, Json] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


async def formed(tmp_path: Path, *answers: str) -> tuple[Answered | Failed, list[str], Model]:
    """A turn of an agent that promises a form, and a model that answers so."""
    said: list[str] = []
    model = Model(answers=list(answers))
    asked = turn(prompt=Prompt("Ada", "", "Where?", answer_schema=SCHEMA, tools=(OFFER,)))
    return await think(asked, mind(tmp_path, model), Spent(), said.append, NOBODY), said, model


async def test_an_answer_in_the_promised_form_is_shown_whole(tmp_path: Path) -> None:
    outcome, said, model = await formed(tmp_path, '```json\n{"city": "Porto"}\n```')
    assert isinstance(outcome, Answered)
    assert outcome.text == '{"city": "Porto"}' == "".join(said)
    assert len(said) == len(model.prompts) == 1


async def test_an_answer_in_another_form_is_asked_for_once_more_and_never_shown(tmp_path: Path) -> None:
    outcome, said, model = await formed(tmp_path, "Porto, I think.", '{"city": "Porto"}')
    assert isinstance(outcome, Answered)
    assert said == ['{"city": "Porto"}']
    assert model.prompts[1].rejected == (Rejected("Porto, I think.", "It is not JSON."),)
    assert model.prompts[1].tools == ()
    assert outcome.usage == Usage(14, 6)


async def test_a_second_answer_in_another_form_is_an_error(tmp_path: Path) -> None:
    outcome, said, model = await formed(tmp_path, "Porto", "Porto!", '{"city": "too late"}')
    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.usage, said, len(model.prompts)) == (ErrorCode.ANSWER_INVALID, Usage(14, 6), [], 2)


SUMMARY = Passage(uuid4(), None, Kind.SUMMARY, "", "", "They set up a hub.", 0.0)


async def test_a_summary_is_of_the_history_and_of_the_one_before(tmp_path: Path) -> None:
    model, memory, said = Model(("A hub, ", "and a cat.")), Memory((PASSAGE, SUMMARY)), list[str]()
    asked = turn("not read", prompt=Prompt("Ada", "Be kind.", "x", (Exchange("Hi", "Hello"),), task=Task.SUMMARY))
    outcome = await think(asked, mind(tmp_path, model, memory), Spent(), said.append, NOBODY)
    assert isinstance(outcome, Answered)
    assert (outcome.text, outcome.recalled, outcome.citations) == ("A hub, and a cat.", (SUMMARY.memory_id,), ())
    assert said == []
    (prompt,) = model.prompts
    assert (prompt.message, prompt.history) == ("They set up a hub.", (Exchange("Hi", "Hello"),))


async def test_a_summary_stores_nothing_that_its_turns_ask_for(tmp_path: Path) -> None:
    memory = Memory()
    said = Exchange("remember that I am late", "ok")
    asked = turn(learns=True, prompt=Prompt("Ada", "", "remember that x", (said,), task=Task.SUMMARY))
    await think(asked, mind(tmp_path, Model(), memory), Spent(), ignore, NOBODY)
    assert memory.kept == []


async def test_a_summary_is_cut_where_a_model_goes_on_and_on(tmp_path: Path) -> None:
    asked = turn(prompt=Prompt("Ada", "", "", (Exchange("Hi", "Hello"),), task=Task.SUMMARY))
    outcome = await think(asked, mind(tmp_path, Model(("word " * 5000,))), Spent(), ignore, NOBODY)
    assert isinstance(outcome, Answered)
    assert len(outcome.text) == MAX_SUMMARY_CHARACTERS


async def test_the_summary_is_recalled_with_the_passages_and_not_cited(tmp_path: Path) -> None:
    model, memory = Model(), Memory((SUMMARY, PASSAGE))
    outcome = await think(turn(), mind(tmp_path, model, memory), Spent(), ignore, NOBODY)
    assert isinstance(outcome, Answered)
    assert outcome.recalled == (SUMMARY.memory_id, PASSAGE.memory_id)
    assert [one.memory_id for one in outcome.citations] == [PASSAGE.memory_id]
    assert model.prompts[0].passages == (SUMMARY, PASSAGE)


async def test_an_agent_that_learns_says_so_first_and_shows_what_it_learnt(tmp_path: Path) -> None:
    memory, said = Memory(), list[str]()
    first = await think(turn("Hi", learns=True), mind(tmp_path, Model(), memory), Spent(), said.append, NOBODY)
    assert isinstance(first, Answered)
    assert first.text == f"hello\n\n{LEARNS}" == "".join(said)
    assert memory.kept == []
    later = Prompt("Ada", "", "My cat is called Ada.", (Exchange("Hi", "Hello"),))
    second = await think(turn(learns=True, prompt=later), mind(tmp_path, Model(), memory), Spent(), ignore, NOBODY)
    assert isinstance(second, Answered)
    assert second.text == f"hello\n\nI keep in mind: “My cat is called Ada”\n{LEARNS}"
    assert [kept[2:] for kept in memory.kept] == [(ANN, "My cat is called Ada")]
    third = await think(turn(learns=True, prompt=later), mind(tmp_path, Model(), memory), Spent(), ignore, NOBODY)
    assert isinstance(third, Answered)
    assert third.text == "hello", "what is known is not told again"


@pytest.mark.parametrize(
    "changed",
    [
        {"learns": False},
        {"learns": True, "long_term": False},
        {"learns": True, "memory_full": True},
        {"learns": True, "subject": ""},
        {"learns": True, "prompt": Prompt("Ada", "", "My cat is called Ada.", answer_schema={"type": "object"})},
    ],
)
async def test_nothing_is_learnt_where_it_may_not(tmp_path: Path, changed: dict[str, Any]) -> None:
    memory = Memory()
    asked = turn("My cat is called Ada.", **changed)
    outcome = await think(asked, mind(tmp_path, Model(("{}",)), memory), Spent(), ignore, NOBODY)
    assert isinstance(outcome, Answered)
    assert memory.kept == []
    assert "I keep in mind" not in outcome.text
