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
    *(b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1", b"fLaC", b"\x1aE\xdf\xa3", b"#!AMR", b"FORM"),
)
"""How pictures, old Office files, archives, programs, recordings and films begin."""
_SPOKEN: Final = (
    (b"OggS", "a recording"),
    (b"ID3", "a recording"),
    (b"fLaC", "a recording"),
    (b"#!AMR", "a recording"),
    (b"\xff\xfb", "a recording"),
    (b"\xff\xf3", "a recording"),
    (b"\xff\xf1", "a recording"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"\x1aE\xdf\xa3", "a film"),
)
_BRANDS: Final = ((b"M4A", "a recording"), (b"hei", "a picture"), (b"avif", "a picture"), (b"mif", "a picture"))


def sniff(head: bytes, declared: str, name: str) -> Kind | None:
    """The format of a file that begins so; None for one that the hub does not read. Any ZIP archive may be a DOCX.

    `declared` is the media type that came with it, `name` what it is called: neither makes a PDF of what is none.
    """
    head = head[:HEAD_BYTES]
    if b"%PDF-" in head:
        return Kind.PDF
    if head.startswith(b"PK\x03\x04"):
        return Kind.DOCX
    if head.startswith(_FOREIGN) or head[4:8] == b"ftyp":
        return None
    if _is_html(head):
        return Kind.HTML
    ending = f".{name.rpartition('.')[2].lower()}" if "." in name else ""
    by_name = _ENDINGS.get(ending)
    said = _TEXTS.get(declared.partition(";")[0].strip().lower())
    return by_name or said or Kind.PLAIN


def what_it_is(head: bytes, declared: str) -> str:
    """What to call a file that the hub does not read, for whoever sent it: by its bytes, else as it was declared."""
    if head[4:8] == b"ftyp":
        return next((word for brand, word in _BRANDS if head[8:].startswith(brand)), "a film")
    if head.startswith(b"RIFF"):
        return "a recording" if head[8:12] == b"WAVE" else "a picture" if head[8:12] == b"WEBP" else "a film"
    by_bytes = next((word for begin, word in _SPOKEN if head.startswith(begin)), "")
    kind = declared.partition("/")[0].lower()
    by_name = {"image": "a picture", "audio": "a recording", "video": "a film"}.get(kind, "")
    return by_bytes or by_name or "a kind of file I do not know"


def _is_html(head: bytes) -> bool:
    before = _MARKUP_BEFORE.match(head)
    return _HTML.match(head, before.end() if before else 0) is not None
