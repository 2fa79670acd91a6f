"""The id of a stanza that asks names the call, so that both hubs have it."""

from __future__ import annotations

from uuid import UUID

from aiox.kernel.question import PREFIX, Question


def test_the_stanza_names_the_call() -> None:
    question = Question(UUID(int=7), UUID(int=8), (UUID(int=9),), 1)
    assert question.stanza_id == f"{PREFIX}{UUID(int=7)}"
