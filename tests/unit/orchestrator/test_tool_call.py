"""What a person reads when a turn with tool calls was interrupted."""

from __future__ import annotations

from uuid import uuid4

import pytest

from orchestrator.steps.interrupted import explanation
from registry.tool_calls import CallState, StoredCall


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (CallState.DONE, "had its effect"),
        (CallState.FAILED, "failed"),
        (CallState.UNKNOWN, "may or may not have had its effect"),
        (CallState.STARTED, "may or may not have had its effect"),
    ],
)
def test_each_call_is_named_with_what_is_known_of_it(state: CallState, words: str) -> None:
    text = explanation([StoredCall(uuid4(), "append_line", state)])
    assert "- append_line" in text
    assert words in text
    assert "Nothing was repeated" in text
    assert text.endswith("leave it.")


def test_the_reason_stands_in_it_when_there_is_one() -> None:
    assert "(The model's provider failed.)" in explanation([], "The model's provider failed.")


def test_what_an_agent_had_begun_that_was_asked_is_unknown_too() -> None:
    text = explanation([StoredCall(uuid4(), "ask_agent", CallState.UNKNOWN)], below=["append_line"])
    assert "- append_line, by an agent that was asked: unknown" in text
