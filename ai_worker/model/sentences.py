"""Passages of Markdown to sentences that can be quoted, and how well each answers a question. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log
from typing import Final

_FENCE = re.compile(r"^[ \t]*(```|~~~).*$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"(\*\*|__|`)")
_BULLET = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+")
_RULE = re.compile(r"^[\s|:\-=*_]+$")
_END = re.compile(r"(?<=[.!?])[ \t]+(?=[\"'“(]?[A-Z0-9À-Þ])")
_WORD = re.compile(r"\w+")
_ENDINGS: Final = ("ations", "ation", "ingly", "ings", "ing", "edly", "ied", "ies", "ed", "es", "ly", "s", "e")
_COMMON: Final = frozenset(
    _WORD.findall(
        "a about after all also an and any are as at be been but by can could did do does for from had has have how"
        " i if in into is it its just me more my no not of on one or our out please should so some such tell than that"
        " the their them then there these they this those to too us was we were what when where which who whom why"
        " will with would you your"
        " o os um uma de da do das dos e que qual quais como onde quando por para com em na meu minha se eu"
    )
)


def sentences(text: str) -> list[str]:
    """The sentences of a passage in order, without Markdown's marks. A list item or table row counts as a sentence."""
    found: list[str] = []
    for paragraph in _joined(text):
        found.extend(part for part in (piece.strip() for piece in _END.split(paragraph)) if _WORD.search(part))
    return found


def _joined(text: str) -> list[str]:
    """Lines to paragraphs: wrapped lines are joined, list items and table rows stand alone."""
    paragraphs: list[str] = []
    fresh = True
    for line in _FENCE.sub("", text).splitlines():
        bare = _BULLET.sub("", line)
        if not line.strip() or _RULE.match(line):
            fresh = True
            continue
        clean = " ".join(_MARKS.sub("", _LINK.sub(r"\1", bare)).replace("|", " ").split()).lstrip("#> ")
        alone = bare != line or line.lstrip().startswith("|")
        if fresh or alone or not paragraphs:
            paragraphs.append(clean)
        else:
            paragraphs[-1] = f"{paragraphs[-1]} {clean}"
        fresh = line.lstrip().startswith("|")
    return paragraphs


def terms(text: str) -> frozenset[str]:
    """The words that carry meaning, without their endings."""
    return frozenset(_stem(word) for word in _WORD.findall(text.casefold()) if word not in _COMMON)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def overlap(question: str, texts: Sequence[str]) -> list[float]:
    """How much of the question's meaning each text shares, 0 to 1; rare words weigh more."""
    asked = terms(question)
    held = [terms(text) for text in texts]
    weight = {term: log(1 + len(held) / (1 + sum(term in one for one in held))) + 0.1 for term in asked}
    total = sum(weight.values())
    return [sum(weight[term] for term in asked & one) / total if total else 0.0 for one in held]
