"""Canonical JSON (RFC 8785) and digests over it: what hashes and approvals are bound to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import rfc8785

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def canonical(value: Json) -> bytes:
    """The one byte string for a JSON value. Raises ValueError for NaN, infinities and integers beyond 2^53."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as wrong:
        raise ValueError(f"not canonical JSON: {wrong}") from wrong


def digest(value: Json) -> str:
    """SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()
