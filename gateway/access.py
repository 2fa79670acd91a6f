"""Who asks, and how often: the two questions before any route of the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from aiox.commands.dead_letters import Resubmit
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import Passwords
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.runtime.tokens import TokenRefused
from gateway.auth import AccessTokens
from gateway.errors import Stopped, problem
from gateway.guard import App, Receive, Scope, Send
from registry import accounts
from registry.rates import Rate, RatesUnavailable

SIGN_IN: Final = "/v1/sessions"
Count = Callable[[str, str, int], Awaitable[Rate]]
"""Counts one request of (action, who) against a limit per minute; see registry.rates. Raises RatesUnavailable."""

BEARER: Final = HTTPBearer(auto_error=False, description="An access token from POST /v1/sessions, 15 minutes")


class Door:
    """What the routes need: hub, tokens, passwords, counters, and a way to put a message on the bus again."""

    def __init__(self, hub: Hub, tokens: AccessTokens, passwords: Passwords, count: Count, resubmit: Resubmit) -> None:
        self.hub = hub
        self.resubmit = resubmit
        self.tokens = tokens
        self.passwords = passwords
        self._count = count

    async def actor(self, authorization: str) -> Actor:
        """Whom the Authorization header speaks for. Raises Stopped with UNAUTHENTICATED or INVALID_TOKEN."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise Stopped(ErrorCode.UNAUTHENTICATED)
        try:
            actor = self.tokens.read(token.strip(), int(self.hub.clock.now().timestamp()))
        except TokenRefused:
            raise Stopped(ErrorCode.INVALID_TOKEN) from None
        if not await accounts.is_active(self.hub.pool, actor.owner):
            raise Stopped(ErrorCode.INVALID_TOKEN)
        return actor

    async def limit(self, action: Action, who: str, per_minute: int) -> None:
        """Counts this request. Raises Stopped with RATE_LIMITED, or HUB_BUSY when nothing can be counted."""
        try:
            rate = await self._count(str(action), who, per_minute)
        except RatesUnavailable:
            raise Stopped(ErrorCode.HUB_BUSY, retry_after_s=5) from None
        if rate.left < 0:
            raise Stopped(ErrorCode.RATE_LIMITED, f"{per_minute} a minute", rate.resets_in_s)


class Authenticated:
    """ASGI: nothing under /v1 but signing in is reached, or its body judged, without a valid token."""

    def __init__(self, app: App, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path = scope["path"]
        if scope["type"] == "http" and (path == "/v1" or path.startswith("/v1/")) and path != SIGN_IN:
            headers = [value for key, value in scope["headers"] if key == b"authorization"]
            try:
                if len(headers) != 1:
                    raise Stopped(ErrorCode.UNAUTHENTICATED)
                scope.setdefault("state", {})["actor"] = await self._door.actor(headers[0].decode("latin-1"))
            except Stopped as stopped:
                await problem(stopped.code, stopped.detail, stopped.retry_after_s)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


def _actor(request: Request, _shown: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]) -> Actor:
    actor: Actor = request.state.actor
    return actor


TheDoor = Annotated[Door, Depends(_door)]
TheActor = Annotated[Actor, Depends(_actor)]
