"""The web pages: built files when they are there, else one page that says how to build them."""

from __future__ import annotations

from pathlib import Path

import httpx
from fastapi import FastAPI

from gateway.pages import add_pages


def client(built: Path) -> httpx.AsyncClient:
    app = FastAPI(docs_url=None, redoc_url=None)
    add_pages(app, built)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hub")


async def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    async with client(tmp_path) as browser:
        answer = await browser.get("/")
    assert answer.status_code == 200
    assert "npm run build" in answer.text


async def test_built_pages_are_served_and_nothing_above_them(tmp_path: Path) -> None:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<p>built</p>")
    (built / "assets" / "app.js").write_text("1")
    (tmp_path / "secret").write_text("42")
    async with client(built) as browser:
        assert (await browser.get("/")).text == "<p>built</p>"
        script = await browser.get("/assets/app.js")
        assert script.headers["content-type"].startswith("text/javascript")
        for path in ("/../secret", "/%2e%2e/secret", "/assets/../../secret", "/secret"):
            assert (await browser.get(path)).status_code == 404


async def test_files_come_compressed_and_only_what_is_named_by_its_content_is_kept(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>built</p>")
    (tmp_path / "assets" / "app-1a2b.js").write_text("//" + "a" * 9000)
    async with client(tmp_path) as browser:
        script = await browser.get("/assets/app-1a2b.js", headers={"accept-encoding": "gzip"})
        assert script.headers["content-encoding"] == "gzip"
        assert "immutable" in script.headers["cache-control"]
        assert len(script.text) == 9002
        assert (await browser.get("/")).headers["cache-control"] == "no-cache"


async def test_pages_answer_nothing_of_the_api(tmp_path: Path) -> None:
    """A wrong method is told the right ones, and an unknown path is no page, whether pages are built or not."""
    (tmp_path / "index.html").write_text("<p>built</p>")
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.post("/v1/things")
    async def made() -> str:
        return "made"

    add_pages(app, tmp_path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hub") as browser:
        for method in ("GET", "DELETE", "TRACE"):
            answer = await browser.request(method, "/v1/things")
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        for path in ("/v1", "/v1/", "/v1/nothing"):
            assert (await browser.get(path)).status_code == 404
        assert (await browser.post("/v1/things")).json() == "made"
        assert (await browser.get("/")).text == "<p>built</p>"
