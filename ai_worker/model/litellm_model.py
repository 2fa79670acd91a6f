"""Every provider that litellm knows. The only door to litellm; imported late.

Prompts and answers are never logged, here or by the library.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator
from importlib import import_module
from typing import Any, Final

from ai_worker.model.calls import Gathered
from ai_worker.model.port import Delta, ModelFailed, refused_with
from ai_worker.model.prompt import answer_format, chat_messages, chat_tools, prompt_tokens
from ai_worker.words import Limits, ModelChoice, Prompt
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Usage
from aiox.kernel.units import estimate_tokens

_NO_KEY: Final = "none"
"""Given where an endpoint wants no key: an empty one would make litellm look into the environment."""


class LiteLlm:
    """One provider and model with the credential of one turn. One try; the turn's deadline stands around it."""

    def __init__(self, choice: ModelChoice) -> None:
        """Raises ModelFailed(AUTH_ERROR) when neither key nor endpoint came with the turn."""
        self.name = choice.name
        self._call = _call(choice)

    def input_tokens(self, prompt: Prompt) -> int:
        """The whole chat, estimated."""
        return prompt_tokens(prompt)

    async def complete(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Delta, None]:
        """The answer as it comes. Usage is the provider's own, else estimated. Raises ModelFailed."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limits.timeout_s
        stream: Any = None
        pieces: list[str] = []
        usage: Usage | None = None
        calls = Gathered()
        try:
            stream = await _within(deadline, self._open(prompt, limits))
            async for piece, counted in _pieces(stream, deadline, calls):
                usage = counted or usage
                if piece:
                    pieces.append(piece)
                    yield Delta(piece)
        except ModelFailed:
            raise
        except Exception as error:
            raise _normalised(error) from error
        finally:
            await _close(stream)
        answer, called = "".join(pieces), calls.all()
        if not answer.strip() and not called:
            raise ModelFailed(ErrorCode.EMPTY_ANSWER, SENTENCES[ErrorCode.EMPTY_ANSWER], usage=usage)
        yield Delta("", usage or Usage(prompt_tokens(prompt), estimate_tokens(answer)), called)

    async def _open(self, prompt: Prompt, limits: Limits) -> Any:
        litellm = await load()
        return await litellm.acompletion(
            **self._call,
            messages=chat_messages(prompt),
            temperature=limits.temperature,
            max_tokens=limits.max_output_tokens,
            stream=True,
            stream_options={"include_usage": True},
            timeout=limits.timeout_s,
            max_retries=0,
            num_retries=0,
            drop_params=True,
            # Tools would load litellm's MCP gateway, which we do not install and do not want.
            **({"tools": chat_tools(prompt), "_skip_mcp_handler": True} if prompt.tools else {}),
            **({"response_format": answer_format(prompt)} if prompt.answer_schema is not None else {}),
        )


async def load() -> Any:
    """The library, imported off the event loop at first use: it takes seconds."""
    return await asyncio.to_thread(_import)


async def warm() -> None:
    """Imports the library before the first turn needs it."""
    await load()


def _import() -> Any:
    # Both are read by litellm at import: no price map from the network, no .env file of the working directory.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # noqa: TID251 -- written, never read
    os.environ["LITELLM_MODE"] = "PRODUCTION"  # noqa: TID251 -- written, never read
    litellm: Any = import_module("litellm")
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.telemetry = False
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return litellm


def _call(choice: ModelChoice) -> dict[str, str]:
    """What selects provider, model, endpoint and key."""
    base = choice.api_base.rstrip("/")
    if not choice.api_key and not base:
        raise ModelFailed(ErrorCode.AUTH_ERROR, "No credential for this model's provider came with the turn.")
    call = {"model": f"{choice.provider}/{choice.name}", "api_key": choice.api_key or _NO_KEY}
    return call | ({"api_base": base} if base else {})


async def _within(deadline: float, work: Any) -> Any:
    async with asyncio.timeout_at(deadline):
        return await work


async def _pieces(stream: Any, deadline: float, calls: Gathered) -> AsyncIterator[tuple[str, Usage | None]]:
    """Text and usage of each chunk. Raises TimeoutError at the deadline."""
    chunks = aiter(stream)
    while True:
        try:
            chunk = await _within(deadline, anext(chunks))
        except StopAsyncIteration:
            return
        choices = getattr(chunk, "choices", None) or []
        text = (choices[0].delta.content or "") if choices else ""
        for call in (getattr(choices[0].delta, "tool_calls", None) or []) if choices else []:
            function = call.function
            calls.add(int(call.index or 0), call.id or "", function.name or "", function.arguments or "")
        yield text, _usage(getattr(chunk, "usage", None))


def _usage(counted: Any) -> Usage | None:
    if counted is None or not (counted.prompt_tokens or counted.completion_tokens):
        return None
    return Usage(int(counted.prompt_tokens or 0), int(counted.completion_tokens or 0))


async def _close(stream: Any) -> None:
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()


def _normalised(error: Exception) -> ModelFailed:
    """One of our codes. The provider's own words are left out: they may quote the key or the prompt."""
    if isinstance(error, TimeoutError) or type(error).__name__ in {"Timeout", "APITimeoutError"}:
        return ModelFailed(ErrorCode.TIMEOUT, SENTENCES[ErrorCode.TIMEOUT])
    # Where the provider's own headers stand depends on the provider.
    of_response = getattr(getattr(error, "response", None), "headers", None) or {}
    of_library = getattr(error, "litellm_response_headers", None) or {}
    wait = of_response.get("retry-after") or of_library.get("retry-after") or ""
    return refused_with(getattr(error, "status_code", None), str(wait))
