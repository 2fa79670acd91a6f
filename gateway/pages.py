"""The web UI as static files, or one small page that says how to build it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>AIOX</title>
<h1>This AIOX hub is running</h1>
<p>The web pages are not built yet. Build them in the project folder, with the Node of its .venv:
<code>PATH="$PWD/.venv/bin:$PATH" &amp;&amp; cd web &amp;&amp; npm ci &amp;&amp; npm run build</code>,
and start the hub again.</p>
<p>Chat with your agents from any XMPP client, or with <code>aiox chat</code>.</p>
<p>The API is described at <a href="/openapi.json">/openapi.json</a>; health is at <a href="/readyz">/readyz</a>.</p>
</html>
"""


class _Built(StaticFiles):
    """Files whose name holds a digest of their content are kept for good; the page that names them is not."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file."""
        response = await super().get_response(path, scope)
        kept = path.startswith("assets/") and response.status_code in (200, 304)
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
        return response


class _Pages(Mount):
    """All but the API: a wrong method there is answered by the route that knows the right ones."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is for a page."""
        if f"{scope.get('path', '')}/".startswith("/v1/"):
            return Match.NONE, {}
        return super().matches(scope)


def add_pages(app: FastAPI, built: Path) -> None:
    """Serves `built` under / when it holds an index page. Call it last: it answers whatever no route took."""
    if (built / "index.html").is_file():
        app.router.routes.append(_Pages("/", GZipMiddleware(_Built(directory=built, html=True))))
        return

    @app.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        return HTMLResponse(_PAGE)
