"""Ledger maths: one byte string per record, and a chain in which any change is found."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from policy.ledger import GENESIS, Fault, Record, Row, link, verify

RECORD = Record(
    id=UUID(int=1),
    owner=UUID(int=2),
    event_type="gate.decision",
    severity="info",
    details={"b": 1, "a": "é"},
    created_at=datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
    actor="ada@example.org",
)


def chain(length: int) -> list[Row]:
    rows, head = [], GENESIS
    for seq in range(1, length + 1):
        record = replace(RECORD, id=UUID(int=seq)).encode()
        hashed = link(head, seq, record)
        rows.append(Row(seq, record, head, hashed))
        head = hashed
    return rows


def test_the_encoding_is_fixed() -> None:
    assert RECORD.encode() == (
        '{"actor":"ada@example.org","correlation_id":null,"created_at":"2026-01-02T03:04:05.000006+00:00",'
        '"details":{"a":"é","b":1},"event_type":"gate.decision","id":"00000000-0000-0000-0000-000000000001",'
        '"organisation_id":null,"owner_user_id":"00000000-0000-0000-0000-000000000002","request_id":null,'
        '"severity":"info"}'.encode()
    )


def test_the_link_is_sha256_over_previous_sequence_and_record() -> None:
    expected = hashlib.sha256(GENESIS + bytes([0, 0, 0, 0, 0, 0, 0, 7]) + b"x").digest()
    assert link(GENESIS, 7, b"x") == expected


def test_an_untouched_chain_verifies() -> None:
    rows = chain(5)
    assert verify(rows) == (5, rows[-1].hash)
    assert verify([]) == (0, GENESIS)


@given(st.data())
def test_any_single_change_is_found_at_its_record(data: st.DataObject) -> None:
    rows = chain(6)
    at = data.draw(st.integers(0, 4))
    row = rows[at]
    kind = data.draw(st.sampled_from(["edit", "delete", "swap", "rehash", "columns"]))
    if kind == "edit":
        rows[at] = replace(row, record=row.record.replace(b"info", b"warn"))
    elif kind == "delete":
        del rows[at]
    elif kind == "swap":
        rows[at], rows[at + 1] = rows[at + 1], rows[at]
    elif kind == "columns":
        rows[at] = replace(row, columns_match=False)
    else:
        record = row.record.replace(b"info", b"warn")
        rows[at] = replace(row, record=record, hash=link(row.previous_hash, row.seq, record))
    found = verify(rows)
    assert isinstance(found, Fault)
    assert found.seq == (at + 2 if kind == "rehash" else at + 1)
