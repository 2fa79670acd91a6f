"""One value, one byte string (RFC 8785)."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.kernel.canonical import Json, canonical, digest

VECTORS = json.loads((Path(__file__).parent / "vectors" / "rfc8785.json").read_text())
WHOLE = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_reads_back_and_is_stable(value: Any) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@given(st.dictionaries(TEXT, WHOLE, max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_example_of_the_rfc() -> None:
    value: Json = {"numbers": [333333333.33333329, 4.50, 2e-3], "literals": [None, True, False]}
    assert canonical(value) == b'{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60, {"a": [float("-inf")]}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not canonical JSON"):
        canonical(value)


def test_digest_is_sha256_of_it() -> None:
    assert digest({"b": 1, "a": "é"}) == hashlib.sha256('{"a":"é","b":1}'.encode()).hexdigest()


@pytest.mark.parametrize("vector", VECTORS["documents"], ids=["values", "order of names"])
def test_documents_of_the_rfc(vector: dict[str, str]) -> None:
    assert canonical(json.loads(vector["given"])).decode() == vector["canonical"]


@pytest.mark.parametrize(("bits", "text"), VECTORS["numbers"])
def test_numbers_of_the_rfc(bits: str, text: str) -> None:
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() == text


@pytest.mark.parametrize("bits", VECTORS["refused"])
def test_numbers_that_the_rfc_refuses(bits: str) -> None:
    with pytest.raises(ValueError, match="not canonical JSON"):
        canonical(struct.unpack(">d", bytes.fromhex(bits))[0])
