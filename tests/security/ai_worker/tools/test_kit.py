"""Tools of the kit at work, in the real sandbox and against real servers: what they give, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from ai_worker.tools.kit.code_executor import CodeExecutor
from ai_worker.tools.kit.document_parser import DocumentParser
from ai_worker.tools.kit.http_request import HttpRequest
from ai_worker.tools.kit.search_api import SearchApi
from ai_worker.tools.port import Given, Means, ToolFailed
from aiox.kernel.tools import Terms
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress
from aiox.runtime.egress.urls import Blocked
from tests.unit.ai_worker.tools.means import MEANS

PAGE = "<!doctype html><html><body><h1>Title</h1><script>evil()</script><p>Words &amp; more</p></body></html>"
LONG = Terms(timeout_ms=60_000, max_bytes=50_000)


async def ran(code: str, **given: Any) -> Any:
    return json.loads(await CodeExecutor(MEANS).run({"code": code, **given}, Given(LONG)))


async def test_code_reads_what_it_is_given_and_gives_back_what_is_named() -> None:
    code = (
        "import sys; print(sys.stdin.read(), open('in.txt').read()); open('out.txt', 'w').write('ü');"
        "open('raw', 'wb').write(b'\\xff'); open('other', 'w')"
    )
    found = await ran(code, stdin="hello", files={"in.txt": "file"}, outputs=["out.txt", "raw", "missing"])
    assert (found["status"], found["stdout"]) == (0, "hello file\n")
    assert found["files"] == {"out.txt": "ü", "raw": {"base64": "/w=="}}


async def test_code_that_fails_is_a_result() -> None:
    found = await ran("import sys\nsys.exit(3)")
    assert found["status"] == 3
    found = await ran("1 / 0")
    assert (found["status"], "ZeroDivisionError" in found["stderr"]) == (1, True)


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.write(int(os.environ['RESULT_FD']), b'x' * 10)",
        "import os; os.write(int(os.environ['RESULT_FD']), b'[1]')",
        "import os; os.write(int(os.environ['RESULT_FD']), b'{\"a\": \"###\"}')",
        "import os; os.write(int(os.environ['RESULT_FD']), b'{\"a\": ' + b'[' * 100000)",
        "open('big', 'wb').write(bytes(60_000))",
    ],
)
async def test_files_that_are_none_or_too_long_are_refused(code: str) -> None:
    with pytest.raises(ToolFailed):
        await ran(code, outputs=["big"])


@pytest.mark.parametrize("made", ["os.symlink('/etc/passwd', 'f')", "os.mkfifo('f')", "os.mkdir('f')"])
async def test_what_is_no_plain_file_does_not_come_back(made: str) -> None:
    assert "files" not in await ran(f"import os; {made}", outputs=["f"])


async def test_code_has_no_network_and_an_end() -> None:
    found = await ran("import socket; socket.create_connection(('127.0.0.1', 80))")
    assert "PermissionError" in found["stderr"]
    late = json.loads(
        await CodeExecutor(MEANS).run({"code": "while True: pass"}, Given(Terms(timeout_ms=1800, max_bytes=1000)))
    )
    assert late["ended"].startswith("It was stopped: its time")


@dataclass
class Web:
    """A server of this machine under the names of *.test, and what it was asked."""

    means: Means
    port: int
    asked: list[web.Request] = field(default_factory=list)

    def given(self, **changed: Any) -> Given:
        terms = Terms(timeout_ms=60_000, max_bytes=50_000, allowed_domains=("pages.test",))
        return Given(terms, f"http://search.test:{self.port}", **changed)

    def url(self, path: str) -> str:
        return f"http://pages.test:{self.port}{path}"


@pytest.fixture
async def served() -> AsyncIterator[Web]:
    async def serve(request: web.Request) -> web.Response:
        made.asked.append(request)
        if request.path == "/search":
            results = [
                {"title": "One", "url": "http://pages.test/1", "content": "x" * 1000},
                {"title": "Two", "url": "http://other.test/2"},
                {"title": "Three", "url": "javascript:alert(1)", "content": None},
            ]
            return web.json_response({"results": results} if request.query["q"] != "broken" else {"nothing": 1})
        if request.path == "/page.html":
            return web.Response(text=PAGE, content_type="text/html")
        if request.path == "/raw":
            return web.Response(body=b"\x00\xff" * 10, content_type="application/octet-stream")
        if request.path == "/broken.pdf":
            return web.Response(body=b"%PDF-1.7 nothing", content_type="application/pdf")
        return web.Response(
            text='{"a": 1}', content_type="application/json", status=404 if request.path == "/no" else 200
        )

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    reach = Reach((f"127.0.0.1:{port}",), resolve)
    made = Web(Means(MEANS.sandbox, Egress(reach), reach), port)
    yield made
    await runner.cleanup()


async def test_a_request_gives_status_and_text(served: Web) -> None:
    tool = HttpRequest(served.means)
    asked = {"url": served.url("/no"), "method": "POST", "body": "b", "headers": {"X-A": "1"}}
    found = json.loads(await tool.run(asked, served.given()))
    assert (found["status"], found["body"], found["whole"]) == (404, '{"a": 1}', True)
    assert (served.asked[0].method, served.asked[0].headers["X-A"]) == ("POST", "1")
    raw = json.loads(await tool.run({"url": served.url("/raw")}, served.given()))
    assert raw["body"] == "(20 bytes that are no text)"


async def test_a_request_goes_nowhere_that_is_not_listed(served: Web) -> None:
    for url in (f"http://other.test:{served.port}/", f"http://127.0.0.1:{served.port}/"):
        with pytest.raises(Blocked):
            await HttpRequest(served.means).run({"url": url}, served.given())
    assert served.asked == []


async def test_a_search_gives_what_the_list_of_domains_names(served: Web) -> None:
    tool = SearchApi(served.means)
    found = json.loads(await tool.run({"query": "a b&c"}, served.given(secret="key")))
    assert [(one["title"], len(one["text"])) for one in found] == [("One", 600)]
    assert served.asked[0].query == {"q": "a b&c", "format": "json"}
    assert served.asked[0].headers["Authorization"] == "Bearer key"
    anywhere = Given(Terms(timeout_ms=60_000, max_bytes=9999), f"http://search.test:{served.port}")
    assert len(json.loads(await tool.run({"query": "x"}, anywhere))) == 2
    assert len(json.loads(await tool.run({"query": "x", "limit": 1}, anywhere))) == 1
    with pytest.raises(ToolFailed, match="SearXNG"):
        await tool.run({"query": "broken"}, anywhere)


async def test_a_document_is_read_in_the_sandbox(served: Web) -> None:
    tool = DocumentParser(served.means)
    found = json.loads(await tool.run({"url": served.url("/page.html")}, served.given()))
    assert "Words & more" in found["text"]
    assert "evil" not in found["text"]
    rest = json.loads(await tool.run({"url": served.url("/page.html"), "from": 5}, served.given()))
    assert rest["text"] == found["text"][5:]


@pytest.mark.parametrize("path", ["/broken.pdf", "/no"])
async def test_a_document_that_cannot_be_read_says_so(served: Web, path: str) -> None:
    with pytest.raises(ToolFailed):
        await DocumentParser(served.means).run({"url": served.url(path)}, served.given())
