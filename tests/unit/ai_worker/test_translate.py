"""Wire to words: owner and agent are the token's, the credential is the provider's."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from ai_worker.translate import turn_done, turn_of
from ai_worker.words import Exchange, ModelChoice, Task
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Failed, Usage
from aiox.runtime.tokens import TurnClaims
from aiox.wire.v1 import worker_pb2 as pb

CLAIMS = TurnClaims(uuid4(), uuid4(), uuid4(), "one")


def asked(**fields: Any) -> pb.TurnAsked:
    return pb.TurnAsked(owner_user_id=str(uuid4()), agent_id=str(uuid4()), timeout_ms=2500, **fields)


def test_owner_agent_and_request_are_the_tokens() -> None:
    turn = turn_of(asked(), CLAIMS, 30.0)
    assert (turn.owner, turn.agent, turn.request_id) == (CLAIMS.owner, CLAIMS.agent, CLAIMS.request)


def test_times_are_seconds_and_one_try_is_not_longer_than_the_turn() -> None:
    assert (turn_of(asked(), CLAIMS, 30.0).timeout_s, turn_of(asked(), CLAIMS, 30.0).limits.timeout_s) == (2.5, 2.5)
    assert turn_of(asked(), CLAIMS, 1.0).limits.timeout_s == 1.0


def test_the_credential_of_the_same_provider_is_used() -> None:
    credentials = [
        pb.Credential(provider="other", api_key="no"),
        pb.Credential(provider="openai", api_base="http://x/v1", api_key="yes"),
    ]
    config = pb.LlmConfig(provider="openai", model="gpt")
    assert turn_of(asked(llm_config=config, credentials=credentials), CLAIMS, 30.0).choices[0] == ModelChoice(
        "openai", "gpt", "http://x/v1", "yes"
    )


def test_no_provider_is_offline_whatever_credentials_came() -> None:
    choice = turn_of(asked(credentials=[pb.Credential(provider="", api_key="k")]), CLAIMS, 30.0).choices[0]
    assert choice == ModelChoice()


@pytest.mark.parametrize(
    ("config", "on"),
    [
        (None, True),
        (pb.MemoryConfig(type="hybrid", long_term_enabled=True), True),
        (pb.MemoryConfig(type="hybrid", long_term_enabled=False), False),
        (pb.MemoryConfig(type="short_term", long_term_enabled=True), False),
    ],
)
def test_long_term_memory_is_on_when_the_agent_says_so(config: pb.MemoryConfig | None, on: bool) -> None:
    assert turn_of(asked(memory_config=config), CLAIMS, 30.0).long_term is on


def test_history_keeps_its_order() -> None:
    context = [pb.ContextTurn(user="a", assistant="b"), pb.ContextTurn(user="c", assistant="d")]
    history = turn_of(asked(session_context=context), CLAIMS, 30.0).prompt.history
    assert history == (Exchange("a", "b"), Exchange("c", "d"))


def test_a_failure_carries_code_reason_and_what_was_spent() -> None:
    done = turn_done("r", CLAIMS.owner, Failed(ErrorCode.TIMEOUT, "too long", Usage(3, 4), "w", 9))
    assert (done.success, done.error_code, done.error_text) == (False, "TIMEOUT", "too long")
    assert (done.tokens_used, done.latency_ms, done.owner_user_id) == (7, 9, str(CLAIMS.owner))


def test_whether_it_learns_and_what_is_asked_for_come_along() -> None:
    turn = turn_of(asked(memory_config=pb.MemoryConfig(learns=True), task="summary"), CLAIMS, 30.0)
    assert (turn.learns, turn.prompt.task) == (True, Task.SUMMARY)
    turn = turn_of(asked(), CLAIMS, 30.0)
    assert (turn.learns, turn.prompt.task) == (False, Task.ANSWER)
