"""Exported ledgers and proofs as files: written for good, read and checked without a hub."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands.ledger_seal import Kept
from policy.audit import verify_export
from policy.cosignatures import WitnessKey
from policy.exports import BadRecord, NotAnExport, from_csv
from policy.findings import Known, Verified
from policy.ledger import Fault
from policy.notes import BadNote, Checkpoint, VerifierKey, open_note
from policy.tlog_proof import HEAD, NotAProof, Proven, verify_proof


def check(file: Path, keys: str, checkpoint: Path | None, witnesses: Sequence[str] = ()) -> str:
    """Checks an export (JSON lines or CSV) or a proof. Returns what holds, in words. Raises CannotGoOn, naming the
    first bad record.

    `keys` are verifier keys, one a line, or the name of a file with them; empty: those in the file are believed. Each
    of `witnesses`, keys too, must have co-signed all of it.
    """
    known = replace(_known(keys, checkpoint), witnesses=_witnesses(witnesses))
    try:
        with file.open("rb") as opened:
            first = opened.readline(200)
            opened.seek(0)
            if first.decode("utf-8", "replace").startswith(HEAD):
                return _told(file, verify_proof(opened.read(1 << 20).decode(), known), known)
            if first.startswith(b'"kind"'):
                lines = from_csv(line.decode() for line in opened)
                return _told(file, verify_export(lines, known), known)
            return _told(file, verify_export(opened, known), known)
    except BadRecord as bad:
        raise CannotGoOn(_bad(file, Fault(bad.seq, bad.what))) from None
    except (NotAnExport, NotAProof, UnicodeDecodeError) as wrong:
        raise CannotGoOn(f"{file} cannot be read as an exported ledger: {wrong}. Mend: export it again") from None
    except OSError as trouble:
        raise CannotGoOn(
            f"{file} cannot be read: {trouble.strerror}. Mend: name a file of 'aiox ledger export'"
        ) from None


def _known(keys: str, checkpoint: Path | None) -> Known:
    try:
        text = Path(keys).read_text() if keys and "+" not in keys else keys
        found = tuple(VerifierKey.parse(line) for line in text.split("\n") if line.strip())
        if checkpoint is None:
            return Known(found)
        note = checkpoint.read_text()
        signed = open_note(note, found)[0] if found else note.rpartition("\n\n")[0] + "\n"
        return Known(found, Checkpoint.parse(signed))
    except BadNote as bad:
        raise CannotGoOn(f"the key or the checkpoint that should be known proves nothing: {bad}") from None
    except OSError as trouble:
        raise CannotGoOn(f"{trouble.filename} cannot be read: {trouble.strerror}. Mend: name another") from None


def _witnesses(given: Sequence[str]) -> tuple[WitnessKey, ...]:
    try:
        return tuple(WitnessKey.parse(key) for key in given)
    except BadNote as bad:
        raise CannotGoOn(f"a witness's key cannot be read: {bad}. Mend: 'aiox ledger witnesses' there") from None


def _told(file: Path, found: Verified | Proven | Fault, known: Known) -> str:
    if isinstance(found, Fault) or not known.witnesses:
        return _found(file, found)
    return f"{_found(file, found)}\nCo-signed by {', '.join(key.name for key in known.witnesses)}."


def _found(file: Path, found: Verified | Proven | Fault) -> str:
    match found:
        case Fault():
            raise CannotGoOn(_bad(file, found))
        case Proven(seq, record, checkpoint, keys):
            return f"Record {seq} is in the ledger of {checkpoint.origin}, signed by {keys[0]}:\n{record.decode()}"
        case Verified(kind, origin, records, to, _, keys, pinned):
            whose = "one owner's, each with its proof" if kind == "own" else f"up to number {to}, none missing"
            told = f"The ledger of {origin} holds: {records} records, {whose}."
            if pinned:
                return told
            return (
                f"{told}\nIts keys were taken from the file itself. Compare them with those that the hub publishes"
                " ('aiox ledger keys', GET /v1/ledger/checkpoints), or name them with --key:\n"
                + "\n".join(map(str, keys))
            )


def _bad(file: Path, fault: Fault) -> str:
    return f"record {fault.seq} of {file} is bad: {fault.what}. Mend: docs/ledger.md, 'When it does not hold'"


async def write(file: Path, lines: AsyncIterator[bytes]) -> int:
    """Writes a new file whole or not at all; returns its bytes. Raises CannotGoOn when it is there already."""
    with _whole(file) as opened:
        async for line in lines:
            opened.write(line)
        return opened.tell()


async def keep(folder: Path, first: int, last: int, lines: AsyncIterator[bytes]) -> Kept:
    """Writes a segment into `folder`, reads it back and checks it. Raises CannotGoOn when it does not hold."""
    file = _place(folder, first, last)
    size = await write(file, lines)
    check(file, "", None)
    return Kept(str(file), _digest(file), size)


def _place(folder: Path, first: int, last: int) -> Path:
    """The name of a segment. What a sealing that was broken off has left there goes: nothing rests on it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{first:012}-{last:012}.jsonl"
    file.unlink(missing_ok=True)
    return file


def _digest(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


@contextmanager
def _whole(file: Path) -> Iterator[BinaryIO]:
    """A new file, 0600, under its name once it is on disk."""
    if file.exists():
        raise CannotGoOn(f"{file} is there already. Mend: choose another name, or delete it")
    beside = file.with_name(f".{file.name}.new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        beside.rename(file)
        folder = os.open(file.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        beside.unlink(missing_ok=True)
