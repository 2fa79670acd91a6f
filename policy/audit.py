"""Checks an exported ledger with nothing but the file: chain, tree, signatures; names the first bad record.

A record is good when a checkpoint that a trusted key signed proves it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from aiox.kernel.ids import HUB_OWNER
from policy.audit_own import OwnExport
from policy.exports import BadRecord, Head, NotAnExport, checkpoint_in, row_line
from policy.findings import Guards, Known, Verified
from policy.ledger import Fault
from policy.merkle import leaf_hash
from policy.notes import BadNote, Checkpoint, VerifierKey, open_checkpoint
from policy.witnessed import Witnessed

KEY_ADDED: Final = "ledger.key_added"
"""The event that introduces a signing key: a key that is signed for by a trusted one is trusted."""
_KEY_MARK: Final = b'"ledger.key_added"'
_ROW: Final = b'{"seq":'
_BATCH: Final = 4096
_AROUND: Final = len(row_line(1, bytes(32), bytes(32), b"")) - len(b"1}\n")
"""Bytes of a row's line before its record, apart from its number."""


def verify_export(lines: Iterable[bytes], known: Known | None = None, guards: Guards | None = None) -> Verified | Fault:
    """Reads a file in its JSON form, line by line. Returns the first fault. Raises NotAnExport.

    Of a record that was changed together with everything unsigned that follows from it, no file can say which it was:
    then the first one that no checkpoint proves is named, and how far the doubt reaches.
    """
    remaining = iter(lines)
    head = Head.parse(next(remaining, b""))
    known, guards = known or Known(), guards or Guards()
    reader = OwnExport(head, known, guards) if head.kind == "own" else _Whole(head, known, guards)
    try:
        return reader.read(remaining)
    except BadRecord as bad:
        return Fault(bad.seq, bad.what)


