"""The HTTP door's one table from error code to status, and RFC 9457 problem documents made from it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.responses import JSONResponse

from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import is_away, is_too_slow

MEDIA_TYPE: Final = "application/problem+json"

STATUS: Final[Mapping[ErrorCode, int]] = MappingProxyType(
    {
        ErrorCode.ACCESS_DENIED: 403,
        ErrorCode.UNKNOWN_ACTION: 403,
        ErrorCode.MISSING_PROFILE: 403,
        ErrorCode.NO_POLICY: 503,
        ErrorCode.BODY_INVALID: 422,
        ErrorCode.BODY_EMPTY: 422,
        ErrorCode.BODY_TOO_LARGE: 413,
        ErrorCode.RATE_LIMITED: 429,
        ErrorCode.QUOTA_EXCEEDED: 429,
        ErrorCode.QUOTA_UNAVAILABLE: 503,
        ErrorCode.MEMORY_FULL: 507,
        ErrorCode.PEER_UNKNOWN: 403,
        ErrorCode.HUB_BUSY: 503,
        ErrorCode.WORKER_UNAVAILABLE: 503,
        ErrorCode.PROVIDER_ERROR: 502,
        ErrorCode.PROVIDER_NOT_ALLOWED: 422,
        ErrorCode.TIMEOUT: 504,
        ErrorCode.CANCELLED: 409,
        ErrorCode.AUTH_ERROR: 502,
        ErrorCode.RATE_LIMIT: 503,
        ErrorCode.EMPTY_ANSWER: 502,
        ErrorCode.ANSWER_INVALID: 502,
        ErrorCode.TOOL_REFUSED: 403,
        ErrorCode.UNAUTHENTICATED: 401,
        ErrorCode.INVALID_TOKEN: 401,
        ErrorCode.SECOND_FACTOR_REQUIRED: 401,
        ErrorCode.PASSWORD_WRONG: 403,
        ErrorCode.EMAIL_UNCONFIRMED: 403,
        ErrorCode.LINK_INVALID: 422,
        ErrorCode.NOT_FOUND: 404,
        ErrorCode.CONFLICT: 409,
        ErrorCode.PRECONDITION_FAILED: 412,
        ErrorCode.PRECONDITION_REQUIRED: 428,
        ErrorCode.KEY_REUSED: 422,
        ErrorCode.KEY_IN_USE: 409,
        ErrorCode.WRONG_HOST: 421,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
        ErrorCode.UNIMPLEMENTED: 501,
        ErrorCode.INTERNAL: 500,
    }
)
"""A test fails when a code has no row."""

AWAY_S: Final = 5
"""What is away is usually back by then."""
_TITLES: Final = {
    ErrorCode.BODY_TOO_LARGE: "The request is longer than 1 MiB.",
    ErrorCode.RATE_LIMITED: "Too many requests in a short time. Wait a moment and try again.",
    ErrorCode.HUB_BUSY: "The hub cannot do this right now. Try again soon.",
    ErrorCode.TIMEOUT: "The request took too long and was given up. Try again.",
}
"""Where the sentence for chat messages would be wrong for a request."""


class Stopped(Exception):
    """A request that ends here. `retry_after_s` is 0 when waiting does not help."""

    def __init__(self, code: ErrorCode, detail: str = "", retry_after_s: int = 0) -> None:
        super().__init__(str(code))
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s


def problem(code: ErrorCode, detail: str = "", retry_after_s: int = 0, status: int = 0) -> JSONResponse:
    """The answer for an error code. `detail` says more than the title; it holds nothing secret. What no text can hold
    (half a character, of a name that was sent) becomes a question mark.

    `status` replaces the table's, for what only HTTP knows (405).
    """
    status = status or STATUS[code]
    title = _TITLES.get(code, SENTENCES[code])
    body = {"type": f"urn:aiox:error:{code}", "title": title, "status": status, "code": str(code)}
    if detail and detail != title:
        body["detail"] = detail.encode("utf-8", "replace").decode()
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="aiox"'
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def failed(broken: BaseException) -> JSONResponse:
    """The answer for what nobody expected: TIMEOUT, HUB_BUSY while a store is away, else INTERNAL."""
    if isinstance(broken, TimeoutError) or is_too_slow(broken):
        return problem(ErrorCode.TIMEOUT)
    return problem(ErrorCode.HUB_BUSY, retry_after_s=AWAY_S) if is_away(broken) else problem(ErrorCode.INTERNAL)


def stop(refused: Refused) -> Stopped:
    """What a refused command is at this door."""
    return Stopped(refused.code, refused.reason)
