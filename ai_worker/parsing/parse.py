"""Any file that the hub reads to text. Pure: bytes in, text with its structure out, or a sentence that says why not."""

from __future__ import annotations

from ai_worker.parsing.docx import read_docx
from ai_worker.parsing.html import read_html
from ai_worker.parsing.pdf import read_pdf
from ai_worker.parsing.table import read_csv
from ai_worker.parsing.text import Parsed, Unreadable, bounded, decoded
from aiox.kernel.media import Kind, sniff

UNKNOWN = "The hub does not read this kind of file. It reads PDF, DOCX, HTML, Markdown, CSV and plain text."


def parse(content: bytes, declared: str, name: str) -> Parsed:
    """What a file says. `declared` and `name` only tell kinds of text apart (aiox.kernel.media). Raises Unreadable.

    May take gigabytes and minutes for a hostile file: run it where it can be killed (parsing.child).
    """
    kind = sniff(content, declared, name)
    match kind:
        case None:
            raise Unreadable(UNKNOWN)
        case Kind.PDF:
            text = read_pdf(content)
        case Kind.DOCX:
            text = read_docx(content)
        case Kind.HTML:
            text = read_html(decoded(content))
        case Kind.CSV:
            text = read_csv(decoded(content))
        case Kind.MARKDOWN | Kind.PLAIN:
            text = decoded(content)
    return Parsed(kind, bounded(text), markdown=kind in {Kind.PDF, Kind.DOCX, Kind.HTML, Kind.MARKDOWN})
