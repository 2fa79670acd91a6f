"""The file of an exported ledger: rows, checkpoints, keys and proofs in one, as JSON lines or as CSV.

A *whole* export holds every record from one number to another, with chain hash and leaf hash, and each checkpoint right
behind the record it ends with. An *own* export holds one owner's records, each with its proof of inclusion (RFC 6962)
in the one checkpoint at the top. Both end where the newest checkpoint ends: what nobody has signed is not exported.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from aiox.kernel.canonical import Json, canonical
from policy.ledger import GENESIS
from policy.merkle import Frontier
from policy.notes import BadNote, VerifierKey

FORMAT: Final = 1


class Form(StrEnum):
    """How the file is written."""

    JSONL = "jsonl"
    CSV = "csv"


COLUMNS: Final = (
    "kind",
    "seq",
    "created_at",
    "event_type",
    "severity",
    "actor",
    "owner_user_id",
    "correlation_id",
    "hash",
    "leaf",
    "proof",
    "record",
)
"""Of the CSV form. `record` says it all; those before it are for people, and compared with it."""
SPOKEN: Final = COLUMNS[2:8]
_LARGEST: Final = 1 << 62
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class NotAnExport(Exception):
    """The file cannot be read as an exported ledger. The message says what is wrong."""


class BadRecord(Exception):
    """The first record that does not hold. `seq` is its number."""

    def __init__(self, seq: int, what: str) -> None:
        super().__init__(f"record {seq}: {what}")
        self.seq = seq
        self.what = what


@dataclass(frozen=True, slots=True)
class Head:
    """The first line. `after` records come before the first one, with chain hash and edge of the tree up to there.

    `rows` counts the records of an own export. `keys` are those that signed; a reader who knows better pins others.
    """

    kind: Literal["whole", "own"]
    origin: str
    to: int
    keys: tuple[VerifierKey, ...]
    after: int = 0
    after_hash: bytes = GENESIS
    edge: tuple[bytes, ...] = ()
    owner: UUID | None = None
    rows: int = 0

    def encode(self) -> bytes:
        """Its line."""
        said: dict[str, Json] = {
            "aiox_ledger": FORMAT,
            "kind": self.kind,
            "origin": self.origin,
            "to": self.to,
            "keys": [str(key) for key in self.keys],
        }
        if self.kind == "whole":
            said |= {
                "after": self.after,
                "after_hash": self.after_hash.hex(),
                "edge": [peak.hex() for peak in self.edge],
            }
        else:
            said |= {"owner_user_id": str(self.owner), "rows": self.rows}
        return canonical(said) + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Head:
        """Reads what `encode` writes, byte by byte. Raises NotAnExport."""
        said = parse_object(line)
        if said.get("aiox_ledger") != FORMAT:
            raise NotAnExport(f"its first line says that it is no ledger of format {FORMAT}")
        try:
            head = _head(cls, said)
        except (KeyError, TypeError, ValueError, BadNote) as wrong:
            raise NotAnExport(f"its first line is damaged: {wrong}") from wrong
        if head.encode() != line:
            raise NotAnExport("its first line is not written as an export writes it")
        return head

    def frontier(self) -> Frontier:
        """The tree before the first record."""
        return Frontier(self.after, self.edge)


def _head(cls: type[Head], said: Mapping[str, Any]) -> Head:
    keys = tuple(VerifierKey.parse(key) for key in said["keys"])
    numbers = [said[name] for name in ("to", "after", "rows") if name in said]
    if any(type(number) is not int or not 0 <= number < _LARGEST for number in numbers):
        raise ValueError("a number in it is none")
    if said["kind"] == "whole":
        edge = tuple(bytes.fromhex(peak) for peak in said["edge"])
        Frontier(said["after"], edge)
        after_hash = bytes.fromhex(said["after_hash"])
        return cls("whole", said["origin"], said["to"], keys, said["after"], after_hash, edge)
    if said["kind"] != "own":
        raise ValueError(f"unknown kind {said['kind']!r}")
    return cls("own", said["origin"], said["to"], keys, owner=UUID(said["owner_user_id"]), rows=said["rows"])


def parse_object(line: bytes) -> dict[str, Any]:
    """A line as a JSON object. Raises NotAnExport."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise NotAnExport("a line of it is no JSON object")
    return said


def checkpoint_line(note: str) -> bytes:
    """A signed checkpoint."""
    return canonical({"checkpoint": note}) + b"\n"


