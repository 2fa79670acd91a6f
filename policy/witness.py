"""What a witness signs, and what not (c2sp.org/tlog-witness): never a shorter tree, never a fork. Pure.

A log asks with the size that the witness has co-signed last, a consistency proof from there (RFC 6962, 2.1.2), and its
new checkpoint. The request is text, as that specification has it in HTTP; here it travels in a stanza.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from policy.merkle import verify_consistency
from policy.notes import BadNote, Checkpoint, VerifierKey, b64, open_note, unb64

MOST_STEPS: Final = 63
"""Hashes of a proof at most."""
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")


class No(StrEnum):
    """Why a checkpoint is not co-signed."""

    MALFORMED = "malformed"
    """The request is in no order, or the old size is above the new one."""
    UNKNOWN_LOG = "unknown-log"
    """It is of another log than the one that this peer may show."""
    NOT_SIGNED = "not-signed"
    """No key that is trusted for this log has signed it."""
    OTHER_SIZE = "other-size"
    """It goes on from another size than the one that was co-signed last."""
    FORKED = "forked"
    """It is signed, and does not go on from what was co-signed before: history was rewritten."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the checkpoint's note, and the proof that leads to it from the tree of `old` leaves."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def encode(self) -> str:
        """The request's text."""
        return f"old {self.old}\n" + "".join(f"{b64(step)}\n" for step in self.proof) + f"\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Asked:
        """Reads what `encode` writes. Raises BadNote."""
        head, blank, note = text.partition("\n\n")
        first, *steps = head.split("\n")
        old = _OLD.fullmatch(first)
        if not blank or old is None or len(steps) > MOST_STEPS:
            raise BadNote("the request names no old size, or is in no order")
        proof = tuple(map(unb64, steps))
        if any(len(step) != 32 for step in proof):
            raise BadNote("a step of a proof has 32 bytes")
        return cls(int(old[1]), proof, note)


@dataclass(frozen=True, slots=True)
class Seen:
    """The tree head of a log that was co-signed last."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not; `size` is what was co-signed last, so that the log can begin there."""

    why: No
    size: int = 0


def judge(asked: Asked, origin: str, keys: Sequence[VerifierKey], seen: Seen | None) -> Checkpoint | Refused:
    """The checkpoint to co-sign, or why it is not. `origin` and `keys`: the log that the asking peer may show."""
    size = seen.size if seen else 0
    try:
        found = Checkpoint.parse(_text(asked.note))
    except BadNote:
        return Refused(No.MALFORMED, size)
    if found.origin != origin:
        return Refused(No.UNKNOWN_LOG, size)
    try:
        open_note(asked.note, keys)
    except BadNote:
        return Refused(No.NOT_SIGNED, size)
    if asked.old > found.size:
        return Refused(No.MALFORMED, size)
    if asked.old != size:
        return Refused(No.OTHER_SIZE, size)
    return found if _goes_on(asked, found, seen) else Refused(No.FORKED, size)


def _text(note: str) -> str:
    return note.rpartition("\n\n")[0] + "\n"


def _goes_on(asked: Asked, found: Checkpoint, seen: Seen | None) -> bool:
    """A log that is shown for the first time goes on from nothing."""
    if seen is None:
        return not asked.proof
    return verify_consistency(seen.size, found.size, asked.proof, seen.root, found.root)
