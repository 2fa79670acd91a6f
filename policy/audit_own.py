"""Checks one owner's export: each record by its own proof of inclusion in the one signed checkpoint.

It proves that every record in it is the hub's and unchanged. That none was left out it cannot prove: the records of
others stand between them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import UUID

from policy.exports import BadRecord, Head, checkpoint_in, own_line
from policy.findings import Guards, Known, Verified
from policy.merkle import leaf_hash, verify_inclusion
from policy.notes import BadNote, Checkpoint, open_checkpoint
from policy.witnessed import Witnessed


class OwnExport:
    """One owner's records, each by its own proof."""

    def __init__(self, head: Head, known: Known, guards: Guards) -> None:
        self._head = head
        self._known = known
        self._guards = guards
        self._trusted = known.keys or head.keys

    def read(self, lines: Iterator[bytes]) -> Verified:
        """Everything behind the head. Raises BadRecord."""
        head, last, count = self._head, 0, 0
        checkpoint = self._checkpoint(next(lines, b"{}"))
        for line in lines:
            last = self._record(line, last, checkpoint)
            count += 1
        if count != head.rows and self._guards.ending:
            raise BadRecord(last + 1, f"the file says that it holds {head.rows} records, and holds {count}")
        pinned = bool(self._known.keys)
        return Verified("own", head.origin, count, head.to, checkpoint.root, tuple(self._trusted), pinned)

    def _checkpoint(self, line: bytes) -> Checkpoint:
        note = checkpoint_in(line, 1)
        witnessed = Witnessed(self._known.witnesses if self._guards.witnesses else ())
        try:
            found = open_checkpoint(note, self._trusted, self._head.origin)
            witnessed.show(note, found.size)
        except BadNote as bad:
            raise BadRecord(1, f"its checkpoint proves nothing: {bad}") from None
        known = self._known.checkpoint
        if found.size != self._head.to or (known is not None and known.size == found.size and known != found):
            raise BadRecord(1, "its checkpoint is another one than the file says, or than is known")
        if (lacking := witnessed.lacking(found.size)) is not None:
            raise BadRecord(*lacking)
        return found

    def _record(self, line: bytes, last: int, checkpoint: Checkpoint) -> int:
        try:
            said = json.loads(line)
            seq, proof = said["seq"], [bytes.fromhex(step) for step in said["proof"] if step]
            record = line.partition(b'"record":')[2][:-2]
            owner = UUID(said["record"]["owner_user_id"])
        except (ValueError, KeyError, TypeError, RecursionError, AttributeError):
            raise BadRecord(last + 1, "its line is damaged") from None
        if type(seq) is not int or seq <= last or line != own_line(seq, proof, record):
            raise BadRecord(last + 1, "its line is damaged or out of order")
        if owner != self._head.owner:
            raise BadRecord(seq, "it is of another owner")
        if not verify_inclusion(seq - 1, checkpoint.size, leaf_hash(record), proof, checkpoint.root):
            raise BadRecord(seq, "its proof does not lead to the root that was signed")
        return int(seq)
