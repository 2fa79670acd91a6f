"""Bytes to text, what every parser gives, and what it says when it cannot. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_CHARACTERS: Final = 4_000_000
"""Of the text of one document; about 1,500 pages."""
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class Unreadable(Exception):
    """No text can be had of this file. The message is a sentence for its owner and quotes nothing of the content."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file says. `text` is Markdown where `markdown` is true; `media_type` is what the bytes are."""

    media_type: str
    text: str
    markdown: bool


def decoded(content: bytes) -> str:
    """Text of any usual encoding: by its mark, else UTF-8, else Windows-1252. Raises Unreadable for what is no text."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            try:
                return content[len(mark) :].decode(encoding)
            except UnicodeDecodeError:
                raise Unreadable("The text is damaged: its encoding is not what its first bytes say.") from None
    if b"\0" in content:
        raise Unreadable("This is neither text nor a format that the hub reads.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def bounded(text: str) -> str:
    """The text as it may be stored: no NUL, ends of lines as one character. Raises Unreadable: too long, or empty."""
    text = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    # Half a surrogate pair, as broken PDF fonts give them, is no text in UTF-8.
    text = text.encode("utf-8", errors="ignore").decode("utf-8")
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(f"The document has more than {MAX_CHARACTERS:,} characters. Split it.")
    if not text.strip():
        raise Unreadable("The document has no text. A scanned page is a picture: run text recognition over it first.")
    return text
