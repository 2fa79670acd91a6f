"""ETag and If-Match (RFC 9110, 8.8.3 and 13.1.1): nobody overwrites what somebody else has changed meanwhile.

A route that reads sets `response.headers["ETag"] = etag(...)` from what changes with the thing (its version, its
draft); one that changes takes `if_match: IfMatch = None` and calls `check(if_match, etag(...))` before it does.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Header

from aiox.kernel.errors import ErrorCode
from gateway.errors import Stopped

IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=1000, description="the ETag of what is changed, or *")
]


def etag(*parts: object) -> str:
    """A strong ETag for a thing in this state. Same parts, same tag; the parts cannot be read from it."""
    text = "\x1f".join(f"{len(str(part))}:{part}" for part in parts)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def check(if_match: str | None, current: str, *, required: bool = False) -> None:
    """Lets a change go on when `if_match` names the current state, or is not sent.

    Raises Stopped with PRECONDITION_FAILED, and PRECONDITION_REQUIRED for one not sent where it is `required`. A weak
    tag never matches (RFC 9110, 13.1.1).
    """
    if if_match is None:
        if required:
            raise Stopped(ErrorCode.PRECONDITION_REQUIRED)
        return
    if if_match.strip() != "*" and current not in [one.strip() for one in if_match.split(",")]:
        raise Stopped(ErrorCode.PRECONDITION_FAILED)
