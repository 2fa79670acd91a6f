"""Which schemas an agent may promise its answers in: enough to be of use, nothing that is costly or reads elsewhere."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aiox.kernel.agent import LlmConfig
from aiox.kernel.answer_schema import MAX_DEPTH, MAX_PARTS, wrong_in

ORDER = {
    "type": "object",
    "title": "Order",
    "properties": {
        "items": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 80}, "count": {"type": "integer", "minimum": 1}},
                "required": ["name", "count"],
                "additionalProperties": False,
            },
        },
        "urgency": {"enum": ["low", "high", None]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["items"],
    "additionalProperties": {"type": "number"},
}


def test_an_ordinary_schema_is_taken_and_kept_as_it_is() -> None:
    assert wrong_in(ORDER) == ""
    assert LlmConfig(response_schema=ORDER).response_schema == ORDER
    jsonschema.Draft202012Validator.check_schema(ORDER)


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string"},
        {"type": "any"},
        {"type": ["object", "null"]},
        {"type": "object", "$ref": "http://169.254.169.254/"},
        {"type": "object", "$ref": "#"},
        {"type": "object", "properties": {"a": {"$dynamicRef": "#x"}}},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+$"}}},
        {"type": "object", "patternProperties": {"(a+)+$": {}}},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": 1}},
        {"type": "object", "properties": {"a": True}},
        {"type": "object", "required": "name"},
        {"type": "object", "required": ["a", "a"]},
        {"type": "object", "required": [1]},
        {"type": "object", "properties": {"a": {"enum": []}}},
        {"type": "object", "properties": {"a": {"enum": [{}]}}},
        {"type": "object", "properties": {"a": {"const": float("nan")}}},
        {"type": "object", "properties": {"a": {"minimum": True}}},
        {"type": "object", "properties": {"a": {"maximum": float("inf")}}},
        {"type": "object", "properties": {"a": {"maxLength": -1}}},
        {"type": "object", "properties": {"a": {"const": 2**60}}},
        {"type": "object", "properties": {"a": {"anyOf": []}}},
        {"type": "object", "title": "\ud800"},
        {"type": "object", "title": "\x00"},
        {"type": "object", "description": "x" * 9000},
        {"type": "object", "properties": {str(number): {} for number in range(MAX_PARTS)}},
        deep(MAX_DEPTH),
        deep(500),
    ],
)
def test_what_is_costly_or_broken_is_refused_with_a_sentence(schema: dict[str, Any]) -> None:
    assert wrong_in(schema).endswith(".")
    with pytest.raises(ValueError, match="response_schema"):
        LlmConfig(response_schema=schema)


ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "items", "enum", "anyOf", "x"]), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["type", "properties", "required", "items", "enum", "const", "minimum"]), ANY))
def test_whatever_is_taken_is_a_schema_to_the_validator_too(schema: dict[str, Any]) -> None:
    if not wrong_in({**schema, "type": "object"}):
        jsonschema.Draft202012Validator.check_schema({**schema, "type": "object"})


def test_a_name_that_is_half_a_character_is_refused_in_words() -> None:
    wrong = wrong_in({"type": "object", "properties": {"\ud800": {"type": "bogus"}}})
    assert wrong == "schema.properties.\\ud800.type is no type of JSON."
    with pytest.raises(ValidationError):
        LlmConfig(response_schema={"type": "object", "properties": {"\ud800": {"type": "bogus"}}})
