"""Ways to falsify an exported ledger, each with the record at which the check has to point."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from policy.audit import parse_row
from policy.exports import Head, checkpoint_in, checkpoint_line, row_line
from policy.ledger import link
from policy.merkle import Frontier, leaf_hash
from policy.notes import Checkpoint, SignerKey, sign
from tests.unit.policy.made_ledger import ORIGIN

FORGER = SignerKey(ORIGIN, b"\x66" * 32)


@dataclass(frozen=True)
class Falsified:
    """The lines of the file as they are now. `first` is the first bad record, and the last one that may be named."""

    lines: list[bytes]
    first: int
    doubt_from: int = 0
    """For what only a root can show: the doubt begins here, behind the last checkpoint that holds."""


Falsify = Callable[[list[bytes], Random], Falsified]


def rows_of(lines: list[bytes]) -> list[int]:
    """Places of the records' lines."""
    return [at for at, line in enumerate(lines) if line.startswith(b'{"seq":')]


def _pick(lines: list[bytes], chance: Random, last: int = 0) -> tuple[int, int]:
    """The place of a record's line, and its number; not one of the `last` ones."""
    places = rows_of(lines)
    number = chance.randrange(len(places) - last)
    return places[number], number + 1


def _changed(raw: bytes, chance: Random) -> bytes:
    """The same record with one character of a text in it exchanged."""
    said = json.loads(raw)
    name = chance.choice(["actor", "event_type", "severity", "id", "created_at"])
    at = chance.randrange(len(said[name]))
    other = chance.choice([char for char in "0123456789abcdef" if char != said[name][at]])
    said[name] = said[name][:at] + other + said[name][at + 1 :]
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def edit(lines: list[bytes], chance: Random) -> Falsified:
    at, seq = _pick(lines, chance)
    said = parse_row(seq, lines[at])
    return Falsified(
        [*lines[:at], row_line(seq, said.hash, said.leaf, _changed(said.record, chance)), *lines[at + 1 :]], seq
    )


def flip(lines: list[bytes], chance: Random) -> Falsified:
    """Any byte of a record's line, the newline too."""
    at, seq = _pick(lines, chance)
    line = bytearray(lines[at])
    line[chance.randrange(len(line))] ^= 1 << chance.randrange(8)
    return Falsified([*lines[:at], bytes(line), *lines[at + 1 :]], seq)


def delete(lines: list[bytes], chance: Random) -> Falsified:
    at, seq = _pick(lines, chance)
    return Falsified([*lines[:at], *lines[at + 1 :]], seq)


def insert(lines: list[bytes], chance: Random) -> Falsified:
    """A record of the forger's own, which follows the one before it without a flaw."""
    at, seq = _pick(lines, chance)
    genuine = parse_row(seq, lines[at])
    before = parse_row(seq - 1, lines[rows_of(lines)[seq - 2]]).hash if seq > 1 else bytes(32)
    forged = _changed(genuine.record, chance)
    line = row_line(seq, link(before, seq, forged), leaf_hash(forged), forged)
    return Falsified([*lines[:at], line, *lines[at:]], seq)


def swap(lines: list[bytes], chance: Random) -> Falsified:
    at, seq = _pick(lines, chance, last=1)
    other = rows_of(lines)[chance.randrange(seq, len(rows_of(lines)))]
    lines = list(lines)
    lines[at], lines[other] = lines[other], lines[at]
    return Falsified(lines, seq)


def renumber(lines: list[bytes], chance: Random) -> Falsified:
    at, seq = _pick(lines, chance)
    said = parse_row(seq, lines[at])
    number = chance.choice([one for one in (seq - 1, seq + 1, seq + 100, 1) if one not in (0, seq)])
    return Falsified([*lines[:at], row_line(number, said.hash, said.leaf, said.record), *lines[at + 1 :]], seq)


def rehash(lines: list[bytes], chance: Random) -> Falsified:
    """An edit, and the whole chain after it made to fit; the leaves of the tree are left."""
    return _rechained(edit(lines, chance), leaves=False)


def rebuild(lines: list[bytes], chance: Random) -> Falsified:
    """An edit, and all that is unsigned after it made to fit."""
    return _rechained(edit(lines, chance), leaves=True)


def resign(lines: list[bytes], chance: Random) -> Falsified:
    """An edit, and everything after it made to fit: also the checkpoints, with another key in the head."""
    falsified = _rechained(edit(lines, chance), leaves=True)
    tree, found = Frontier(), list[bytes]()
    for number, line in enumerate(falsified.lines):
        if number == 0:
            line = replace(Head.parse(line), keys=(FORGER.verifier,)).encode()
        elif line.startswith(b'{"seq":'):
            tree.extend([parse_row(1, line).leaf])
        else:
            line = checkpoint_line(sign(Checkpoint(ORIGIN, tree.size, tree.root()).text, [FORGER]))
        found.append(line)
    return Falsified(found, falsified.first, doubt_from=1)


def cut(lines: list[bytes], chance: Random) -> Falsified:
    """Everything after a checkpoint is gone, and the head says that it was never there."""
    places = [at for at, line in enumerate(lines) if line.startswith(b'{"checkpoint"')][:-1]
    at = chance.choice(places)
    end = len([row for row in rows_of(lines) if row < at])
    return Falsified([replace(Head.parse(lines[0]), to=end).encode(), *lines[1 : at + 1]], end + 1)


def tail(lines: list[bytes], chance: Random) -> Falsified:
    """The last lines are gone."""
    kept = chance.randrange(2, len(lines))
    rows = len([row for row in rows_of(lines) if row < kept])
    signed = max((_end(line) for line in lines[:kept] if line.startswith(b'{"checkpoint"')), default=0)
    last = len(rows_of(lines))
    return Falsified(lines[:kept], rows + 1 if rows < last else signed + 1)


def _end(line: bytes) -> int:
    return Checkpoint.parse(checkpoint_in(line, 1).partition("\n\n")[0] + "\n").size


def _rechained(falsified: Falsified, *, leaves: bool) -> Falsified:
    found, before, seq, doubt = list[bytes](), bytes(32), 0, 1
    for line in falsified.lines:
        if line.startswith(b'{"seq":'):
            seq += 1
            said = parse_row(seq, line)
            before = link(before, seq, said.record)
            leaf = leaf_hash(said.record) if leaves else said.leaf
            line = row_line(seq, before, leaf, said.record)
        elif seq and seq < falsified.first:
            doubt = seq + 1
        found.append(line)
    return Falsified(found, falsified.first, doubt if leaves else 0)


KINDS: Mapping[str, Falsify] = {
    one.__name__: one for one in (edit, flip, delete, insert, swap, renumber, rehash, rebuild, resign, cut, tail)
}
"""All of them by name."""
