"""How often which action may be asked for (SPEC 12), and the headers that say what is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Final

from aiox.kernel.actions import Action
from aiox.runtime.settings import Limits
from gateway.guard import App, Message, Receive, Scope, Send
from registry.rates import WINDOW_S, Rate

Count = Callable[[str, str, int, int], Awaitable[Rate]]
"""Counts one request of (action, who) against a limit in a window of seconds; see registry.rates.

Raises RatesUnavailable.
"""

_COUNTED: Final[ContextVar[list[Rate] | None]] = ContextVar("counted", default=None)
"""What the current request has been counted against. Routes know no answer's headers, and answers no action."""


class Budgets:
    """Counts in Redis, so that all replicas share a budget; the limit is that of the action's class, if it has one."""

    def __init__(self, count: Count, limits: Limits) -> None:
        self._count = count
        self._limits = limits

    async def count(self, action: str, who: str, limit: int, window_s: int = WINDOW_S) -> Rate:
        """One request; `limit` holds for actions without a class. Raises RatesUnavailable."""
        rate = await self._count(action, who, self._per_minute(action, limit), window_s)
        counted = _COUNTED.get()
        if counted is not None:
            counted.append(rate)
        return rate

    def _per_minute(self, action: str, otherwise: int) -> int:
        if action == Action.AGENT_INVOKE:
            return self._limits.messages_per_minute
        classes = {
            "agent": self._limits.agents_per_minute,
            "preferences": self._limits.agents_per_minute,
            "plan": self._limits.plans_per_minute,
            "run": self._limits.runs_per_minute,
        }
        return classes.get(action.partition(".")[0], otherwise)


class Rated:
    """ASGI: says in the answers to a signed-in caller how much is left of the tightest budget that was counted.

    Before somebody is signed in nothing is said: whose budget it was is none of the caller's business.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        counted: list[Rate] = []
        token = _COUNTED.set(counted)

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and counted and "actor" in scope.get("state", {}):
                message = {**message, "headers": [*message.get("headers", ()), *_headers(counted)]}
            await send(message)

        try:
            await self._app(scope, receive, tell)
        finally:
            _COUNTED.reset(token)


def _headers(counted: list[Rate]) -> list[tuple[bytes, bytes]]:
    tightest = min(counted, key=lambda rate: rate.left)
    said = {"limit": tightest.limit, "remaining": max(0, tightest.left), "reset": tightest.resets_in_s}
    return [(f"ratelimit-{name}".encode(), str(value).encode()) for name, value in said.items()]