def checkpoint_in(line: bytes, seq: int) -> str:
    """The note of a checkpoint's line. Raises BadRecord naming `seq` for anything else."""
    try:
        note = parse_object(line).get("checkpoint")
    except NotAnExport:
        note = None
    if not isinstance(note, str) or line != checkpoint_line(note):
        raise BadRecord(seq, "in its place stands what is neither record nor checkpoint")
    return note


def row_line(seq: int, hashed: bytes, leaf: bytes, record: bytes) -> bytes:
    """A record of a whole export. The record stands in it as it was hashed, which is JSON itself."""
    return b'{"seq":%d,"hash":"%b","leaf":"%b","record":%b}\n' % (
        seq,
        hashed.hex().encode(),
        leaf.hex().encode(),
        record,
    )


def own_line(seq: int, proof: Sequence[bytes], record: bytes) -> bytes:
    """A record of an own export."""
    steps = b",".join(b'"%b"' % step.hex().encode() for step in proof)
    return b'{"seq":%d,"proof":[%b],"record":%b}\n' % (seq, steps, record)


def csv_head() -> bytes:
    """The line of column names."""
    return _csv(list(COLUMNS))


def to_csv(line: bytes) -> bytes:
    """One line of the JSON form in the CSV form. Raises NotAnExport for what is no such line."""
    said = parse_object(line)
    if "aiox_ledger" in said:
        return _csv(["head", *[""] * 10, line.decode().rstrip("\n")])
    if "checkpoint" in said:
        return _csv(["checkpoint", *[""] * 10, said["checkpoint"]])
    record = said["record"]
    proof = " ".join(said["proof"]) if "proof" in said else ""
    raw = line.partition(b'"record":')[2][:-2].decode()
    cells = [str(said["seq"]), *spoken(record), said.get("hash", ""), said.get("leaf", ""), proof, raw]
    return _csv(["record", *cells])


def from_csv(lines: Iterable[str]) -> Iterator[bytes]:
    """The JSON form of a file in CSV form. Raises NotAnExport, and BadRecord where a cell says another thing.

    The file has to be as it was exported: a spreadsheet that saves it again writes it in its own way.
    """
    taken: list[str] = []

    def taking() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    rows, last = csv.reader(taking(), strict=True), 0
    try:
        if next(rows, []) != list(COLUMNS):
            raise NotAnExport("its first line does not name the columns of an exported ledger")
        taken.clear()
        for cells in rows:
            if len(cells) != len(COLUMNS) or _csv(cells) != "".join(taken).encode():
                raise BadRecord(last + 1, "its line is damaged")
            taken.clear()
            yield _from_cells(dict(zip(COLUMNS, cells, strict=True)), last + 1)
            last += cells[0] == "record"
    except csv.Error as damaged:
        raise NotAnExport(f"it is no CSV: {damaged}") from None


def _from_cells(cells: Mapping[str, str], place: int) -> bytes:
    record, kind = cells["record"], cells["kind"]
    if kind in ("head", "checkpoint") and any(cells[name] for name in COLUMNS[1:-1]):
        raise BadRecord(place, "before it stands a line with cells that say something of their own")
    if kind == "head":
        return record.encode() + b"\n"
    if kind == "checkpoint":
        return checkpoint_line(record)
    try:
        said = json.loads(record)
        seq = int(cells["seq"])
        as_said = [cells[name] for name in SPOKEN] == spoken(said)
        hashed, leaf, *proof = map(_unhex, (cells["hash"], cells["leaf"], *cells["proof"].split(" ")))
    except (ValueError, AttributeError, RecursionError):
        raise BadRecord(place, "its line is damaged") from None
    if kind != "record" or not as_said or str(seq) != cells["seq"]:
        raise BadRecord(place, "its cells do not say what its record says")
    if hashed or leaf:
        return row_line(seq, hashed, leaf, record.encode())
    return own_line(seq, [step for step in proof if step], record.encode())


def _unhex(text: str) -> bytes:
    """Small letters and no spaces, as we write it. Raises ValueError."""
    found = bytes.fromhex(text)
    if found.hex() != text:
        raise ValueError(text)
    return found


def spoken(record: Mapping[str, Any]) -> list[str]:
    """The cells for people. What a spreadsheet would take for a formula gets an apostrophe in front."""
    cells = ["" if record.get(name) is None else str(record[name]) for name in SPOKEN]
    return [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells]


def _csv(cells: Sequence[str]) -> bytes:
    return (",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n").encode()
