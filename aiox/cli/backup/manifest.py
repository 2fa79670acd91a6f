"""What a backup says of itself: when it was taken, of which hub, and a digest of everything in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

NAME: Final = "manifest.json"
"""The last member: a file that was cut off has none."""
FORMAT: Final = 1


class Member(BaseModel):
    """One file of the backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int
    sha256: str


class Head(BaseModel):
    """What is known before the first byte is read. `point`: what was receipted before it is in the backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    point: datetime
    domain: str
    revision: str
    """The newest revision that the code knew."""
    ledger_seq: int
    """Records of the ledger that are in the backup at least, and the hash of the last of them."""
    ledger_hash: str
    waiting: int
    """Messages that were admitted and had no outcome."""
    objects: str = ""
    """Where the hub's files lie when they are not in here: the endpoint of an object store."""


class Manifest(BaseModel):
    """The head, and every member but the manifest itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    head: Head
    members: Mapping[str, Member]
