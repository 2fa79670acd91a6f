"""More than 200 odd spellings of hosts and paths at the whole door: each answer is one of the refusals that docs/api.md
names, as a problem document, with a token and without; and none of them is a way to anything.
"""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from gateway.errors import MEDIA_TYPE
from gateway.guard import App, Message, Scope
from tests.integration.gateway.door import HttpDoor
from tests.security.gateway.test_edge import ODD
from tests.security.gateway.test_spellings import SPELLINGS

ENOUGH = 200
PLAIN = {"/v1/agents?", "/v1/agents?x", "/v1/agents?_method=GET"}
"""What only looks odd: the path itself, with a question that the list does not know."""


async def ask(app: App, target: str, host: bytes, token: str) -> tuple[int, dict[str, str], bytes]:
    """One GET with target and host as they are written; no client tidies them up."""
    raw, _, query = target.partition("?")
    got: list[Message] = []
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(raw),
        "raw_path": raw.encode("latin-1", "replace"),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", host), *([(b"authorization", token.encode())] if token else [])],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        got.append(message)

    await app(scope, receive, send)
    headers = {name.decode(): value.decode("latin-1") for name, value in got[0]["headers"]}
    return got[0]["status"], headers, b"".join(message.get("body", b"") for message in got[1:])


@pytest.fixture
def whole(door: HttpDoor) -> App:
    """The application itself, under all its layers."""
    app: App = door.client._transport.app  # type: ignore[attr-defined]
    return app


def code_of(headers: dict[str, str], body: bytes) -> str:
    """Of a problem document, which it must be."""
    assert headers["content-type"] == MEDIA_TYPE
    found: str = json.loads(body)["code"]
    return found


def test_there_are_enough_of_them() -> None:
    assert len(set(SPELLINGS)) + len(set(ODD)) >= ENOUGH


async def test_odd_paths_lead_nowhere(door: HttpDoor, whole: App) -> None:
    token = (await door.person()).headers["Authorization"]
    for spelling in SPELLINGS:
        status, headers, body = await ask(whole, spelling, b"localhost", "")
        assert (status, code_of(headers, body)) in {(401, "UNAUTHENTICATED"), (404, "NOT_FOUND")}, spelling
        if spelling in PLAIN or spelling.startswith("/v1/events"):
            continue  # the thing itself: a stream that does not end
        status, headers, body = await ask(whole, spelling, b"localhost", token)
        refusals = {(404, "NOT_FOUND"), (405, "UNKNOWN_ACTION"), (422, "BODY_INVALID")}
        assert (status, code_of(headers, body)) in refusals, spelling


async def test_odd_hosts_are_misdirected(door: HttpDoor, whole: App) -> None:
    token = (await door.person()).headers["Authorization"]
    for name in ODD:
        for target in ("/", "/v1/agents", "/openapi.json"):
            status, headers, body = await ask(whole, target, name.encode(), token)
            assert (status, code_of(headers, body)) == (421, "WRONG_HOST"), name


@pytest.mark.control
async def test_control_the_plain_spelling_leads_there(door: HttpDoor, whole: App) -> None:
    token = (await door.person()).headers["Authorization"]
    for target in ("/v1/agents", *sorted(PLAIN)):
        assert (await ask(whole, target, b"localhost", token))[0] == 200
