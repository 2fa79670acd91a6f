"""Every ChatModel keeps the port's promises: the offline responder, litellm and our client against a real endpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import pytest

from ai_worker.model.litellm_model import LiteLlm
from ai_worker.model.offline import Offline
from ai_worker.model.openai_stream import OpenAiStream, open_session
from ai_worker.model.port import ChatModel, Delta
from ai_worker.model.prompt import fit
from ai_worker.words import Kind, Limits, ModelChoice, Passage, Prompt
from bench.stub_model import stub_model

# litellm reads pydantic attributes in a way that newer pydantic only warns about.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")

PASSAGE = Passage(
    uuid4(), uuid4(), Kind.CHUNK, "Guide", "Start", "The hub starts with make up. It stops with Ctrl-C.", 0.2
)
PROMPT = Prompt("Ada", "Be kind.", "How does the hub start?", passages=(PASSAGE,))
LIMITS = Limits(max_total_tokens=2000, max_output_tokens=500, timeout_s=10)


async def no_closeness(_question: str, texts: Sequence[str]) -> list[float]:
    return [0.5 for _ in texts]


@pytest.fixture(params=["offline", "litellm", "openai_stream"])
async def model(request: pytest.FixtureRequest) -> AsyncIterator[ChatModel]:
    if request.param == "offline":
        yield Offline(no_closeness)
        return
    async with stub_model() as stub:
        stub.script("It starts with make up.")
        choice = ModelChoice("openai", "stub", stub.url, "a-key")
        if request.param == "litellm":
            yield LiteLlm(choice)
            return
        async with open_session() as session:
            yield OpenAiStream(choice, session)


async def gathered(model: ChatModel, prompt: Prompt, limits: Limits) -> list[Delta]:
    return [delta async for delta in model.complete(prompt, limits)]


async def test_an_answer_has_text_and_its_last_piece_alone_has_usage(model: ChatModel) -> None:
    deltas = await gathered(model, PROMPT, LIMITS)
    assert "make up" in "".join(delta.text for delta in deltas)
    assert [delta.usage is not None for delta in deltas] == [*[False] * (len(deltas) - 1), True]
    usage = deltas[-1].usage
    assert usage is not None
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0


async def test_it_has_a_name(model: ChatModel) -> None:
    assert model.name


async def test_closing_after_the_first_piece_gives_up_without_an_error(model: ChatModel) -> None:
    answer = model.complete(PROMPT, LIMITS)
    assert (await anext(answer)).text
    await answer.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(answer)


async def test_two_answers_do_not_share_anything(model: ChatModel) -> None:
    first = await gathered(model, PROMPT, LIMITS)
    second = await gathered(model, Prompt("Ada", "", "zxcvb qwert?"), LIMITS)
    assert "make up" in "".join(delta.text for delta in first)
    assert "make up" not in "".join(delta.text for delta in second)


async def test_a_fitted_prompt_and_its_answer_stay_within_the_turn(model: ChatModel) -> None:
    prompt, limits = fit(PROMPT, Limits(max_total_tokens=400, max_output_tokens=100, timeout_s=10), model.input_tokens)
    usage = (await gathered(model, prompt, limits))[-1].usage
    assert usage is not None
    assert usage.total <= 400