class _Whole:
    """Every record in order, against the chain and against each checkpoint."""

    def __init__(self, head: Head, known: Known, guards: Guards) -> None:
        self._head = head
        self._known = known
        self._guards = guards
        self._trusted = list(known.keys or head.keys)
        self._promised: list[VerifierKey] = []
        self._tree = head.frontier()
        self._proved = head.after
        self._root = self._tree.root()
        self._seq = head.after
        self._hash = head.after_hash
        self._met: bytes | None = None
        self._witnessed = Witnessed(known.witnesses if guards.witnesses else (), head.after)

    def read(self, lines: Iterator[bytes]) -> Verified:
        checkpoint = self._known.checkpoint
        if checkpoint is not None and checkpoint.size < self._head.after:
            raise NotAnExport(f"the known checkpoint of {checkpoint.size} records lies before the first one here")
        self._grow([])
        line: bytes | None = b""
        while line is not None:
            line = self._read_rows(lines)
            if line is not None:
                self._read_checkpoint(line)
        self._compare()
        if self._guards.ending:
            self._check_end()
        keys = tuple(self._trusted)
        head = self._head
        return Verified(
            "whole", head.origin, self._seq - head.after, self._seq, self._root, keys, bool(self._known.keys)
        )

    def _read_rows(self, lines: Iterator[bytes]) -> bytes | None:
        """Records up to the next line that is none; returns that one, or None at the end of the file."""
        seq, older, hashed, leaves = self._seq, b"", self._hash, list[bytes]()
        stop = self._known.checkpoint.size if self._known.checkpoint else -1
        end = None
        for line in lines:
            if not line.startswith(_ROW):
                end = line
                break
            seq += 1
            record = line[_AROUND + len(str(seq)) : -2]
            link = sha256(hashed + seq.to_bytes(8) + record).digest()
            leaf = sha256(b"\x00" + record).digest()
            if line != row_line(seq, link, leaf, record):
                link, leaf = self._look(seq, older, hashed, line)
            elif _KEY_MARK in record:
                self._promise(seq, record)
            older, hashed = hashed, link
            leaves.append(leaf)
            if len(leaves) == _BATCH or seq == stop:
                self._grow(leaves)
        self._grow(leaves)
        self._seq, self._hash = seq, hashed
        return end

    def _grow(self, leaves: list[bytes]) -> None:
        self._tree.extend(leaves)
        leaves.clear()
        known = self._known.checkpoint
        if known is not None and known.size == self._tree.size:
            self._met = self._tree.root()

    def _compare(self) -> None:
        """Where the reader knows the root, it has to be the same. Asked once the lines themselves hold."""
        known = self._known.checkpoint
        if known is not None and self._met not in (None, known.root):
            raise self._doubt(known.size, "are not those of the known checkpoint")

    def _look(self, seq: int, older: bytes, before: bytes, line: bytes) -> tuple[bytes, bytes]:
        """Says what is wrong with a record's line; goes on only where a guard is out."""
        said = parse_row(seq, line)
        guards = self._guards
        found, record = said.seq, said.record
        if found != seq and guards.sequence:
            raise _misplaced(seq, older, said)
        link = sha256(before + found.to_bytes(8) + record).digest()
        if said.hash != link and guards.chain:
            raise BadRecord(seq, "its hash does not fit its content and the record before it")
        if said.leaf != leaf_hash(record) and guards.leaves:
            raise BadRecord(seq, "its leaf of the tree does not fit its content")
        if guards == Guards():
            raise BadRecord(seq, "it is not written as an export writes it")
        return said.hash, said.leaf if not guards.leaves else leaf_hash(record)

    def _read_checkpoint(self, line: bytes) -> None:
        self._compare()
        note = checkpoint_in(line, self._seq + 1)
        found = self._opened(note)
        if self._guards.roots:
            if found.size != self._seq:
                raise BadRecord(
                    min(found.size, self._seq) + 1, f"a checkpoint of {found.size} stands behind {self._seq}"
                )
            if found.root != self._tree.root():
                raise self._doubt(found.size, "are not those that were signed")
        self._witness(note, found.size)
        self._proved, self._root = self._seq, found.root
        self._trusted += [key for key in self._promised if key not in self._trusted]
        self._promised.clear()

    def _witness(self, note: str, size: int) -> None:
        try:
            self._witnessed.show(note, size)
        except BadNote as bad:
            raise BadRecord(
                self._proved + 1, f"the checkpoint behind record {size} is not what was co-signed: {bad}"
            ) from None

    def _opened(self, note: str) -> Checkpoint:
        try:
            if self._guards.signatures:
                return open_checkpoint(note, self._trusted, self._head.origin)
            return Checkpoint.parse(note.partition("\n\n")[0] + "\n")
        except BadNote as bad:
            raise BadRecord(
                self._proved + 1, f"the checkpoint behind record {self._seq} proves nothing: {bad}"
            ) from None

    def _doubt(self, to: int, what: str) -> BadRecord:
        first = self._proved + 1
        return BadRecord(first, f"records {first} to {to} {what}: at least one of them was changed, added or taken out")

    def _promise(self, seq: int, record: bytes) -> None:
        """A key that the hub itself put on record is trusted from the next good checkpoint on."""
        try:
            said = json.loads(record)
            if said["event_type"] == KEY_ADDED and said["owner_user_id"] == str(HUB_OWNER):
                self._promised.append(VerifierKey.parse(said["details"]["key"]))
        except (ValueError, KeyError, TypeError, BadNote):
            raise BadRecord(seq, "the key that it introduces is damaged") from None

    def _check_end(self) -> None:
        if self._seq != self._head.to:
            raise BadRecord(
                min(self._seq, self._head.to) + 1, f"the file says that it ends with record {self._head.to}"
            )
        if self._proved != self._seq or self._seq == self._head.after:
            raise BadRecord(self._proved + 1, "no checkpoint of the file proves it")
        known = self._known.checkpoint
        if known is not None and known.size > self._seq:
            raise BadRecord(self._seq + 1, f"missing: a checkpoint of {known.size} records is known")
        if (lacking := self._witnessed.lacking(self._seq)) is not None:
            raise BadRecord(*lacking)


@dataclass(frozen=True, slots=True)
class RowSaid:
    """What a record's line says of itself."""

    seq: int
    hash: bytes
    leaf: bytes
    record: bytes


def parse_row(expected: int, line: bytes) -> RowSaid:
    """Reads a record's line that is not as expected, as far as it can be read. Raises the fault at `expected`."""
    try:
        said = json.loads(line)
        record = line.partition(b',"record":')[2].rstrip(b"\n")[:-1]
        seq = said["seq"]
        if type(seq) is not int or not 0 < seq < 1 << 63:
            raise ValueError(seq)
        return RowSaid(seq, bytes.fromhex(said["hash"]), bytes.fromhex(said["leaf"]), record)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadRecord(expected, "its line is damaged") from None


def _misplaced(seq: int, older: bytes, said: RowSaid) -> BadRecord:
    found = said.seq
    if found == seq - 1 and said.hash == sha256(older + found.to_bytes(8) + said.record).digest():
        return BadRecord(found, "two records take this place, and both follow the one before")
    return BadRecord(seq, f"missing: the next record is {found}" if found > seq else f"another {found} in its place")
