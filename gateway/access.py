"""Who asks, and how often: the two questions before any route of the API."""

from __future__ import annotations

from typing import Annotated, Final, Protocol

from fastapi import Depends, Request

from aiox.commands.dead_letters import Resubmit
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import Passwords
from aiox.commands.people import People
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.runtime.tokens import TokenRefused
from gateway.auth import AccessTokens
from gateway.cookies import RefreshCookies
from gateway.errors import Stopped, problem
from gateway.guard import App, Receive, Scope, Send
from registry import sessions
from registry.rates import WINDOW_S, Rate, RatesUnavailable

SIGN_IN: Final = "/v1/sessions"
REFRESH: Final = "/v1/sessions/refresh"
SIGN_UP: Final = "/v1/accounts"
CONFIRM: Final = "/v1/accounts/confirmations"
RESET: Final = "/v1/password-resets"
NEW_PASSWORD: Final = "/v1/password-resets/completions"  # noqa: S105 -- a path
OPEN: Final = frozenset(("POST", path) for path in (SIGN_IN, REFRESH, SIGN_UP, CONFIRM, RESET, NEW_PASSWORD))
"""What is reached without an access token: the ways to get one."""


FILES: Final = "/v1/files/"
"""Signed links: what stands behind is the whole right to read it."""


def is_open(method: str, path: str) -> bool:
    """Whether a request needs no access token."""
    return (method, path) in OPEN or (method in ("GET", "HEAD") and path.startswith(FILES))


class Count(Protocol):
    """Counts one request of (action, who) against a limit in a window; see registry.rates. Raises RatesUnavailable."""

    async def __call__(self, action: str, who: str, limit: int, window_s: int = WINDOW_S) -> Rate:
        """What is left after this one."""
        ...


class Door:
    """What the routes need: hub, tokens, what accounts need, counters, and a way to put a message on the bus again."""

    def __init__(self, hub: Hub, tokens: AccessTokens, people: People, count: Count, resubmit: Resubmit) -> None:
        self.hub = hub
        self.resubmit = resubmit
        self.tokens = tokens
        self.cookies = RefreshCookies(tokens.derived(b"aiox refresh cookie"))
        self.people = people
        self._count = count

    @property
    def passwords(self) -> Passwords:
        """Hashes and checks passwords."""
        return self.people.passwords

    async def actor(self, authorization: str) -> Actor:
        """Whom the Authorization header speaks for. Raises Stopped with UNAUTHENTICATED or INVALID_TOKEN."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise Stopped(ErrorCode.UNAUTHENTICATED)
        try:
            access = self.tokens.read(token.strip(), int(self.hub.clock.now().timestamp()))
        except TokenRefused:
            raise Stopped(ErrorCode.INVALID_TOKEN) from None
        speaker = await sessions.find_speaker(self.hub.pool, access.owner, access.session, self.hub.clock.now())
        if speaker is None:
            raise Stopped(ErrorCode.INVALID_TOKEN)
        return Actor(access.owner, speaker.jid, access.session, speaker.hub_role)

    async def still_signed_in(self, actor: Actor) -> bool:
        """Whether the actor's session lives: for answers that last longer than 5 seconds, to be asked that often."""
        if actor.session is None:
            return False
        now = self.hub.clock.now()
        return await sessions.find_speaker(self.hub.pool, actor.owner, actor.session, now) is not None

    async def limit(self, action: Action, who: str, per_minute: int) -> None:
        """Counts this request. Raises Stopped with RATE_LIMITED, or HUB_BUSY when nothing can be counted."""
        rate = await self.count(str(action), who, per_minute)
        if rate.left < 0:
            raise Stopped(ErrorCode.RATE_LIMITED, f"{per_minute} a minute", rate.resets_in_s)

    async def count(self, action: str, who: str, limit: int, window_s: int = WINDOW_S) -> Rate:
        """Counts without judging. Raises Stopped with HUB_BUSY when nothing can be counted."""
        try:
            return await self._count(action, who, limit, window_s)
        except RatesUnavailable:
            raise Stopped(ErrorCode.HUB_BUSY, retry_after_s=5) from None


class Authenticated:
    """ASGI: nothing under /v1 but the ways to sign in is reached, or its body judged, without a valid token."""

    def __init__(self, app: App, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path = scope["path"]
        guarded = path == "/v1" or path.startswith("/v1/")
        if scope["type"] == "http" and guarded and not is_open(scope["method"], path):
            headers = [value for key, value in scope["headers"] if key == b"authorization"]
            try:
                if len(headers) != 1:
                    raise Stopped(ErrorCode.UNAUTHENTICATED)
                scope.setdefault("state", {})["actor"] = await self._door.actor(headers[0].decode("latin-1"))
            except Stopped as stopped:
                await problem(stopped.code, stopped.detail, stopped.retry_after_s)(scope, receive, send)
                return
        await self._app(scope, receive, send)


# Coroutines, though nothing is awaited: FastAPI sends a plain function to a thread and back, for every request.


async def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


async def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


TheDoor = Annotated[Door, Depends(_door)]
TheActor = Annotated[Actor, Depends(_actor)]
