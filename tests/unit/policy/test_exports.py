"""The form of an exported ledger: what is written is read again, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policy.exports import (
    COLUMNS,
    BadRecord,
    Head,
    NotAnExport,
    checkpoint_in,
    checkpoint_line,
    csv_head,
    from_csv,
    own_line,
    row_line,
    spoken,
    to_csv,
)
from tests.unit.policy.made_ledger import ADA, ORIGIN, SIGNER, made

WHOLE = Head("whole", ORIGIN, 9, (SIGNER.verifier,), after=5, after_hash=b"\x01" * 32, edge=(bytes(32), b"\x02" * 32))
OWN = Head("own", ORIGIN, 9, (SIGNER.verifier,), owner=ADA, rows=3)


@pytest.mark.parametrize("head", [WHOLE, OWN])
def test_a_head_is_read_as_it_was_written(head: Head) -> None:
    assert Head.parse(head.encode()) == head


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"kind":"whole"', b'"kind":"half"'),
        (b'"after":5', b'"after":7'),
        (b'"after":5', b'"after":"5"'),
        (b'"aiox_ledger":1', b'"aiox_ledger": 1'),
        (b'"to":9', b'"to":9,"to":8'),
        (b"hub.example/ledger+", b"other/ledger+"),
        (b"0101", b"01zz"),
    ],
)
def test_another_head_is_refused(old: bytes, new: bytes) -> None:
    line = WHOLE.encode()
    assert old in line
    with pytest.raises(NotAnExport):
        Head.parse(line.replace(old, new, 1))


def test_the_lines_are_fixed() -> None:
    assert row_line(7, b"\x01" * 32, b"\x02" * 32, b'{"a":1}') == (
        b'{"seq":7,"hash":"' + b"01" * 32 + b'","leaf":"' + b"02" * 32 + b'","record":{"a":1}}\n'
    )
    assert own_line(7, [b"\x01" * 32, b"\x02" * 32], b"{}") == (
        b'{"seq":7,"proof":["' + b"01" * 32 + b'","' + b"02" * 32 + b'"],"record":{}}\n'
    )
    assert own_line(1, [], b"{}") == b'{"seq":1,"proof":[],"record":{}}\n'


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    assert checkpoint_in(checkpoint_line("a\n\n— b c\n"), 1) == "a\n\n— b c\n"
    for line in (b"", b"[]", b'{"checkpoint":1}\n', b'{"checkpoint": "a"}\n'):
        with pytest.raises(BadRecord, match="record 4"):
            checkpoint_in(line, 4)


def test_a_spreadsheet_sees_no_formula() -> None:
    cells = spoken({"actor": "=1+1@evil.example", "severity": "-2", "event_type": "+x", "created_at": "@y"})
    assert cells == ["'@y", "'+x", "'-2", "'=1+1@evil.example", "", ""]


def csv_lines() -> list[str]:
    return [csv_head().decode(), *(to_csv(line).decode() for line in made(3).lines())]


def test_csv_names_its_columns() -> None:
    assert csv_lines()[0].strip() == ",".join(f'"{name}"' for name in COLUMNS)


@pytest.mark.parametrize(
    ("line", "old", "new", "error"),
    [
        (0, '"kind"', '"sort"', NotAnExport),
        (2, '"record","1"', '"record","01"', BadRecord),
        (2, '"record","1"', '"other","1"', BadRecord),
        (2, "gate.decision", "gate.decisions", BadRecord),
        (2, '"record","1",', '"record",', BadRecord),
        (2, '"record","1"', '"record","x"', BadRecord),
        (2, '"record","1"', '"record"1"', NotAnExport),
        (2, '{""actor""', '{""actor"', NotAnExport),
    ],
)
def test_cells_that_say_another_thing_are_refused(line: int, old: str, new: str, error: type[Exception]) -> None:
    lines = csv_lines()
    assert old in lines[line]
    lines[line] = lines[line].replace(old, new, 1)
    with pytest.raises(error):
        list(from_csv(lines))


def test_a_frontier_comes_with_the_head() -> None:
    assert WHOLE.frontier().size == 5
    with pytest.raises(ValueError, match="has an edge of"):
        replace(WHOLE, edge=()).frontier()
