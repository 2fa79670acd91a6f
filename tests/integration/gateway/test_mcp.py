"""MCP servers over HTTP: listed, looked at, their tools approved by digest; a stranger's are not there."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from aiox.kernel.agent import McpServer
from aiox.kernel.mcp import SeenTool, seen_tool
from tests.integration.gateway.door import HttpDoor, Person

FILES = {"name": "files", "transport": "stdio", "command": ["files"], "allowed_tools": ["read"]}


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


async def agent_of(door: HttpDoor, who: Person) -> str:
    fields = {"profile": {"name": "Ada"}, "mcp_servers": [FILES]}
    made = await door.client.post("/v1/agents", json=fields, headers=who.headers)
    assert made.status_code == 201, made.text
    return str(made.json()["agent_id"])


async def saw(door: HttpDoor, agent: str) -> SeenTool:
    """What a worker would have found."""
    found = seen_tool(McpServer.model_validate(FILES), "read", "Reads.", {"type": "object"})
    assert found is not None
    async with door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE mcp_servers SET state = 'ready', seen = $2 WHERE agent_id = $1",
            UUID(agent),
            json.dumps([found.as_json]),
        )
    return found


def standing(answer: Any) -> list[tuple[str, str]]:
    shown = answer["items"][0] if "items" in answer else answer
    return [(one["tool"], one["standing"]) for one in shown["tools"]]


async def test_a_tool_is_approved_as_it_was_seen_and_taken_back(door: HttpDoor, ada: Person) -> None:
    agent = await agent_of(door, ada)
    where, mine = f"/v1/agents/{agent}/mcp", ada.headers
    first = await door.client.get(where, headers=mine)
    assert first.json()["items"][0]["state"] is None
    asked = await door.client.post(f"{where}/files/look", headers=mine)
    assert (asked.status_code, asked.json()["state"]) == (202, "asked")
    seen = await saw(door, agent)
    approval = f"{where}/files/tools/read/approval"
    wrong = await door.client.put(approval, json={"digest": "0" * 64}, headers=mine)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "CONFLICT")
    approved = await door.client.put(approval, json={"digest": seen.digest}, headers=mine)
    assert standing(approved.json()) == [("read", "approved")]
    listed = (await door.client.get(where, headers=mine)).json()
    (tool,) = listed["items"][0]["tools"]
    assert (tool["called"], tool["pinned"], tool["description"]) == ("files__read", seen.digest, "Reads.")
    taken = await door.client.delete(approval, headers=mine)
    assert standing(taken.json()) == [("read", "new")]
    assert (await door.client.delete(approval, headers=mine)).status_code == 404


async def test_a_strangers_servers_are_not_there(door: HttpDoor, ada: Person) -> None:
    agent, eve = await agent_of(door, ada), await door.person()
    where = f"/v1/agents/{agent}/mcp"
    for method, path, body in (
        ("GET", where, None),
        ("POST", f"{where}/files/look", None),
        ("PUT", f"{where}/files/tools/read/approval", {"digest": "0" * 64}),
        ("DELETE", f"{where}/files/tools/read/approval", None),
    ):
        answer = await door.client.request(method, path, json=body, headers=eve.headers)
        assert answer.status_code == 404, (method, answer.text)


@pytest.mark.parametrize(
    "server",
    [
        {**FILES, "name": "a__b"},
        {**FILES, "name": "A"},
        {**FILES, "credential": "key"},
        {**FILES, "command": []},
        {**FILES, "policy": "always"},
    ],
)
async def test_a_server_that_cannot_be(door: HttpDoor, ada: Person, server: dict[str, object]) -> None:
    fields = {"profile": {"name": "Ada"}, "mcp_servers": [server]}
    assert (await door.client.post("/v1/agents", json=fields, headers=ada.headers)).status_code == 422
