"""Any OpenAI-compatible endpoint, asked directly: one pooled HTTP session for the process, 0.5 ms a call.

litellm costs 10 to 14 ms of CPU a call, more with a long history; it remains for every other provider. Prompts and
answers are never logged.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Any, Final

import aiohttp

from ai_worker.model.calls import Gathered
from ai_worker.model.port import Delta, ModelFailed, refused_with
from ai_worker.model.prompt import answer_format, chat_messages, chat_tools, prompt_tokens
from ai_worker.words import Limits, ModelChoice, Prompt
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Usage
from aiox.kernel.units import estimate_tokens

MAX_EVENT_BYTES: Final = 1 << 20
"""Longest line of a stream."""
MAX_ANSWER_CHARACTERS: Final = 4 << 20
_END_S: Final = 0.1
_NO_KEY: Final = "none"
"""Given where an endpoint wants no key."""


def open_session() -> aiohttp.ClientSession:
    """The session that all calls of a process share; to be closed. No proxy, cookie or key of the environment."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=MAX_EVENT_BYTES,
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
    )


class OpenAiStream:
    """One model at one endpoint with the credential of one turn. One try; the turn's deadline stands around it."""

    def __init__(self, choice: ModelChoice, session: aiohttp.ClientSession) -> None:
        self.name = choice.name
        self._session = session
        self._url = f"{choice.api_base.rstrip('/')}/chat/completions"
        self._headers = {"Authorization": f"Bearer {choice.api_key or _NO_KEY}"}

    def input_tokens(self, prompt: Prompt) -> int:
        """The whole chat, estimated."""
        return prompt_tokens(prompt)

    async def complete(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Delta, None]:
        """The answer as it comes. Usage is the provider's own, else estimated. Raises ModelFailed."""
        deadline = asyncio.get_running_loop().time() + limits.timeout_s
        answer = _Answer()
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._post(self._question(prompt, limits))
            try:
                if response.status != 200:
                    raise refused_with(response.status, response.headers.get("Retry-After", ""))
                async for event in _events(response, deadline):
                    text = answer.take(event)
                    if text:
                        yield Delta(text)
            finally:
                # Unread, the connection is of no use to anyone: closing tells the endpoint to stop.
                response.close() if not answer.ended else response.release()
        except TimeoutError:
            raise _failed(ErrorCode.TIMEOUT) from None
        except (aiohttp.ClientError, OSError, ValueError, TypeError, KeyError, AttributeError) as broken:
            # The provider's own words are left out: they may quote the key or the prompt.
            raise _failed(ErrorCode.PROVIDER_ERROR) from broken
        yield answer.last(prompt)

    async def _post(self, question: dict[str, Any]) -> aiohttp.ClientResponse:
        """Once, and once more when the connection broke before a word came.

        A connection of the pool may have been closed by the other side in the moment in which it is used again: this
        says nothing about the provider.
        """
        for last in (False, True):
            try:
                return await self._session.post(self._url, json=question, headers=self._headers, allow_redirects=False)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as broken:
                if last or isinstance(broken, aiohttp.ClientConnectorError):
                    raise
        raise RuntimeError("the last try returns or raises")

    def _question(self, prompt: Prompt, limits: Limits) -> dict[str, Any]:
        question: dict[str, Any] = {
            "model": self.name,
            "messages": chat_messages(prompt),
            "temperature": limits.temperature,
            "max_tokens": limits.max_output_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if prompt.tools:
            question["tools"] = chat_tools(prompt)
        if prompt.answer_schema is not None:
            question["response_format"] = answer_format(prompt)
        return question


class _Answer:
    """What came so far."""

    def __init__(self) -> None:
        self.ended = False
        self._pieces: list[str] = []
        self._characters = 0
        self._usage: Usage | None = None
        self._calls = Gathered()

    def take(self, event: str) -> str:
        """The text in one event. Raises ValueError, TypeError, KeyError for what is no chunk, ModelFailed."""
        if event == "[DONE]":
            self.ended = True
            return ""
        chunk = json.loads(event)
        if chunk.get("error"):
            raise _failed(ErrorCode.PROVIDER_ERROR)
        self._usage = _usage(chunk.get("usage")) or self._usage
        choices = chunk.get("choices") or []
        if not choices:
            return ""
        self.ended = self.ended or bool(choices[0].get("finish_reason"))
        delta = choices[0].get("delta") or {}
        for call in delta.get("tool_calls") or []:
            function = call.get("function") or {}
            self._calls.add(
                int(call.get("index") or 0),
                str(call.get("id") or ""),
                str(function.get("name") or ""),
                str(function.get("arguments") or ""),
            )
        text = str(delta.get("content") or "")
        self._pieces.append(text)
        self._characters += len(text)
        if self._characters > MAX_ANSWER_CHARACTERS:
            raise _failed(ErrorCode.PROVIDER_ERROR)
        return text

    def last(self, prompt: Prompt) -> Delta:
        """The last piece. Raises ModelFailed when the stream broke off, or brought nothing."""
        if not self.ended:
            raise _failed(ErrorCode.PROVIDER_ERROR)
        text, calls = "".join(self._pieces), self._calls.all()
        if not text.strip() and not calls:
            raise _failed(ErrorCode.EMPTY_ANSWER, self._usage)
        return Delta("", self._usage or Usage(prompt_tokens(prompt), estimate_tokens(text)), calls)


async def _events(response: aiohttp.ClientResponse, deadline: float) -> AsyncIterator[str]:
    """The data of each event, up to the end. Raises TimeoutError at the deadline, ValueError for a line too long."""
    while True:
        async with asyncio.timeout_at(deadline):
            line = await response.content.readline()
        if not line:
            return
        if line.startswith(b"data:"):
            event = line[5:].strip().decode()
            yield event
            if event == "[DONE]":
                # What is read to its end goes back into the pool; one that does not end is closed.
                with suppress(TimeoutError):
                    async with asyncio.timeout(_END_S):
                        await response.content.read()
                return


def _usage(counted: Any) -> Usage | None:
    if not counted or not (counted.get("prompt_tokens") or counted.get("completion_tokens")):
        return None
    return Usage(int(counted.get("prompt_tokens") or 0), int(counted.get("completion_tokens") or 0))


def _failed(code: ErrorCode, usage: Usage | None = None) -> ModelFailed:
    return ModelFailed(code, SENTENCES[code], usage=usage)
