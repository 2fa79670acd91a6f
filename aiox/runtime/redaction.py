"""Nothing secret in logs: known fields are left out, and what looks like a key or token is blotted out anywhere.

The last line of defence. What is logged is chosen where it is logged: ids, lengths and codes (SPEC 5).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

BLOT: Final = "[redacted]"
DEPTH: Final = 6
"""Of nested values; what lies deeper is left out whole."""

_SECRET_FIELD: Final = re.compile(
    r"(?i)(^|_)(password|passphrase|passwd|secret|api_?key|authorization|cookie|keyring|private_key|totp|otp"
    r"|(access|refresh|session|id|bearer|xmpp|recovery|mail|reset|csrf)_(token|code)|token|jwt|credentials?)$"
)
_DIGITS_FIELD: Final = re.compile(r"(?i)(otp|password|passphrase|pin|code)$")
_TEXT_FIELD: Final = re.compile(
    r"(?i)^(system_prompt|prompt|message|body|content|text|answer|response|question|input|output)$"
)
_TOKEN: Final = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # a JWT
    r"|\b(?:sk|pk|rk|xox[abp]|gh[pousr]|glpat|hf|AKIA)[-_][\w-]{12,}"  # keys of providers
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|(?i:\b(?:bearer|basic)\s+)[\w+/=.~-]{8,}"
    r"|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"  # a password in an address
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b[0-9a-fA-F]{64}\b",  # the form of the hub's own secrets
    re.DOTALL,
)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the last one before the line is written."""
    return {name: _field(name, value, DEPTH) for name, value in event.items()}


def redact_text(text: str) -> str:
    """A text without what looks like a key or token."""
    return _TOKEN.sub(BLOT, text)


def _field(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return BLOT if value and _SECRET_FIELD.search(name) and _DIGITS_FIELD.search(name) else value
    if _SECRET_FIELD.search(name):
        return BLOT
    if _TEXT_FIELD.match(name) and isinstance(value, str | bytes):
        return _shape(value)
    return _value(value, depth)


def _value(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _shape(bytes(value))
    if depth == 0:
        return BLOT
    if isinstance(value, Mapping):
        return {str(name): _field(str(name), one, depth - 1) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(one, depth - 1) for one in value]
    return redact_text(str(value))


def _shape(value: str | bytes) -> str:
    """A text by its length and digest: enough to recognise it, nothing to read."""
    raw = value.encode(errors="surrogatepass") if isinstance(value, str) else value
    return f"[{len(raw)} bytes, sha256 {hashlib.sha256(raw).hexdigest()[:12]}]"
