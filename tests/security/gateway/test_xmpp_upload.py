"""The web's way to give files to the XMPP server: our own pages only, and no more than was announced."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from gateway.guard import App, Message, Receive, Scope, Send
from gateway.xmpp_upload import PREFIX, Pieces, XmppUpload

SLOT = f"{PREFIX}0a1b/2c3d/notes%20of%20ada.md"
OURS = {"origin": "http://localhost", "content-type": "text/markdown"}


class Behind:
    """An XMPP server's place."""

    def __init__(self, status: int = 201) -> None:
        self.status = status
        self.got: list[tuple[str, int, str, bytes]] = []
        self.begun = asyncio.Event()
        self.held = asyncio.Event()
        self.held.set()

    async def put(self, path: str, length: int, media_type: str, pieces: Pieces) -> int:
        self.begun.set()
        content = b"".join([piece async for piece in pieces])
        await self.held.wait()
        self.got.append((path, length, media_type, content))
        return self.status


async def _elsewhere(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def client(behind: Behind, places: int = 2) -> httpx.AsyncClient:
    app = XmppUpload(_elsewhere, behind.put, (), 100, places)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost")


async def test_a_file_goes_to_its_place_and_other_requests_go_on() -> None:
    behind = Behind()
    async with client(behind) as page:
        answer = await page.put(SLOT, content=b"hello", headers=OURS)
        assert (answer.status_code, answer.content) == (201, b"")
        assert behind.got == [("/0a1b/2c3d/notes%20of%20ada.md", 5, "text/markdown", b"hello")]
        assert (await page.get("/v1/agents")).status_code == 299


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (SLOT, {"origin": "http://evil.example"}, 404),
        (SLOT, {}, 404),
        (SLOT, {**OURS, "host": "evil.example"}, 421),
        (f"{PREFIX}0a1b/2c3d/../../../api/register", OURS, 404),
        (f"{PREFIX}0a1b/2c3d/%2e%2e", OURS, 404),
        (f"{PREFIX}0a1b/2c3d/a/b", OURS, 404),
        (f"{PREFIX}0a1b/2c3d", OURS, 404),
        (f"{PREFIX}../api/x", OURS, 404),
    ],
    ids=["another site", "no page", "another name", "up", "up, hidden", "deeper", "no file", "out"],
)
async def test_what_is_no_place_or_comes_from_elsewhere_does_not_go_there(
    path: str, headers: dict[str, str], status: int
) -> None:
    behind = Behind()
    assert await put(behind, path, headers, b"x") == status
    assert behind.got == []


@pytest.mark.control
async def test_control_the_same_request_with_all_as_it_should_be_goes_there() -> None:
    behind = Behind()
    assert await put(behind, SLOT, OURS, b"x") == 201
    assert len(behind.got) == 1


async def test_more_than_is_allowed_or_announced_does_not_go_through() -> None:
    behind = Behind()
    assert await put(behind, SLOT, OURS, b"x" * 101) == 413
    assert await put(behind, SLOT, {**OURS, "content-length": "3"}, b"four") == 502
    assert await put(behind, SLOT, {**OURS, "content-length": "-1"}, b"") == 411
    assert await put(behind, SLOT, OURS, b"x", method="GET") == 405
    assert behind.got == []


async def test_a_gateway_carries_so_many_at_a_time() -> None:
    behind = Behind()
    behind.held.clear()
    async with client(behind, places=1) as page, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(page.put(SLOT, content=b"1", headers=OURS))
        await behind.begun.wait()
        assert (await page.put(SLOT, content=b"2", headers=OURS)).status_code == 503
        behind.held.set()
        assert (await first).status_code == 201
        assert (await page.put(SLOT, content=b"3", headers=OURS)).status_code == 201


@pytest.mark.parametrize(("said", "told"), [(201, 201), (413, 413), (500, 502), (302, 502)])
async def test_what_the_server_says_is_told_where_it_concerns_who_asks(said: int, told: int) -> None:
    assert await put(Behind(said), SLOT, OURS, b"x") == told


async def put(behind: Behind, path: str, headers: dict[str, str], body: bytes, method: str = "PUT") -> int:
    """The status of a request that is sent as it stands: no client tidies its path."""
    given = {"host": "localhost", "content-length": str(len(body)), **headers}
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        said.append(message)

    app: App = XmppUpload(_elsewhere, behind.put, (), 100)
    await app(scope, receive, send)
    return int(said[0]["status"])
