"""Time-based one-time passwords (RFC 6238 over RFC 4226): SHA-1, six digits, 30 seconds, as all authenticators do."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final
from urllib.parse import quote, urlencode

STEP_S: Final = 30
DIGITS: Final = 6
SECRET_BYTES: Final = 20
"""RFC 4226 section 4, R6: 160 bits."""
_DRIFT: Final = 1
"""Steps before and after the present one that are taken (RFC 6238 section 5.2)."""


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of one time step (RFC 4226 section 5.3)."""
    mac = hmac.new(secret, step.to_bytes(8), hashlib.sha1).digest()
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4]) & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(secret: bytes, code: str, now_s: int, last_step: int) -> int | None:
    """The time step that a code belongs to; None when it is wrong, or of a step not after `last_step`.

    A step is used once (RFC 6238 section 5.2). All comparisons take the same time.
    """
    present = now_s // STEP_S
    steps = [present + drift for drift in range(-_DRIFT, _DRIFT + 1)]
    fitting = [step for step in steps if hmac.compare_digest(code_at(secret, step).encode(), code.encode())]
    return next((step for step in fitting if step > last_step), None)


def as_text(secret: bytes) -> str:
    """The secret as people type it: base32 without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def as_uri(secret: bytes, account: str, issuer: str) -> str:
    """The `otpauth://` address that authenticators read from a QR code."""
    label = quote(f"{issuer}:{account}", safe="")
    query = urlencode({"secret": as_text(secret), "issuer": issuer, "digits": DIGITS, "period": STEP_S})
    return f"otpauth://totp/{label}?{query}"
