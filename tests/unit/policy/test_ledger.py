"""Ledger maths: one byte string per record, and a chain in which any change is found."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.kernel.canonical import Json, canonical
from policy.ledger import GENESIS, Fault, Record, Row, link, verify
from policy.merkle import leaf_hash

IDS = ("id", "owner", "correlation_id", "request_id", "organisation_id")
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


VECTORS = json.loads((Path(__file__).parent / "vectors" / "ledger.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda vector: vector["why"])
def test_the_encoding_is_that_of_the_vectors(vector: dict[str, Any]) -> None:
    said: dict[str, Any] = {
        name: UUID(value) if name in IDS and value else value for name, value in vector["record"].items()
    }
    made = Record(**{**said, "created_at": datetime.fromisoformat(vector["record"]["created_at"])})
    assert made.encode() == vector["canonical"].encode()
    assert leaf_hash(made.encode()).hex() == vector["leaf"]
    previous = bytes.fromhex(vector["previous_hash"])
    assert link(previous, vector["seq"], made.encode()).hex() == vector["hash"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text() | st.floats(allow_nan=False, width=16),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), _JSON, max_size=4), st.text(max_size=8), st.uuids() | st.none())
def test_the_encoding_is_rfc_8785_whatever_a_record_holds(
    details: dict[str, Json], text: str, some: UUID | None
) -> None:
    made = replace(RECORD, details=details, actor=text, event_type=text, request_id=some, organisation_id=some)
    try:
        expected = canonical(
            {
                "id": str(made.id),
                "owner_user_id": str(made.owner),
                "event_type": text,
                "severity": made.severity,
                "details": details,
                "created_at": made.created_at.isoformat(timespec="microseconds"),
                "actor": text,
                "correlation_id": None,
                "request_id": str(some) if some else None,
                "organisation_id": str(some) if some else None,
            }
        )
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            made.encode()
    else:
        assert made.encode() == expected


@pytest.mark.parametrize("wrong", [{"a": float("nan")}, {"a": 2**53 + 1}, {"a": "\ud800"}, {"a": object()}])
def test_what_canonical_json_cannot_hold_is_refused(wrong: dict[str, Json]) -> None:
    with pytest.raises(ValueError, match=r"."):
        replace(RECORD, details=wrong).encode()


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
