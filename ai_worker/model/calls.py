"""Tool calls of a model, put together from the pieces in which they are streamed."""

from __future__ import annotations

from typing import Final

from ai_worker.model.port import ModelFailed
from ai_worker.words import ToolCall
from aiox.kernel.errors import SENTENCES, ErrorCode

MAX_CALLS_AT_ONCE: Final = 16
MAX_CHARACTERS: Final = 128 * 1024
"""Of one call's arguments, before they are read."""


class Gathered:
    """The calls of one answer."""

    def __init__(self) -> None:
        self._calls: dict[int, tuple[str, str, list[str]]] = {}
        self._characters = 0

    def add(self, index: int, call_id: str, name: str, arguments: str) -> None:
        """Takes a piece of the call at `index`. Raises ModelFailed(PROVIDER_ERROR) when there is too much of it."""
        known_id, known_name, pieces = self._calls.get(index, ("", "", []))
        self._calls[index] = (known_id or call_id, known_name or name, pieces)
        pieces.append(arguments)
        self._characters += len(arguments)
        if len(self._calls) > MAX_CALLS_AT_ONCE or self._characters > MAX_CHARACTERS:
            raise ModelFailed(ErrorCode.PROVIDER_ERROR, SENTENCES[ErrorCode.PROVIDER_ERROR])

    def all(self) -> tuple[ToolCall, ...]:
        """The calls in order; one without an id gets that of its place."""
        return tuple(
            ToolCall(call_id or f"call_{index}", name, "".join(pieces) or "{}")
            for index, (call_id, name, pieces) in sorted(self._calls.items())
        )
