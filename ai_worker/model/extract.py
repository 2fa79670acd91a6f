"""A summary without a model: who asked what, and how it was answered, each in a line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ai_worker.words import Exchange

LINES: Final = 12
"""At most; the oldest go first."""
_SAID: Final = 120
"""Characters of a question and of an answer."""


def extracted(before: str, history: Sequence[Exchange], label: str) -> str:
    """The lines of the summary before, and one more for each exchange, oldest first.

    `label` is what the built-in responder puts above its answers; it says nothing here.
    """
    lines = [line for line in before.splitlines() if line.strip()]
    lines += [_line(one, label) for one in history]
    return "\n".join(lines[-LINES:]) or "Nothing was said yet."


def _line(exchange: Exchange, label: str) -> str:
    said, answered = _short(exchange.user), _short(exchange.assistant.removeprefix(label))
    return f"You: “{said}” I: “{answered}”"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SAID else line[: _SAID - 1].rstrip() + "…"
