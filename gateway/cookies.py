"""The web pages' refresh token: in a cookie that no script can read, used only with a proof that our page asks.

The proof is a second value, bound to the token by the hub's key, in a cookie that only our pages can read; they send it
back in a header. With SameSite=Strict and the browser's own words about where a request comes from, a request that
another site makes is refused three times.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

REFRESH: Final = "aiox_refresh"
PROOF: Final = "aiox_csrf"
HEADER: Final = "x-aiox-csrf"
_PATH: Final = "/v1/sessions/refresh"


class RefreshCookies:
    """Writes and reads the two cookies. `key` binds the second to the first."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, response: Response, token: str, seconds: int) -> None:
        """Hands the token to the browser for so long."""
        response.set_cookie(REFRESH, token, seconds, path=_PATH, secure=True, httponly=True, samesite="strict")
        response.set_cookie(PROOF, self._proof(token), seconds, path="/", secure=True, samesite="strict")

    def clear(self, response: Response) -> None:
        """Takes both away."""
        response.delete_cookie(REFRESH, path=_PATH, secure=True, httponly=True, samesite="strict")
        response.delete_cookie(PROOF, path="/", secure=True, samesite="strict")

    def read(self, request: Request) -> str:
        """The token of a request that one of our own pages made; else empty."""
        token = request.cookies.get(REFRESH, "")
        shown = request.headers.get(HEADER, "")
        if not token or not from_our_pages(request):
            return ""
        return token if hmac.compare_digest(shown.encode("latin-1", "replace"), self._proof(token).encode()) else ""

    def _proof(self, token: str) -> str:
        return hmac.new(self._key, token.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def from_our_pages(request: Request) -> bool:
    """What the browser says of a request's origin (Fetch standard): ours, or nothing at all as scripts do."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "")
    host = request.headers.get("host", "")
    return site in ("same-origin", "none") and (not origin or origin.partition("://")[2] == host)
