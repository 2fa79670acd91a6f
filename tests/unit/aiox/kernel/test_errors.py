"""Each code has one sentence for a person, which ends like a sentence and holds no code."""

from __future__ import annotations

import pytest

from aiox.kernel.errors import SENTENCES, ErrorCode


def test_each_code_has_a_sentence() -> None:
    assert set(SENTENCES) == set(ErrorCode)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_the_sentence_is_one(code: ErrorCode) -> None:
    sentence = SENTENCES[code]
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert code not in sentence


def test_codes_are_their_own_names() -> None:
    assert all(code.name == code.value for code in ErrorCode)
