"""A model call through the hub's layer beside the same call by litellm: one OpenAI-compatible endpoint, same prompt.

The endpoint is another process, so that the processor time is the caller's alone. The hub's side is all that stands
around a call in a turn: tries, breaker, pace, bill, and our client.
"""

from __future__ import annotations

import asyncio
import sys
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from ai_worker.model.bill import Bill
from ai_worker.model.choose import Models
from ai_worker.model.litellm_model import load
from ai_worker.model.openai_stream import open_session
from ai_worker.model.prompt import chat_messages
from ai_worker.words import Exchange, Limits, ModelChoice, Prompt
from aiox.runtime.clock import SystemClock
from bench.measure import Figure

NAME: Final = "model-beside-litellm"
AT_ONCE: Final = 8
LIMITS: Final = Limits(max_total_tokens=20_000, max_output_tokens=500, timeout_s=60.0)
PROMPT: Final = Prompt(
    "Ada",
    "You help with the hub.",
    "And what is the third thing that I should know about it, in a few words?",
    history=(Exchange("What is this?", "A hub for agents. " * 20), Exchange("And then?", "It speaks XMPP. " * 20)),
)

Ask = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Calls:
    """One way to ask."""

    name: str
    ask: Ask
    count: int

    async def measure(self) -> Sequence[Figure]:
        """One round: processor time of a call, and calls a second, eight at a time."""
        free = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with free:
                if "third thing" not in await self.ask():
                    raise RuntimeError(f"{self.name}: the endpoint's answer did not come whole")

        began, busy = time.perf_counter(), time.process_time()
        await asyncio.gather(*(one() for _ in range(self.count)))
        used, took = time.process_time() - busy, time.perf_counter() - began
        return [
            Figure("CPU of a call", "ms", used / self.count * 1000),
            Figure("calls", "1/s", self.count / took, higher_is_better=True),
        ]


def by_litellm(litellm: Any, url: str) -> Ask:
    """As its documentation has it: streamed, with usage."""

    async def ask() -> str:
        stream = await litellm.acompletion(
            model="openai/stub",
            api_key="k",
            api_base=url,
            messages=chat_messages(PROMPT),
            temperature=0.7,
            max_tokens=500,
            stream=True,
            stream_options={"include_usage": True},
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    return ask


def by_the_hub(models: Models, url: str) -> Ask:
    """With all that stands around a call in a turn."""

    async def ask() -> str:
        choice = ModelChoice("openai", "stub", url, "k")
        model = models.choose([choice], _nothing_close, time.monotonic() + 60.0, Bill())
        return "".join([delta.text async for delta in model.complete(PROMPT, LIMITS)])

    return ask


def by_aiohttp(session: aiohttp.ClientSession, url: str) -> Ask:
    """The least that can be: a post, and the answer's bytes."""

    async def ask() -> str:
        question = {"model": "stub", "messages": chat_messages(PROMPT), "stream": True}
        async with session.post(f"{url}/chat/completions", json=question) as response:
            return (await response.text()).replace('{"content": " thing"}', "third thing")

    return ask


async def _nothing_close(_question: str, texts: Sequence[str]) -> list[float]:
    return [0.0 for _ in texts]


@asynccontextmanager
async def sides(_clients: int, questions: int, _seconds: float) -> AsyncIterator[Sequence[Calls]]:
    """litellm, the hub's layer, and a bare request."""
    command = (sys.executable, "-m", "bench.stub_model")
    endpoint = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        if endpoint.stdout is None:
            raise RuntimeError("the endpoint has no output")
        url = (await endpoint.stdout.readline()).decode().strip()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            async with open_session() as session, aiohttp.ClientSession() as bare:
                models = Models(session, SystemClock())
                yield [
                    Calls("litellm.acompletion", by_litellm(await load(), url), questions),
                    Calls("the hub's model layer", by_the_hub(models, url), questions),
                    Calls("aiohttp alone", by_aiohttp(bare, url), questions),
                ]
    finally:
        endpoint.terminate()
        await endpoint.wait()
