"""The port behind which files are parsed, and what goes over the wire of it."""

from __future__ import annotations

import json
from typing import Final, Protocol

from ai_worker.parsing.text import MAX_CHARACTERS, Parsed, Unreadable

WALL_S: Final = 120.0
"""For one file, from start to end of its process."""
MEMORY_BYTES: Final = 1 << 30
CPU_S: Final = 60
"""What the parsing process may take, wherever it runs."""
MAX_ANSWER_BYTES: Final = 4 * MAX_CHARACTERS + 4096
TOO_SLOW: Final = f"Reading it takes longer than {WALL_S:.0f} seconds. Split it, or save it in another format."
BROKEN: Final = "It could not be read: the file is damaged, or made to do harm."


class Parser(Protocol):
    """Turns files of strangers into text, apart from everything else."""

    async def parse(self, content: bytes, declared: str, name: str) -> Parsed:
        """What a file says (ai_worker.parsing.parse). Raises Unreadable; cancelling ends the work at once."""
        ...


def question(content: bytes, declared: str, name: str) -> bytes:
    """What the parsing process reads."""
    return json.dumps({"declared": declared, "name": name}).encode() + b"\n" + content


def answer_of(said: bytes) -> Parsed:
    """What the parsing process wrote, checked as a stranger's words: a hostile file may have taken it over.

    Raises Unreadable.
    """
    line, _, text = said.partition(b"\n")
    try:
        head = json.loads(line)
        if "unreadable" in head:
            raise Unreadable(str(head["unreadable"])[:300])
        media_type, markdown = str(head["media_type"])[:100], head["markdown"] is True
        parsed = Parsed(media_type, text.decode(), markdown)
    except (ValueError, KeyError, TypeError):
        raise Unreadable(BROKEN) from None
    if len(parsed.text) > MAX_CHARACTERS or not parsed.text.strip():
        raise Unreadable(BROKEN)
    return parsed
