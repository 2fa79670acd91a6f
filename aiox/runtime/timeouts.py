"""Counts what the database did not do in time: each statement that was given up, by it or by us (SPEC 13)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from prometheus_client import Counter

TIMEOUTS: Final = Counter("aiox_database_timeouts_total", "Statements that were given up because they took too long")

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection


class Counted(_Connection):
    """A connection as any other: what it raises, it raises all the same."""

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        """As the base class does."""
        with _counted():
            return await super().execute(*args, **kwargs)

    async def executemany(self, *args: Any, **kwargs: Any) -> Any:
        """As the base class does."""
        with _counted():
            return await super().executemany(*args, **kwargs)

    async def fetch(self, *args: Any, **kwargs: Any) -> Any:
        """As the base class does."""
        with _counted():
            return await super().fetch(*args, **kwargs)

    async def fetchrow(self, *args: Any, **kwargs: Any) -> Any:
        """As the base class does."""
        with _counted():
            return await super().fetchrow(*args, **kwargs)

    async def fetchval(self, *args: Any, **kwargs: Any) -> Any:
        """As the base class does."""
        with _counted():
            return await super().fetchval(*args, **kwargs)


@contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except (TimeoutError, asyncpg.QueryCanceledError):
        TIMEOUTS.inc()
        raise
