"""Cursors of lists (SPEC 12): opaque to the caller, typed for us, bound to the list that gave them.

A route asks its command for one row more than the page has, and gives the rows to `cut`:

    async def list_mine(..., after: After = "", limit: Limit = 50) -> AgentList:
        rows = await ... (after=position_in("agents", after), limit=limit + 1)
        page, next_cursor = cut("agents", rows, limit, lambda row: Position(row.created_at, row.id))

A cursor is no secret and no right: it says where to go on, and the rows behind it pass the same gate as any others.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import Query

from aiox.kernel.errors import ErrorCode
from gateway.errors import Stopped
from registry.pages import MOST, Position

Limit = Annotated[int, Query(ge=1, le=MOST, description="items on the page at most")]
After = Annotated[
    str, Query(max_length=64, pattern=r"^[A-Za-z0-9_-]*$", description="`next` of the page before; empty: the first")
]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TAG: Final = 4
_AT: Final = 8
_WHOLE: Final = _TAG + _AT + 16

Row = TypeVar("Row")


def cursor(kind: str, position: Position) -> str:
    """The cursor of a position in the list called `kind`."""
    at = (position.at - _EPOCH) // timedelta(microseconds=1)
    return urlsafe_b64encode(_tag(kind) + at.to_bytes(_AT, signed=True) + position.id.bytes).decode().rstrip("=")


def position_in(kind: str, given: str) -> Position | None:
    """The position that `given` means; None for the first page.

    Raises Stopped with BODY_INVALID for what is no cursor of this list.
    """
    if not given:
        return None
    try:
        raw = urlsafe_b64decode(given + "=" * (-len(given) % 4))
        if len(raw) != _WHOLE or raw[:_TAG] != _tag(kind):
            raise ValueError(kind)
        at = _EPOCH + timedelta(microseconds=int.from_bytes(raw[_TAG : _TAG + _AT], signed=True))
    except (ValueError, OverflowError):
        raise Stopped(ErrorCode.BODY_INVALID, "query.after: no cursor of this list") from None
    return Position(at, UUID(bytes=raw[_TAG + _AT :]))


def cut(
    kind: str, rows: Sequence[Row], limit: int, where: Callable[[Row], Position]
) -> tuple[Sequence[Row], str | None]:
    """The rows of the page, and the cursor of the next one; None when there is none. `rows` holds up to limit + 1."""
    if len(rows) <= limit:
        return rows, None
    page = rows[:limit]
    return page, cursor(kind, where(page[-1]))


def _tag(kind: str) -> bytes:
    return hashlib.sha256(kind.encode()).digest()[:_TAG]
