"""The HTTP application, put together from its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.routing import Route

from aiox.kernel.errors import ErrorCode
from aiox.runtime.health import Ready, health_app
from aiox.runtime.logs import Log
from aiox.runtime.mail import MailTrouble
from aiox.runtime.nats import NotStored
from aiox.runtime.xmpp_server import XmppServerTrouble
from gateway.access import Authenticated, Door
from gateway.described import DescribedApi
from gateway.edge import KnownHosts, open_to
from gateway.errors import AWAY_S, Stopped, failed, problem
from gateway.front import Front
from gateway.guard import App, Body, Guard, Receive, Scope, Send
from gateway.idempotency import Idempotent
from gateway.limits import Rated
from gateway.metrics import HttpMetrics
from gateway.pages import add_pages
from gateway.routes import (
    account,
    accounts,
    agent_sharing,
    agent_versions,
    agents,
    approvals,
    conversations,
    credentials,
    dead_letters,
    documents,
    events,
    executions,
    files,
    group_quotas,
    history,
    hubs,
    ledger,
    live,
    mcp,
    memories,
    messages,
    organisations,
    peers,
    policies,
    preferences,
    privacy,
    reactions,
    rooms,
    sessions,
    sources,
    templates,
    turns,
    usage,
    workers,
)
from registry.idempotency import Keys

HEALTH: Final = ("/livez", "/readyz", "/metrics")


def make_app(
    door: Door, ready: Ready, log: Log, registry: CollectorRegistry, built_pages: Path, front: Front | None = None
) -> App:
    """The whole door as one ASGI application: guard > name > origin > limits > who asks > body > once > routes."""
    front, hub = front or Front(), door.hub
    api = make_api(door, ready, built_pages, front)
    api.state.log = log
    once = Idempotent(api, Keys(hub.pool, hub.keys), hub.clock.now, log)
    asked = Rated(Authenticated(Body(once), door))
    edge = KnownHosts(open_to(front.origins, asked), front.hosts, front.public)
    return Guard(edge, log, hub.clock, HttpMetrics(registry), hsts=front.hsts)


def make_api(door: Door, ready: Ready, built_pages: Path, front: Front | None = None) -> FastAPI:
    """The routes alone. Reached only through `make_app`, which checks who asks."""
    api = DescribedApi(
        title="AIOX",
        version="1",
        summary="Agents with a real XMPP address.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    api.state.door = door
    api.state.front = front or Front()
    for part in (
        agents,  # read most often, and routes are tried in turn
        sessions,
        accounts,
        account,
        organisations,
        group_quotas,
        agent_versions,
        agent_sharing,
        templates,
        documents,
        executions,
        files,
        reactions,
        rooms,
        usage,
        approvals,
        credentials,
        policies,
        peers,
        hubs,
        dead_letters,
        ledger,
        preferences,
        privacy,
        workers,
        messages,
        conversations,
        turns,
        live,
        history,
        mcp,
        memories,
        sources,
        events,
    ):
        api.include_router(part.router)
    health = _Plain(health_app(ready))
    for path in HEALTH:
        api.router.routes.append(Route(path, health, methods=None))
    _add_problems(api)
    add_pages(api, built_pages)
    return api


class _Plain:
    """An ASGI application as an endpoint."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _add_problems(api: FastAPI) -> None:
    @api.exception_handler(Stopped)
    async def stopped(_: Request, found: Stopped) -> Response:
        return problem(found.code, found.detail, found.retry_after_s)

    @api.exception_handler(RequestValidationError)
    async def invalid(_: Request, found: RequestValidationError) -> Response:
        if any(error["loc"][:1] == ("path",) for error in found.errors()):
            return problem(ErrorCode.NOT_FOUND)
        return problem(ErrorCode.BODY_INVALID, _sentence(found))

    @api.exception_handler(HTTPException)
    async def other(_: Request, found: HTTPException) -> Response:
        if found.status_code == 405:
            answer = problem(ErrorCode.UNKNOWN_ACTION, status=405)
            answer.headers["Allow"] = (found.headers or {}).get("Allow", "")
            return answer
        return problem(ErrorCode.NOT_FOUND if found.status_code == 404 else ErrorCode.BODY_INVALID)

    @api.exception_handler(XmppServerTrouble)
    @api.exception_handler(MailTrouble)
    @api.exception_handler(NotStored)
    async def away(request: Request, found: Exception) -> Response:
        request.app.state.log.error("neighbour_away", error=str(found))
        return problem(ErrorCode.HUB_BUSY, retry_after_s=AWAY_S)

    @api.exception_handler(Exception)
    async def broken(_: Request, found: Exception) -> Response:
        return failed(found)


def _sentence(found: RequestValidationError) -> str:
    """What is wrong with which field; never the value itself, which may be a password."""
    return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in found.errors())
