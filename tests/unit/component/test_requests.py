"""Requests of this door: answered by whom they were sent to, or not at all."""

from __future__ import annotations

import asyncio
from itertools import count
from uuid import UUID
from xml.etree.ElementTree import Element

import pytest

from component import requests
from component.features.hubs import answer_document, ask_document, document_in
from component.requests import NotAnswered, Requests

HERE, THERE = "probe-1@agents.a.example", "agents.b.example"


class Link:
    """What was sent."""

    def __init__(self, up: bool = True) -> None:
        self.sent: list[Element] = []
        self._up = up
        self._ids = count(1)

    def requests(self) -> Requests:
        return Requests(self.send, lambda: HERE, lambda: UUID(int=next(self._ids)))

    def send(self, element: Element) -> bool:
        self.sent.append(element)
        return self._up


def query(sender: str, query_id: str) -> Element:
    return ask_document(sender, THERE, query_id)


async def test_the_answer_comes_to_who_asked() -> None:
    link = Link()
    asked = link.requests()
    waits = asyncio.create_task(asked.ask(query, 60))
    await asyncio.sleep(0)
    assert link.sent[0].get("from") == HERE
    assert asked.takes(answer_document(link.sent[0], "note"))
    assert document_in(await waits) == "note"


async def test_nobody_else_answers() -> None:
    link = Link()
    asked = link.requests()
    waits = asyncio.create_task(asked.ask(query, 60))
    await asyncio.sleep(0)
    for change in ({"from": "agents.evil.example"}, {"id": "another"}, {"type": "get"}):
        false = answer_document(link.sent[0], "false")
        for name, value in change.items():
            false.set(name, value)
        assert not asked.takes(false)
    assert asked.takes(answer_document(link.sent[0], "true"))
    assert asked.takes(answer_document(link.sent[0], "late"))
    assert document_in(await waits) == "true"
    assert not asked.takes(answer_document(link.sent[0], "too late"))


async def test_silence_and_a_link_that_is_down_are_told() -> None:
    with pytest.raises(NotAnswered, match="no answer"):
        await Link().requests().ask(query, 0.01)
    with pytest.raises(NotAnswered, match="no link"):
        await Link(up=False).requests().ask(query, 60)


async def test_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MOST", 1)
    asked = Link().requests()
    waits = asyncio.create_task(asked.ask(query, 60))
    await asyncio.sleep(0)
    with pytest.raises(NotAnswered, match="too many"):
        await asked.ask(query, 60)
    waits.cancel()
