"""Recognises sentences in which people say something lasting of themselves, for agents that may learn by themselves.

English and Portuguese; by form alone, so that it is plain what is kept. Pure.
"""

from __future__ import annotations

import re
from typing import Final

from ai_worker.memory.remember import MAX_FACT_CHARACTERS

MOST: Final = 3
"""Facts of one message."""
_WORDS: Final = range(3, 41)
"""A fact is a sentence, neither a word nor a story."""
_OWN: Final = r"(?:(?:favou?rite|first|last|full|middle|own)\s+)?[\w-]+(?:\s+[\w-]+)?"
_PASSING: Final = r"(?!(?:question|problem|issue|guess|point|mistake|idea|understanding|turn|goal|error|bad)\b)"
"""What is mine for the length of a conversation."""
_ENGLISH: Final = (
    rf"my\s+{_PASSING}{_OWN}\s+(?:is|are)\s+(?:called\s+|named\s+)?(?!not\s+sure)"
    r"|i(?:['\u2019]m|\s+am)\s+(?:called|allergic\s+to|vegetarian|vegan|based\s+in|from|married\s+to|a|an)\b(?!\s+(?:bit|little)\b)"
    r"|i\s+(?:live|work|study)\s+(?:in|at|as|for|on|with)\b"
    r"|i\s+(?:always\s+|usually\s+|really\s+)?(?:prefer|like|love|dislike|hate|speak)\b(?!\s+(?:it|this|that|them|your?|how)\b)"
    r"|i\s+(?:do\s+not|don['\u2019]t|never)\s+(?:eat|drink|like|use|work)\b"
    r"|(?:please\s+)?call\s+me\b"
)
_PORTUGUESE: Final = (
    rf"(?:o\s+meu|a\s+minha|meu|minha)\s+{_OWN}\s+(?:[ée]|s[ãa]o|se\s+chama)\b"
    r"|(?:eu\s+)?(?:me\s+chamo|sou|moro\s+em|trabalho\s+(?:em|no|na|como|com)|prefiro|gosto\s+de|adoro|odeio|falo)\b"
    r"|(?:eu\s+)?n[ãa]o\s+(?:gosto|como|bebo|uso|trabalho)\b"
    r"|me\s+chame\s+de\b"
)
_ABOUT_ONESELF: Final = re.compile(
    rf"(?:(?:hi|hello|hey|ol[áa]|oi)\b[,!]?\s+)?(?P<fact>(?:{_ENGLISH}|{_PORTUGUESE}).+)", re.I
)
_SENTENCES: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_FENCE: Final = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)
_SPACES: Final = re.compile(r"\s+")
_LONGEST: Final = 4000
"""Characters that are looked at: who sends more sends a text, and speaks of something else."""


def told_of_oneself(message: str) -> tuple[str, ...]:
    """The sentences of a message that say something lasting of its sender, in their words; MOST at most.

    Questions, quoted lines (XEP-0393, `> ...`) and code do not count.
    """
    own = "\n".join(
        line for line in _FENCE.sub("\n", message[:_LONGEST]).splitlines() if not line.lstrip().startswith(">")
    )
    found: dict[str, None] = {}
    for sentence in _SENTENCES.split(own):
        line = _SPACES.sub(" ", sentence).strip()
        if line.endswith("?") or len(line.split()) not in _WORDS:
            continue
        said = _ABOUT_ONESELF.fullmatch(line)
        if said is not None:
            found[said["fact"].rstrip(".! ")[:MAX_FACT_CHARACTERS]] = None
    return tuple(found)[:MOST]
