"""The edge of the door: which names it answers, which origins may read it, and odd spellings of paths and hosts."""

# ruff: noqa: SIM905 -- a list of odd words reads best as words

from __future__ import annotations

import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry

from aiox.runtime.clock import SystemClock
from gateway.edge import KnownHosts, open_to
from gateway.guard import App, Guard, Receive, Scope, Send
from gateway.metrics import HttpMetrics


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def edge(app: App = hello, hosts: tuple[str, ...] = ("hub.example",), origins: tuple[str, ...] = ()) -> App:
    return KnownHosts(open_to(origins, app), hosts)


def client(app: App, base_url: str = "http://localhost") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base_url)


NAMES = "localhost 127.0.0.1 [::1] hub.example HUB.example localhost:8080 [::1]:8080 hub.example:1".split()
ODD = [
    *"evil.example hub.example.evil.example evil.example:80 localhost.evil.example xhub.example localhost.".split(),
    *".localhost localhost: localhost:x localhost:80:80 localhost:\uff18\uff10 localhost:-1 user@localhost".split(),
    *"localhost/ localhost? localhost# 127.0.0.2 127.1 2130706433 0x7f000001 0177.0.0.1 ::1 [::1 ::1] [::2]".split(),
    *"169.254.169.254 0 [::] * *.example hub.example,localhost hub%2eexample h\xf6st xn--hst-sna null".split(),
    *("localhost localhost", " ", "", "localhost\t"),
]


@pytest.mark.parametrize("name", NAMES)
async def test_its_own_names_are_answered(name: str) -> None:
    async with client(edge()) as browser:
        assert (await browser.get("/", headers={"Host": name})).status_code == 200


@pytest.mark.parametrize("name", ODD)
async def test_another_name_is_not(name: str) -> None:
    async with client(edge()) as browser:
        for path in ("/", "/v1/agents", "/metrics", "/openapi.json"):
            answer = await browser.get(path, headers=[(b"Host", name.encode())])
            assert (answer.status_code, answer.json()["code"]) == (421, "WRONG_HOST")


@pytest.mark.control
@pytest.mark.parametrize("name", ["evil.example", "hub.example.evil.example"])
async def test_control_without_the_guard_another_name_is(name: str) -> None:
    async with client(hello) as browser:
        assert (await browser.get("/", headers={"Host": name})).status_code == 200


async def test_two_names_are_none_and_probes_need_none() -> None:
    async with client(edge()) as browser:
        answer = await browser.get("/", headers=[("Host", "localhost"), ("Host", "localhost")])
        assert answer.status_code == 421
        for path in ("/livez", "/readyz"):
            assert (await browser.get(path, headers={"Host": "10.0.0.7:8080"})).status_code == 200


async def test_the_world_sees_no_figures() -> None:
    """Whoever scrapes comes by another name than the public one."""
    app = KnownHosts(hello, ("gateway-1", "Hub.example", "localhost"), ("Hub.example", "localhost"))
    figures = {"hub.example": 404, "HUB.example:443": 404, "gateway-1:8080": 200, "localhost": 200, "127.0.0.1:1": 200}
    async with client(app) as browser:
        for name, status in figures.items():
            assert (await browser.get("/metrics", headers={"Host": name})).status_code == status
            assert (await browser.get("/v1/agents", headers={"Host": name})).status_code == 200


@pytest.mark.control
async def test_control_without_the_public_names_it_does() -> None:
    async with client(KnownHosts(hello, ("hub.example",))) as browser:
        assert (await browser.get("/metrics", headers={"Host": "hub.example"})).status_code == 200


async def test_no_origin_may_read_by_default_and_a_named_one_may() -> None:
    asked = {"Origin": "https://ui.example", "Access-Control-Request-Method": "POST"}
    for origins in ((), ("https://other.example",)):
        async with client(edge(origins=origins)) as browser:
            for answer in (await browser.get("/", headers=asked), await browser.options("/", headers=asked)):
                assert "access-control-allow-origin" not in answer.headers
    async with client(edge(origins=("https://ui.example",))) as browser:
        answer = await browser.options("/v1/agents", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://ui.example"
        assert "access-control-allow-credentials" not in answer.headers


async def test_browsers_are_told_to_keep_to_https_where_there_is_tls() -> None:
    async def header(base_url: str, *, hsts: bool) -> str | None:
        guard = Guard(hello, structlog.get_logger(), SystemClock(), HttpMetrics(CollectorRegistry()), hsts=hsts)
        async with client(guard, base_url) as browser:
            found: str | None = (await browser.get("/")).headers.get("strict-transport-security")
            return found

    assert await header("http://localhost", hsts=False) is None
    assert await header("http://localhost", hsts=True) == "max-age=31536000"
    assert await header("https://localhost", hsts=False) == "max-age=31536000"
