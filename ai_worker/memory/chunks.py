"""Cuts Markdown or plain text into passages small enough to embed and to quote. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

Count = Callable[[str], int]
"""Word pieces of a text."""

TARGET_PIECES: Final = 120
"""A passage has at most this many word pieces: measured on our own docs, 180 put real answers as far as noise."""
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+)$")
_FENCE = re.compile(r"^[ \t]{0,3}(```|~~~)")
_BLANKS = re.compile(r"\n[ \t]*\n")
_ITEM = re.compile(r"[ \t]*(?:[-*+|]|\d+[.)])[ \t]")
_SENTENCE_END = re.compile(rf"(?<=[.!?])\s+(?=\S)|\n(?={_ITEM.pattern})")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage. `section` is the headings above it, joined by ` > `; `ordinal` counts from 0 in the document."""

    ordinal: int
    section: str
    content: str


@dataclass(frozen=True, slots=True)
class _Block:
    section: str
    text: str


def cut(text: str, count: Count, limit: int = TARGET_PIECES, *, markdown: bool = True) -> list[Chunk]:
    """The passages of a text in order: whole paragraphs of one section, together while they fit in `limit`.

    A paragraph that is too long is cut at sentences, then at words. Plain text has no headings.
    """
    passages: list[_Block] = []
    for block in _blocks(text.replace("\r\n", "\n").replace("\r", "\n"), markdown=markdown):
        for piece in _fitting(block.text, count, limit):
            last = passages[-1] if passages else None
            joined = f"{last.text}\n\n{piece}" if last else ""
            if last and last.section == block.section and count(joined) <= limit:
                passages[-1] = _Block(block.section, joined)
            else:
                passages.append(_Block(block.section, piece))
    return [Chunk(number, passage.section, passage.text) for number, passage in enumerate(passages)]


def embedded_text(chunk: Chunk) -> str:
    """What is embedded: the passage under its nearest heading, so that a short passage is found by its topic.

    Title and outer headings stay out: they are the same for every passage and push all of them away from a question.
    """
    heading = chunk.section.rpartition(" > ")[2]
    return f"{heading}\n{chunk.content}" if heading else chunk.content


def _blocks(text: str, *, markdown: bool) -> Iterator[_Block]:
    if not markdown:
        yield from (_Block("", part.strip()) for part in _BLANKS.split(text) if part.strip())
        return
    headings: dict[int, str] = {}
    lines: list[str] = []
    fence = ""
    for line in [*text.split("\n"), ""]:
        mark = _FENCE.match(line)
        heading = None if fence else _HEADING.match(line)
        if mark:
            fence = "" if fence == mark[1] else (fence or mark[1])
        ends = heading is not None or (not line.strip() and not fence)
        if not ends:
            lines.append(line)
            continue
        yield from _block(headings, lines)
        lines = []
        if heading:
            headings = _under(headings, len(heading[1]), heading[2].rstrip(" \t#"))
    yield from _block(headings, lines)


def _under(headings: dict[int, str], level: int, text: str) -> dict[int, str]:
    return {depth: title for depth, title in headings.items() if depth < level} | {level: text}


def _block(headings: dict[int, str], lines: list[str]) -> Iterator[_Block]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield _Block(" > ".join(headings[depth] for depth in sorted(headings)), text)


def _fitting(text: str, count: Count, limit: int) -> Iterator[str]:
    if count(text) <= limit:
        yield text
        return
    kept = ""
    for sentence in _pieces(text):
        for part in _words(sentence, count, limit):
            joined = f"{kept}{_between(part)}{part}" if kept else part
            if kept and count(joined) > limit:
                yield kept
                kept = part
            else:
                kept = joined
    if kept:
        yield kept


def _between(part: str) -> str:
    """List items and table rows keep their own line."""
    return "\n" if _ITEM.match(part) else " "


def _pieces(text: str) -> Iterator[str]:
    yield from (part.strip() for part in _SENTENCE_END.split(text) if part.strip())


def _words(sentence: str, count: Count, limit: int) -> Iterator[str]:
    """Halves what is too long, at a space where there is one."""
    if count(sentence) <= limit or len(sentence) < 2:
        yield sentence
        return
    middle = len(sentence) // 2
    space = sentence.find(" ", middle)
    at = space if space != -1 else middle
    for half in (sentence[:at].strip(), sentence[at:].strip()):
        if half:
            yield from _words(half, count, limit)
