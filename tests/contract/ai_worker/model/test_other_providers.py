"""A provider with an API of its own, through litellm's real HTTP path: streams, tools, forms, failures, its key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ai_worker.model.litellm_model import LiteLlm
from ai_worker.model.port import Delta, ModelFailed
from ai_worker.words import Acted, Limits, ModelChoice, Prompt, ToolCall, ToolOffer
from aiox.kernel.canonical import Json
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Usage
from bench.stub_model import Scripted
from tests.contract.ai_worker.model.anthropic_server import AnthropicServer, anthropic_server

# litellm reads pydantic attributes in a way that newer pydantic only warns about.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")

MODEL = "claude-sonnet-4-5"
KEY = "sk-ant-of-this-turn"
LIMITS = Limits(max_total_tokens=2000, max_output_tokens=500, timeout_s=20)
LOOK_UP = ToolOffer("look_up", "Looks up a city.", {"type": "object", "properties": {"city": {"type": "string"}}})
PROMPT = Prompt("Ada", "Be kind.", "How warm is Porto?", tools=(LOOK_UP,))
PLACE: dict[str, Json] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.fixture
async def server() -> AsyncIterator[AnthropicServer]:
    async with anthropic_server() as running:
        yield running


async def gathered(server: AnthropicServer, prompt: Prompt) -> list[Delta]:
    model = LiteLlm(ModelChoice("anthropic", MODEL, server.url, KEY))
    return [delta async for delta in model.complete(prompt, LIMITS)]


async def test_it_streams_and_its_own_count_is_the_usage(server: AnthropicServer) -> None:
    server.answers.append(Scripted("It is warm there."))
    deltas = await gathered(server, PROMPT)
    assert [delta.text for delta in deltas if delta.text] == ["It", " is", " warm", " there."]
    assert deltas[-1].usage == Usage(25, 7)
    (asked,) = server.asked
    assert server.keys == [KEY]
    assert (asked["model"], asked["max_tokens"], asked["stream"]) == (MODEL, 500, True)
    assert "Be kind." in str(asked["system"])
    assert asked["tools"][0]["name"] == "look_up"


async def test_tools_come_back_in_pieces_and_their_results_go_out(server: AnthropicServer) -> None:
    calls = (
        {"name": "look_up", "arguments": '{"city": "Porto"}'},
        {"name": "look_up", "arguments": '{"city": "Faro"}'},
    )
    server.answers.extend([Scripted("Let me see.", calls=calls), Scripted("Twenty degrees.")])
    *spoken, last = await gathered(server, PROMPT)
    assert "".join(delta.text for delta in spoken) == "Let me see."
    assert last.calls == (
        ToolCall("toolu_0", "look_up", '{"city": "Porto"}'),
        ToolCall("toolu_1", "look_up", '{"city": "Faro"}'),
    )
    acted = Acted("Let me see.", last.calls, ("20 degrees", "25 degrees"))
    deltas = await gathered(server, replace(PROMPT, acted=(acted,)))
    assert "".join(delta.text for delta in deltas) == "Twenty degrees."
    said, results = server.asked[-1]["messages"][-2:]
    assert [block["input"] for block in said["content"] if block["type"] == "tool_use"] == [
        {"city": "Porto"},
        {"city": "Faro"},
    ]
    assert [(block["tool_use_id"], "degrees" in str(block["content"])) for block in results["content"]] == [
        ("toolu_0", True),
        ("toolu_1", True),
    ]


async def test_the_form_of_an_answer_is_asked_for_in_the_providers_own_way(server: AnthropicServer) -> None:
    server.answers.append(Scripted('{"city": "Porto"}'))
    deltas = await gathered(server, replace(PROMPT, tools=(), answer_schema=PLACE))
    assert "".join(delta.text for delta in deltas) == '{"city": "Porto"}'
    assert '"city"' in str(server.asked[0]).replace("'", '"')


@pytest.mark.parametrize(
    ("answer", "code", "passing", "wait_s"),
    [
        (Scripted(f"bad key {KEY}", status=401), ErrorCode.AUTH_ERROR, False, 0.0),
        (Scripted("slow down", status=429, retry_after="7"), ErrorCode.RATE_LIMIT, True, 7.0),
        (Scripted("broken", status=500), ErrorCode.PROVIDER_ERROR, True, 0.0),
        (Scripted("no such model", status=404), ErrorCode.PROVIDER_ERROR, False, 0.0),
        (Scripted("It is", breaks="half"), ErrorCode.PROVIDER_ERROR, True, 0.0),  # not tried again: something was said
        (Scripted(""), ErrorCode.EMPTY_ANSWER, False, 0.0),
    ],
)
async def test_its_failures_are_ours(
    server: AnthropicServer, answer: Scripted, code: ErrorCode, passing: bool, wait_s: float
) -> None:
    server.answers.append(answer)
    with pytest.raises(ModelFailed) as failed:
        await gathered(server, PROMPT)
    assert (failed.value.code, failed.value.passing, failed.value.wait_s) == (code, passing, wait_s)
    assert KEY not in str(failed.value)
    assert len(server.asked) == 1
