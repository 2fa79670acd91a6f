"""The port behind which every model stands."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ai_worker.words import Limits, Prompt, ToolCall
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Usage


class ModelFailed(Exception):
    """The model gave no answer; `text` is a sentence that quotes neither prompt nor credential.

    `code` is PROVIDER_ERROR, TIMEOUT, AUTH_ERROR, RATE_LIMIT, EMPTY_ANSWER, or QUOTA_EXCEEDED when the question alone
    does not fit. `passing`: the provider said that the same question may be answered soon (429, 500, 502, 503, 504);
    `wait_s` is how long it wants to be left alone before, 0 when it did not say. `usage` is its count, if it counted.
    """

    def __init__(
        self, code: ErrorCode, text: str, *, passing: bool = False, wait_s: float = 0.0, usage: Usage | None = None
    ) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.passing = passing
        self.wait_s = wait_s
        self.usage = usage


Sleep = Callable[[float], Awaitable[None]]
"""Waits so many seconds."""

PASSING: Final = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses after which the same question is asked again (SPEC 7)."""


def refused_with(status: int | None, retry_after: str) -> ModelFailed:
    """What a refusal over HTTP means. The provider's own words are left out: they may quote the key or the prompt."""
    if status in {401, 403}:
        code = ErrorCode.AUTH_ERROR
    else:
        code = ErrorCode.RATE_LIMIT if status == 429 else ErrorCode.PROVIDER_ERROR
    # Retry-After as a date is rare among model providers, and their clocks are their own: only seconds are heeded.
    wait_s = float(retry_after) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", retry_after.strip()) else 0.0
    return ModelFailed(code, SENTENCES[code], passing=status in PASSING, wait_s=wait_s)


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer. `usage` comes with the last piece, once, and so do the tools that the model calls."""

    text: str
    usage: Usage | None = None
    calls: tuple[ToolCall, ...] = ()


class ChatModel(Protocol):
    """Something that answers."""

    @property
    def name(self) -> str:
        """As it stands in the execution record; "offline" for the built-in responder."""
        ...

    def input_tokens(self, prompt: Prompt) -> int:
        """Tokens that this prompt uses as input, estimated high."""
        ...

    def complete(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Delta, None]:
        """The answer, piece by piece; exactly one piece, the last, has usage.

        `prompt` fits in `limits` (model.prompt.fit). Closing the generator gives the call up and frees its connection.
        Raises ModelFailed, also halfway through; an answer without any visible text and without a call is EMPTY_ANSWER.
        """
        ...
