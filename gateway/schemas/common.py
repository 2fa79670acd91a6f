"""What all answers of the API have in common: their base, and problem documents."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from aiox.kernel.errors import ErrorCode
from gateway.errors import MEDIA_TYPE, STATUS


class Out(BaseModel):
    """An answer. What it takes are the fields of the commands themselves."""

    model_config = ConfigDict(from_attributes=True)


class Problem(Out):
    """An RFC 9457 problem document. `code` is stable."""

    type: str
    title: str
    status: int
    code: ErrorCode
    detail: str | None = None


_ALWAYS = (
    ErrorCode.WRONG_HOST,
    ErrorCode.RATE_LIMITED,
    ErrorCode.INTERNAL,
    ErrorCode.HUB_BUSY,
    ErrorCode.TIMEOUT,
)


def problems(*codes: ErrorCode) -> dict[int | str, dict[str, Any]]:
    """The problem responses of a route, for the OpenAPI document: these codes and those that any route may give."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in (*codes, *_ALWAYS):
        _add(found, STATUS[code], code)
    return found


def add_problems(responses: dict[str, Any], *codes: ErrorCode) -> None:
    """Adds these codes to the responses of an operation of the OpenAPI document."""
    for code in codes:
        _add(responses, str(STATUS[code]), code)


def _add(responses: dict[Any, dict[str, Any]], status: int | str, code: ErrorCode) -> None:
    entry = responses.setdefault(status, {"description": "", "content": {MEDIA_TYPE: _PROBLEM}})
    names = [name for name in entry["description"].split(", ") if name]
    if str(code) not in names:
        entry["description"] = ", ".join([*names, str(code)])


_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
