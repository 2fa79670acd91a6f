"""Message styling (XEP-0393) from the Markdown that models write: what clients would show with its signs is turned into
what they style. Code is left as it is, and no word is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_FENCE: Final = re.compile(r"^ {0,3}(```+|~~~+)")
_HEADING: Final = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*$")
_BULLET: Final = re.compile(r"^(\s*)[*+][ \t]+")
_RULE: Final = re.compile(r"^ {0,3}([-*_])([ \t]*\1){2,}[ \t]*$")
_CODE: Final = re.compile(r"(`+)(?:(?!\1).){1,300}?\1")
_LINK: Final = re.compile(r"!?\[([^\[\]\n]*)\]\((<?)([^\s()<>]+)\2(?:[ \t]+\"[^\"\n]*\")?\)")
# Not `__`: in what models write it is more often a name of a program than strong.
_STRONG: Final = re.compile(r"(?<![\w*])\*\*(?=\S)(.{1,300}?)(?<=\S)\*\*(?![\w*])")
_EMPHASIS: Final = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]{0,300}?[^\s*])\*(?![\w*])")
_STRUCK: Final = re.compile(r"(?<![\w~])~~(?=\S)(.{1,300}?)(?<=\S)~~(?![\w~])")
# The spans are bounded: without an end in sight, each sign would look through the rest of the line.
_MARK: Final = "\ue000"
"""Stands for strong signs until emphasis is done: `*` means strong there and emphasis here."""


def styled(text: str) -> str:
    """The text with Markdown's signs turned into those of message styling."""
    lines, fence = [], ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if fence:
            closes = found is not None and found[1].startswith(fence)
            lines.append("```" if closes else line)
            fence = "" if closes else fence
        elif found is not None:
            fence = found[1]
            lines.append("```" + line[found.end() :].strip())
        else:
            lines.append(_line(line))
    return "\n".join(lines)


def _line(line: str) -> str:
    if _RULE.match(line):
        return line
    heading = _HEADING.match(line)
    if heading is not None and heading[1]:
        return f"*{_plain(heading[1])}*"
    return _outside_code(_BULLET.sub(r"\1- ", line), _spans)


def _spans(text: str) -> str:
    text = _LINK.sub(_link, text)
    text = _STRONG.sub(lambda found: f"{_MARK}{found[1]}{_MARK}", text)
    text = _EMPHASIS.sub(r"_\1_", text)
    return _STRUCK.sub(r"~\1~", text).replace(_MARK, "*")


def _link(found: re.Match[str]) -> str:
    words, address = found[1].strip(), found[3]
    return address if not words or words == address else f"{words} ({address})"


def _plain(text: str) -> str:
    """A heading's words without signs of emphasis: it is strong as a whole, and styles do not nest in themselves."""
    return _outside_code(text, lambda one: _EMPHASIS.sub(r"\1", _STRONG.sub(r"\1", _LINK.sub(_link, one))))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    parts, at = [], 0
    for found in _CODE.finditer(text):
        parts += [change(text[at : found.start()]), found[0]]
        at = found.end()
    return "".join([*parts, change(text[at:])])
