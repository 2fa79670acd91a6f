"""Tries, breaker and fallbacks over real HTTP (SPEC 7). Only the waiting is not real: the clock is the test's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from ai_worker.model.bill import Bill
from ai_worker.model.breaker import FAILURES, OPEN_S, BreakerState
from ai_worker.model.choose import MAX_BREAKERS, OFFLINE, Models
from ai_worker.model.metrics import ModelMetrics
from ai_worker.model.openai_stream import open_session
from ai_worker.model.port import ChatModel, ModelFailed
from ai_worker.words import Limits, ModelChoice, Prompt
from aiox.kernel.errors import ErrorCode
from bench.stub_model import Scripted, StubModel, stub_model

PROMPT = Prompt("Ada", "Be kind.", "a question")
LIMITS = Limits(max_total_tokens=2000, timeout_s=10)


@dataclass
class Time:
    """A clock that only sleeping moves on."""

    moment: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.moment, UTC)

    def monotonic(self) -> float:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += seconds


async def closeness(_question: str, texts: Sequence[str]) -> list[float]:
    return [0.0 for _ in texts]


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture
def models(session: aiohttp.ClientSession, time: Time) -> Models:
    return Models(session, time, time.sleep)


@pytest.fixture
async def stub() -> AsyncIterator[StubModel]:
    async with stub_model() as running:
        yield running


def at(stub: StubModel, name: str = "stub") -> ModelChoice:
    return ModelChoice("openai", name, stub.url, "a-key")


async def said(model: ChatModel, limits: Limits = LIMITS) -> str:
    return "".join([delta.text async for delta in model.complete(PROMPT, limits)])


async def failure(model: ChatModel) -> ModelFailed:
    with pytest.raises(ModelFailed) as failed:
        await said(model)
    return failed.value


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_passes_is_tried_again_after_1_2_and_4_seconds(
    models: Models, time: Time, stub: StubModel, status: int
) -> None:
    stub.script(*[Scripted(status=status)] * 3, "at last")
    assert await said(models.choose([at(stub)], closeness, 60.0, Bill())) == "at last"
    assert time.slept == [1.0, 2.0, 4.0]


async def test_the_fourth_failure_is_the_answer(models: Models, stub: StubModel) -> None:
    stub.script(*[Scripted(status=503)] * 4, "too late")
    assert (await failure(models.choose([at(stub)], closeness, 60.0, Bill()))).code is ErrorCode.PROVIDER_ERROR
    assert stub.count == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 501])
async def test_what_does_not_pass_is_asked_once(models: Models, time: Time, stub: StubModel, status: int) -> None:
    stub.script(Scripted(status=status))
    await failure(models.choose([at(stub)], closeness, 60.0, Bill()))
    assert (stub.count, time.slept) == (1, [])


async def test_retry_after_wins(models: Models, time: Time, stub: StubModel) -> None:
    stub.script(Scripted(status=429, retry_after="7"), "yes")
    assert await said(models.choose([at(stub)], closeness, 60.0, Bill())) == "yes"
    assert time.slept == [7.0]


@pytest.mark.parametrize("header", ["Wed, 21 Oct 2026 07:28:00 GMT", "-5", "soon", "1e9", "99999999"])
async def test_a_retry_after_that_is_no_number_of_seconds_is_not_heeded(
    models: Models, time: Time, stub: StubModel, header: str
) -> None:
    stub.script(Scripted(status=429, retry_after=header), "yes")
    assert await said(models.choose([at(stub)], closeness, 60.0, Bill())) == "yes"
    assert time.slept == [1.0]


async def test_no_try_begins_after_the_turns_time(models: Models, time: Time, stub: StubModel) -> None:
    stub.script(Scripted(status=429, retry_after="60"), "too late")
    failed = await failure(models.choose([at(stub)], closeness, 30.0, Bill()))
    assert (failed.code, stub.count, time.slept) == (ErrorCode.RATE_LIMIT, 1, [])


async def test_after_five_failures_it_is_left_alone_and_half_a_minute_later_one_may_try(
    models: Models, time: Time, stub: StubModel
) -> None:
    stub.script(*[Scripted(status=404)] * FAILURES)
    for _ in range(FAILURES):
        await failure(models.choose([at(stub)], closeness, 1e6, Bill()))
    failed = await failure(models.choose([at(stub)], closeness, 1e6, Bill()))
    assert "left alone for 30 s" in failed.text
    assert stub.count == FAILURES
    time.moment += OPEN_S
    assert await said(models.choose([at(stub)], closeness, 1e6, Bill())) == "echo: a question"
    assert await said(models.choose([at(stub)], closeness, 1e6, Bill())) == "echo: a question"


async def test_the_breaker_is_seen_to_open_to_try_and_to_close(
    session: aiohttp.ClientSession, time: Time, stub: StubModel
) -> None:
    registry = CollectorRegistry()
    models = Models(session, time, time.sleep, metrics=ModelMetrics(registry))

    def shown() -> float | None:
        return registry.get_sample_value("llm_circuit_breaker_state", {"provider": "openai", "model": "stub"})

    stub.script(*[Scripted(status=404)] * (FAILURES + 1))
    for expected in [BreakerState.CLOSED] * (FAILURES - 1) + [BreakerState.OPEN]:
        await failure(models.choose([at(stub)], closeness, 1e6, Bill()))
        assert shown() == expected
    time.moment += OPEN_S
    with_probe = models.choose([at(stub)], closeness, 1e6, Bill()).complete(PROMPT, LIMITS)
    with pytest.raises(ModelFailed):
        await anext(with_probe)
    assert shown() == BreakerState.OPEN, "the probe failed: the whole time again"
    time.moment += OPEN_S
    probe = models.choose([at(stub)], closeness, 1e6, Bill()).complete(PROMPT, LIMITS)
    await anext(probe)
    assert shown() == BreakerState.HALF_OPEN
    assert "left alone" in (await failure(models.choose([at(stub)], closeness, 1e6, Bill()))).text, "one at a time"
    assert [delta async for delta in probe]
    assert shown() == BreakerState.CLOSED


async def test_another_model_of_the_endpoint_has_a_breaker_of_its_own(models: Models, stub: StubModel) -> None:
    stub.script(*[Scripted(status=404)] * FAILURES)
    for _ in range(FAILURES):
        await failure(models.choose([at(stub)], closeness, 1e6, Bill()))
    assert await said(models.choose([at(stub, "other")], closeness, 1e6, Bill())) == "echo: a question"


async def test_one_owners_bad_key_shuts_nobody_out(models: Models, stub: StubModel) -> None:
    stub.script(*[Scripted(status=401)] * 2 * FAILURES)
    for _ in range(2 * FAILURES):
        assert (await failure(models.choose([at(stub)], closeness, 1e6, Bill()))).code is ErrorCode.AUTH_ERROR
    assert await said(models.choose([at(stub)], closeness, 1e6, Bill())) == "echo: a question"


async def test_the_next_model_of_the_list_answers_and_is_named(models: Models, stub: StubModel) -> None:
    stub.script(Scripted(status=404), Scripted(status=401), "third")
    model = models.choose([at(stub, "a"), at(stub, "b"), at(stub, "c")], closeness, 60.0, Bill())
    assert await said(model) == "third"
    assert model.name == "c"
    assert [asked["model"] for asked in stub.asked] == ["a", "b", "c"]


async def test_the_last_models_failure_is_told(models: Models, stub: StubModel) -> None:
    stub.script(Scripted(status=404), Scripted(status=401))
    assert (
        await failure(models.choose([at(stub, "a"), at(stub, "b")], closeness, 60.0, Bill()))
    ).code is ErrorCode.AUTH_ERROR


async def test_a_model_without_a_credential_is_left_out(models: Models, stub: StubModel) -> None:
    choices = [ModelChoice("anthropic", "claude"), at(stub)]
    assert await said(models.choose(choices, closeness, 60.0, Bill())) == "echo: a question"


async def test_without_any_credential_the_turn_fails(models: Models) -> None:
    with pytest.raises(ModelFailed) as failed:
        models.choose([ModelChoice("anthropic", "claude"), ModelChoice("openai", "gpt")], closeness, 60.0, Bill())
    assert failed.value.code is ErrorCode.AUTH_ERROR


async def test_the_offline_responder_may_be_the_last_of_the_list(models: Models, stub: StubModel) -> None:
    stub.script(Scripted(status=404))
    model = models.choose([at(stub), ModelChoice(OFFLINE, OFFLINE)], closeness, 60.0, Bill())
    assert "offline" in await said(model)
    assert model.name == "offline"


async def test_breakers_of_invented_endpoints_do_not_pile_up(models: Models, stub: StubModel) -> None:
    models.choose([at(stub, "in use")], closeness, 60.0, Bill())
    kept = models.breakers["openai", stub.url, "in use"]
    for number in range(MAX_BREAKERS + 10):
        models.choose([at(stub, f"m{number}")], closeness, 60.0, Bill())
        if number % 100 == 0:
            models.choose([at(stub, "in use")], closeness, 60.0, Bill())
    assert len(models.breakers) == len(models.paces) == MAX_BREAKERS
    assert models.breakers["openai", stub.url, "in use"] is kept, "who invents endpoints resets nobody else's"
