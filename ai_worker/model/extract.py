"""A summary without a model: who asked what, and how it was answered, each in a line. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ai_worker.words import LEARNS, Exchange

NOTHING: Final = "I know nothing about this"
"""How the built-in responder begins when it has no answer: worth no line in a summary."""
BYTES: Final = 1100
"""Of a whole summary, below what it may cost (orchestrator/summaries.py); the oldest lines go first."""
_SAID: Final = 100
"""Characters of a question and of an answer."""
_SOURCE: Final = re.compile(r"^— .*$", re.MULTILINE)
_QUOTES: Final = str.maketrans("", "", "“”")


def extracted(before: str, history: Sequence[Exchange], label: str) -> str:
    """The lines of the summary before, and one more for each exchange, oldest first.

    `label` is what the built-in responder puts above its answers; it says nothing here.
    """
    lines = [line for line in before.splitlines() if line.strip()]
    lines += [_line(one, label) for one in history]
    while len(lines) > 1 and len("\n".join(lines).encode()) > BYTES:
        lines.pop(0)
    return "\n".join(lines) or "Nothing was said yet."


def _line(exchange: Exchange, label: str) -> str:
    answer = exchange.assistant.removeprefix(label).replace(LEARNS, "")
    said, answered = _short(exchange.user), _short(_SOURCE.sub("", answer))
    if not answered or answered.startswith(NOTHING):
        return f"You: “{said}”"
    return f"You: “{said}” I: “{answered}”"


def _short(text: str) -> str:
    line = " ".join(text.translate(_QUOTES).split())
    return line if len(line) <= _SAID else line[: _SAID - 1].rstrip() + "…"
