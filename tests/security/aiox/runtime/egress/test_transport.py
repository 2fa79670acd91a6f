"""What a request carries, whom it shows it to, and how much it takes: against real servers on this machine."""

# ruff: noqa: E501 -- tables of cases

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import MAX_REDIRECTS, Egress, NotAnswered, Outgoing
from aiox.runtime.egress.urls import Blocked, Target, read_url
from tests.security.ai_worker.certificates import Authority

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Servers:
    """Two origins, and what each was asked."""

    egress: Egress
    ports: dict[str, int]
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    named: list[str | None] = field(default_factory=list)
    """Names that clients asked for in TLS."""

    def url(self, host: str, path: str) -> str:
        return f"https://{host}:{self.ports[host]}{path}"

    async def ask(self, host: str, path: str, **given: Any) -> Any:
        return await self.egress.fetch(Outgoing(self.url(host, path), ("*.test",), **given))


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    authority = Authority("test")
    ports: dict[str, int] = {}
    trust = ssl.create_default_context(cadata=authority.certificate.decode())
    runners = []
    made = Servers(Egress(Reach()), ports)

    async def serve(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        made.seen.append((request.host, request.method, headers, await request.read()))
        if to := request.query.get("to") or ("/loop" if request.path == "/loop" else ""):
            raise web.HTTPFound(to) if "keep" not in request.query else web.HTTPTemporaryRedirect(to)
        if request.path == "/long":
            return web.Response(body=b"x" * 100_000)
        if request.path == "/gzip":
            return web.Response(body=b"x", headers={"Content-Encoding": "gzip"})
        if request.path == "/slow":
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x")
                await asyncio.sleep(0.02)
        return web.Response(text="hello", headers={"X-Mark": "m"})

    for host in ("one.test", "two.test"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pair = authority.issue(host)
        (tmp_path / "pair.pem").write_bytes(pair.certificate + pair.key)
        context.load_cert_chain(tmp_path / "pair.pem")
        context.sni_callback = lambda _s, name, _c: made.named.append(name)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", serve)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        ports[host] = runner.addresses[0][1]
        runners.append(runner)

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    internal = [f"127.0.0.1:{port}" for port in ports.values()]
    made.egress = Egress(Reach(internal, resolve), trust=trust)
    yield made
    for runner in runners:
        await runner.cleanup()


async def test_an_ordinary_request_is_answered_and_the_name_is_kept_in_tls(servers: Servers) -> None:
    answer = await servers.ask("one.test", "/x", headers={"Authorization": "Bearer k"})
    assert (answer.status, answer.body, answer.whole, answer.headers["x-mark"]) == (200, b"hello", True, "m")
    assert servers.named == ["one.test"]
    ((host, method, headers, _),) = servers.seen
    assert (host, method, headers["authorization"]) == (f"one.test:{servers.ports['one.test']}", "GET", "Bearer k")


async def test_a_certificate_for_another_name_is_refused(servers: Servers) -> None:
    servers.ports["wrong.test"] = servers.ports["one.test"]
    with pytest.raises(NotAnswered):
        await servers.ask("wrong.test", "/")
    assert servers.seen == []


async def test_who_is_not_named_is_not_asked_neither_at_first_nor_by_redirect(servers: Servers) -> None:
    for url in (servers.url("one.test", "/"), servers.url("two.test", f"/?to={servers.url('one.test', '/')}")):
        with pytest.raises(Blocked, match="is not among"):
            await servers.egress.fetch(Outgoing(url, ("two.test",)))
    assert [host.partition(":")[0] for host, *_ in servers.seen] == ["two.test"]


async def test_credentials_stay_with_their_origin(servers: Servers) -> None:
    secret = {"Authorization": "Bearer k", "Cookie": "c=1", "X-Api-Key": "k", "Accept": "text/plain"}
    await servers.ask("one.test", f"/?to={servers.url('two.test', '/')}", headers=secret)
    await servers.ask("one.test", "/?to=/again", headers=secret)
    (_, _, first, _), (_, _, crossed, _), _, (_, _, same, _) = servers.seen
    assert "authorization" in first
    assert not {"authorization", "cookie", "x-api-key"} & set(crossed)
    assert crossed["accept"] == "text/plain"
    assert same["authorization"] == "Bearer k"


async def test_a_body_is_not_sent_on_to_somebody_else(servers: Servers) -> None:
    there = servers.url("two.test", "/")
    with pytest.raises(Blocked, match="body"):
        await servers.ask("one.test", f"/?keep=1&to={there}", method="POST", body=b"secret")
    await servers.ask(
        "one.test", f"/?to={there}", method="POST", body=b"secret", headers={"Content-Type": "text/plain"}
    )
    assert [(method, body) for _, method, _, body in servers.seen] == [("POST", b"secret")] * 2 + [("GET", b"")]
    assert "content-type" not in servers.seen[-1][2]


async def test_redirects_end(servers: Servers) -> None:
    with pytest.raises(Blocked, match="more than 5 redirects"):
        await servers.ask("one.test", "/loop?to=")
    assert len(servers.seen) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("to", ["http://one.test/", "ftp://one.test/", "https://one.test:1/", "file:///etc/passwd"])
async def test_where_redirects_must_not_lead(servers: Servers, to: str) -> None:
    with pytest.raises(Blocked):
        await servers.ask("one.test", f"/?to={to}")


async def test_no_more_is_read_than_may_be(servers: Servers) -> None:
    answer = await servers.ask("one.test", "/long", max_bytes=1000)
    assert (len(answer.body), answer.whole) == (1000, False)
    exact = await servers.ask("one.test", "/long", max_bytes=100_000)
    assert (len(exact.body), exact.whole) == (100_000, True)


async def test_what_was_asked_plain_and_comes_compressed_is_refused(servers: Servers) -> None:
    with pytest.raises(Blocked, match="compressed"):
        await servers.ask("one.test", "/gzip")


async def test_an_answer_that_never_ends_ends_with_the_time(servers: Servers) -> None:
    with pytest.raises(NotAnswered, match=r"within 0\.5 seconds"):
        await servers.ask("one.test", "/slow", timeout_s=0.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Host", "x"), ("Content-Length", "1"), ("Transfer-Encoding", "chunked"), ("Connection", "close"), ("X", "a\r\nY: b"),
     ("X\r\nY", "b"), ("X Y", "b"), ("", "b"), ("X", "a\x00"), ("X", "a\n"), ("X\n", "a"), ("Proxy-Authorization", "x"), ("X-Forwarded-For", "x"),
     ("Accept-Encoding", "gzip"), ("X", "€")],
)  # fmt: skip
async def test_headers_that_nobody_may_send(servers: Servers, name: str, value: str) -> None:
    with pytest.raises(Blocked, match="header"):
        await servers.ask("one.test", "/", headers={name: value})
    assert servers.seen == []


class Naive(Egress):
    """Follows wherever it is sent, with all that it has: the guards of redirects taken out."""

    def _redirected(self, asked: Outgoing, before: Target, status: int, location: str) -> tuple[Target, Outgoing]:
        return read_url(str(before.url.join(URL(location))), self._ports), asked


@pytest.mark.control
async def test_without_the_guards_of_redirects_credentials_bodies_and_strangers_are_reached(servers: Servers) -> None:
    servers.egress = Naive(servers.egress._reach, trust=servers.egress._trust)
    there = servers.url("two.test", "/")
    secret = {"Authorization": "Bearer k", "Cookie": "c=1"}
    await servers.ask("one.test", f"/?to={there}", headers=secret)
    await servers.ask("one.test", f"/?keep=1&to={there}", method="POST", body=b"secret")
    only_one = Outgoing(servers.url("one.test", f"/?to={there}"), ("one.test",))
    await servers.egress.fetch(only_one)
    reached = [(headers, body) for host, _, headers, body in servers.seen if host.startswith("two.test")]
    assert len(reached) == 3
    assert reached[0][0]["authorization"] == "Bearer k"
    assert reached[0][0]["cookie"] == "c=1"
    assert reached[1][1] == b"secret"
