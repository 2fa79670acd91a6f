"""Recognises an explicit request to remember something. Nothing else is ever learnt from a message. Pure."""

from __future__ import annotations

import re
from typing import Final

MAX_FACT_CHARACTERS: Final = 1000

_POLITE = r"(?:(?:please|por\s+favor)\s*,?\s+)?"
_ENGLISH = (
    r"(?:(?:can|could|would|will)\s+you\s+)?(?:please\s+)?remember\s*(?:,?\s*please\s*)?(?:\bthat\s+|(?:this\s*)?:\s*)"
)
_PORTUGUESE = (
    r"(?:(?:pode|poderia|voc[êe]\s+pode)\s+)?lembr(?:e|a|ar)(?:-se|-te|\s+se)?\s*"
    r"(?:(?:de\s+)?que\s+|(?:disto\s*|disso\s*)?:\s*)"
)
_REQUEST = re.compile(
    rf"(?:^|(?<=[.!?\n])\s*){_POLITE}(?:{_ENGLISH}|{_PORTUGUESE})(?P<fact>\S.*)", re.IGNORECASE | re.DOTALL
)
# Runs of white space are folded first: the patterns above would take quadratic time over long ones.
_COMMAND: Final = re.compile(r"/remember\s+(?P<fact>\S.*)", re.DOTALL)
_SPACES = re.compile(r"\s+")
_EMPTY_LINES = re.compile(r"\n{3,}")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_SENTENCES = re.compile(r"(?<=[.!?])\s+")


def fact_in(message: str) -> str:
    """The fact that a message asks to remember, in the user's words; empty when it asks for nothing of the kind.

    `/remember ...` with all that follows; `remember that ...`, `please remember: ...`, `lembre-se de que ...` at the
    start of a sentence, up to the end of the paragraph or the first question. Quoted lines (XEP-0393, `> ...`) are
    somebody else's words and do not count.
    """
    if command := _COMMAND.fullmatch(message.strip()):
        return " ".join(command["fact"].split())[:MAX_FACT_CHARACTERS].strip()
    own = "\n".join(
        _SPACES.sub(" ", line).strip() for line in message.splitlines() if not line.lstrip().startswith(">")
    )
    own = _EMPTY_LINES.sub("\n\n", own).strip()
    found = _REQUEST.search(own)
    if found is None:
        return ""
    told: list[str] = []
    for sentence in _SENTENCES.split(_PARAGRAPH.split(found["fact"], maxsplit=1)[0].strip()):
        if sentence.endswith("?"):
            break
        told.append(sentence)
    fact = " ".join(" ".join(told).split())
    return fact[:MAX_FACT_CHARACTERS].strip().removesuffix(".").strip(" \"'“”")
