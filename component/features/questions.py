"""Agents of two hubs that ask each other, as stanzas (docs/rfc-aiox.md, section 7)."""

from __future__ import annotations

from typing import Final
from uuid import UUID
from xml.etree.ElementTree import Element

from aiox.kernel.question import LONGEST_MS, MOST_ASKERS, PREFIX, Question
from component.stanza_xml import add, child

ASK: Final = "urn:aiox:ask:0"


class BadQuestion(Exception):
    """It says that it asks, and is in no order."""


def add_question(message: Element, question: Question) -> None:
    """Says that an agent asks, and for whom."""
    add(
        message,
        ASK,
        "ask",
        call=str(question.call),
        correlation=str(question.correlation),
        chain=" ".join(str(agent) for agent in question.chain),
        **{"timeout-ms": str(question.timeout_ms)},
    )


def question_of(message: Element) -> Question | None:
    """The question that a message is; None for one that is none. Raises BadQuestion."""
    ask = child(message, ASK, "ask")
    if ask is None:
        return None
    timeout, chain = ask.get("timeout-ms", ""), ask.get("chain", "").split(" ")
    if not (timeout.isascii() and timeout.isdecimal() and len(timeout) < 9) or len(chain) > MOST_ASKERS:
        raise BadQuestion
    try:
        ids = UUID(ask.get("call", "")), UUID(ask.get("correlation", ""))
        return Question(*ids, tuple(map(UUID, chain)), min(int(timeout), LONGEST_MS))
    except ValueError:
        raise BadQuestion from None


def add_answer(message: Element, question: Question) -> None:
    """Says which question it answers."""
    add(message, ASK, "answer", call=str(question.call))


def answered_by(message: Element) -> str:
    """The id of the stanza that a message answers, or is the error of; empty for any other message."""
    if message.get("type") == "error":
        found = message.get("id", "")
        return found if found.startswith(PREFIX) else ""
    answer = child(message, ASK, "answer")
    return "" if answer is None else f"{PREFIX}{answer.get('call', '')}"
