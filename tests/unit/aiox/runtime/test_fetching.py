"""What people link to: our own upload host by its exact origin, everybody else through the public rules."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress
from aiox.runtime.fetching import Fetcher, NotFetched, OwnHost, fetcher_of
from aiox.runtime.settings import Settings
from tests.stack import new_place

CONTENT = b"green key" * 1000


@dataclass
class Served:
    port: int
    asked: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://hub.test:{self.port}"


async def nowhere(_host: str, _port: int) -> list[str]:
    return []


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    served = Served(0)

    async def handle(request: web.Request) -> web.Response:
        served.asked.append(request.path)
        if request.path.endswith("away"):
            raise web.HTTPFound(f"{served.origin}/api/status")
        if request.path.endswith("missing"):
            raise web.HTTPNotFound
        return web.Response(body=CONTENT, content_type="text/plain")

    app = web.Application()
    app.router.add_route("GET", "/{tail:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.port = runner.addresses[0][1]
    try:
        yield served
    finally:
        await runner.cleanup()


def fetcher(served: Served, *, redirects: bool = False) -> Fetcher:
    async def here(host: str, _port: int) -> list[str]:
        return ["127.0.0.1"] if host == "hub.test" else []

    reach = Reach(frozenset({f"127.0.0.1:{served.port}"}), here)
    own = OwnHost("http", "hub.test", served.port, "/upload/", Egress(reach, frozenset(), redirects=redirects))
    return Fetcher(Egress(Reach(resolve=nowhere)), own)


async def test_a_file_of_our_own_host_is_got() -> None:
    async with serving() as served:
        got = await fetcher(served).fetch(f"{served.origin}/upload/a/b.txt", 1 << 20)
    assert got.content == CONTENT
    assert got.media_type.startswith("text/plain")


@pytest.mark.parametrize(
    "path",
    ["/api/status", "/upload/../api/status", "/upload", "/uploads/a", "/upload/%2e%2e/api", "//upload/a", "/Upload/a"],
)
async def test_nothing_else_of_that_host_is_asked_for(path: str) -> None:
    async with serving() as served:
        with pytest.raises(NotFetched):
            await fetcher(served).fetch(served.origin + path, 1 << 20)
        assert served.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "hub.test.", "evil.test", "[::1]", "user@hub.test"])
async def test_our_own_host_has_one_name(host: str) -> None:
    async with serving() as served:
        known = host == "hub.test."
        try:
            await fetcher(served).fetch(f"http://{host}:{served.port}/upload/a", 1 << 20)
        except NotFetched:
            assert not known
        assert bool(served.asked) == known


async def test_our_own_host_sends_nobody_elsewhere() -> None:
    async with serving() as served:
        with pytest.raises(NotFetched, match="redirects"):
            await fetcher(served).fetch(f"{served.origin}/upload/away", 1 << 20)
        assert served.asked == ["/upload/away"]


@pytest.mark.control
async def test_with_redirects_it_would_be_led_to_the_servers_commands() -> None:
    async with serving() as served:
        await fetcher(served, redirects=True).fetch(f"{served.origin}/upload/away", 1 << 20)
        assert served.asked == ["/upload/away", "/api/status"]


async def test_what_is_too_large_or_not_there_is_a_sentence() -> None:
    async with serving() as served:
        with pytest.raises(NotFetched, match="larger than 100 bytes"):
            await fetcher(served).fetch(f"{served.origin}/upload/a", 100)
        with pytest.raises(NotFetched, match="answered 404"):
            await fetcher(served).fetch(f"{served.origin}/upload/missing", 100)


@pytest.mark.parametrize("url", ["aesgcm://hub.test/a#key", "file:///etc/passwd", "ftp://hub.test/a", "", "https://"])
async def test_other_kinds_of_links_are_not_followed(url: str) -> None:
    async with serving() as served:
        with pytest.raises(NotFetched):
            await fetcher(served).fetch(url, 100)
        assert served.asked == []


async def test_the_hubs_own_fetcher_knows_its_upload_host(tmp_path: Path) -> None:
    place = new_place(tmp_path)
    ca_file = str(place.home.secrets("orchestrator").path("ca.crt"))
    own = fetcher_of(place.settings, ca_file)._own
    assert own is not None
    assert (own.scheme, own.host, own.port) == ("https", "localhost", place.settings.ports.xmpp_http)
    assert own.path == "/upload/"
    public = Settings.model_validate({"files": {"upload_url": "https://files.example.org/up"}})
    assert fetcher_of(public, ca_file)._own is None
    assert ssl.create_default_context(cafile=ca_file)
