"""An answer is taken when it has the promised form; what is wrong is said without quoting it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ai_worker.model.answers import MAX_CHARACTERS, check
from aiox.kernel.canonical import Json

SCHEMA: Mapping[str, Json] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}
GOOD = '{"city": "Porto", "people": 231962}'


@pytest.mark.parametrize("answer", [GOOD, f"  {GOOD}\n", f"```json\n{GOOD}\n```", f"\n```\n{GOOD}\n```\n"])
def test_the_form_is_found_also_inside_a_fence(answer: str) -> None:
    checked = check(answer, SCHEMA)
    assert (checked.text, checked.wrong) == (GOOD, "")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Porto",
        f"Here it is: {GOOD}",
        "[]",
        "{}",
        '{"city": 1}',
        '{"city": "Porto", "people": NaN}',
        '{"city": "Porto", "secret-key": 1}',
        "[" * 100_000,
        '{"city": "' + "x" * MAX_CHARACTERS + '"}',
    ],
)
def test_anything_else_is_wrong_and_not_quoted(answer: str) -> None:
    wrong = check(answer, SCHEMA).wrong
    assert wrong.startswith("It ")
    assert "secret-key" not in wrong


def test_a_schema_that_is_not_ours_fits_nothing() -> None:
    assert check("{}", {"type": "object", "$ref": "http://127.0.0.1:1/"}).wrong
