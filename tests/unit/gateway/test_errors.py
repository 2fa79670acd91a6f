"""The HTTP door's table of errors."""

from __future__ import annotations

import json

import pytest

from aiox.kernel.errors import ErrorCode
from gateway.errors import MEDIA_TYPE, STATUS, problem


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_a_status(code: ErrorCode) -> None:
    assert 400 <= STATUS[code] <= 599


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_makes_a_problem_document(code: ErrorCode) -> None:
    answer = problem(code, "more")
    body = json.loads(bytes(answer.body))
    assert answer.media_type == MEDIA_TYPE
    assert body["status"] == answer.status_code == STATUS[code]
    assert (body["code"], body["detail"], body["type"]) == (code, "more", f"urn:aiox:error:{code}")


def test_signing_in_is_asked_for_and_waiting_is_told() -> None:
    assert problem(ErrorCode.UNAUTHENTICATED).headers["www-authenticate"].startswith("Bearer")
    assert problem(ErrorCode.RATE_LIMITED, retry_after_s=7).headers["retry-after"] == "7"
    assert "retry-after" not in problem(ErrorCode.RATE_LIMITED).headers


def test_half_a_character_in_a_detail_does_not_break_the_answer() -> None:
    """Names that were sent are repeated in sentences, and JSON can name what no text can hold."""
    answer = problem(ErrorCode.BODY_INVALID, "schema.\ud800 is wrong")
    assert json.loads(bytes(answer.body))["detail"] == "schema.? is wrong"
