"""A form for one answer, asked for with its message: checked at the door, carried to the orchestrator as it is."""

from __future__ import annotations

from typing import Any

import pytest

from aiox.kernel.canonical import Json, canonical
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.wire.codec import decode, encode
from tests.integration.gateway.door import HttpDoor

PLACE: Json = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NAME: Json = {"type": "object", "properties": {"name": {"type": "string"}}}


@pytest.fixture
def put(door: HttpDoor, monkeypatch: pytest.MonkeyPatch) -> list[Envelope[MessageReceived]]:
    """What goes onto the bus."""
    kept: list[Envelope[MessageReceived]] = []

    async def keep(envelope: Envelope[MessageReceived]) -> None:
        kept.append(envelope)

    monkeypatch.setattr(door.inner, "resubmit", keep)
    return kept


async def test_the_form_travels_with_its_message(door: HttpDoor, put: list[Envelope[MessageReceived]]) -> None:
    ada = await door.person()
    where = f"/v1/agents/{await door.agent(ada)}/messages"
    for body in ({"text": "Where?", "response_schema": PLACE}, {"text": "Where?"}):
        assert (await door.client.post(where, json=body, headers=ada.headers)).status_code == 202
    carried = [decode(encode(one)).payload for one in put]
    assert [one.response_schema for one in carried if isinstance(one, MessageReceived)] == [
        canonical(PLACE).decode(),
        "",
    ]


async def test_another_form_under_the_same_key_is_another_request(
    door: HttpDoor, put: list[Envelope[MessageReceived]]
) -> None:
    ada = await door.person()
    where, headers = f"/v1/agents/{await door.agent(ada)}/messages", {**ada.headers, "Idempotency-Key": "1"}
    answers = [
        await door.client.post(where, json={"text": "Where?", "response_schema": form}, headers=headers)
        for form in (PLACE, PLACE, NAME)
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 422]
    assert answers[2].json()["code"] == "KEY_REUSED"
    assert len({one.payload.turn_id for one in put}) == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "object", "properties": {"a": {"$ref": "https://example.org/x"}}},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+$"}}},
        {"type": "object", "description": "x" * 9000},
        "object",
    ],
)
async def test_what_is_no_form_is_refused_before_anything_is_put(
    door: HttpDoor, put: list[Envelope[MessageReceived]], schema: Any
) -> None:
    ada = await door.person()
    where = f"/v1/agents/{await door.agent(ada)}/messages"
    refused = await door.client.post(where, json={"text": "Where?", "response_schema": schema}, headers=ada.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "BODY_INVALID")
    assert "response_schema" in refused.json()["detail"]
    assert put == []
