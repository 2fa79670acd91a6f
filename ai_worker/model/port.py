"""The port behind which every model stands."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from ai_worker.words import Limits, Prompt, ToolCall
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Usage


class ModelFailed(Exception):
    """The model gave no answer; `text` is a sentence that quotes neither prompt nor credential.

    `code` is PROVIDER_ERROR, TIMEOUT, AUTH_ERROR, RATE_LIMIT, EMPTY_ANSWER, or QUOTA_EXCEEDED when the question alone
    does not fit.
    """

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


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
