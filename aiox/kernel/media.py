"""What a file is, by its first bytes. What it is called, or said to be, only tells kinds of text apart."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

HEAD_BYTES: Final = 1024
"""What `sniff` looks at."""
_HTML: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)
_MARKUP_BEFORE: Final = re.compile(rb"^\s*(?:<\?xml[^>]*\?>|<!--.*?-->|\s)*", re.DOTALL)


class Kind(StrEnum):
    """A format that the hub reads, by its media type."""

    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    HTML = "text/html"
    MARKDOWN = "text/markdown"
    CSV = "text/csv"
    PLAIN = "text/plain"


_TEXTS: Final = {"text/markdown": Kind.MARKDOWN, "text/x-markdown": Kind.MARKDOWN, "text/csv": Kind.CSV}
_ENDINGS: Final = {".md": Kind.MARKDOWN, ".markdown": Kind.MARKDOWN, ".csv": Kind.CSV, ".tsv": Kind.CSV}
_FOREIGN: Final = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*"),
    *(b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"\x7fELF", b"MZ", b"Rar!", b"7z"),
)
"""How pictures, old Office files, archives and programs begin."""


def sniff(head: bytes, declared: str, name: str) -> Kind | None:
    """The format of a file that begins so; None for one that the hub does not read. Any ZIP archive may be a DOCX.

    `declared` is the media type that came with it, `name` what it is called: neither makes a PDF of what is none.
    """
    head = head[:HEAD_BYTES]
    if b"%PDF-" in head:
        return Kind.PDF
    if head.startswith(b"PK\x03\x04"):
        return Kind.DOCX
    if head.startswith(_FOREIGN):
        return None
    if _is_html(head):
        return Kind.HTML
    ending = f".{name.rpartition('.')[2].lower()}" if "." in name else ""
    by_name = _ENDINGS.get(ending)
    said = _TEXTS.get(declared.partition(";")[0].strip().lower())
    return by_name or said or Kind.PLAIN


def _is_html(head: bytes) -> bool:
    before = _MARKUP_BEFORE.match(head)
    return _HTML.match(head, before.end() if before else 0) is not None
