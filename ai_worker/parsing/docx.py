"""DOCX to Markdown, read by ourselves: a ZIP archive with one XML part, of which only what says something is needed.

Libraries for it bring lxml (5 MB) or a second converter; of the archive they would unpack whatever it holds.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ai_worker.parsing.text import Unreadable

MAX_PART_BYTES: Final = 32 << 20
"""Of one part when it is unpacked; a book of 1,000 pages has about 6 MB."""
_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING: Final = re.compile(r"(?:heading|Heading|berschrift|Titre|T.tulo)\s?([1-6])$")


def read_docx(content: bytes) -> str:
    """The text with its headings, lists and tables. Raises Unreadable: damaged, or it unpacks to far too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if "word/document.xml" not in archive.namelist():
                raise Unreadable("This archive is no Word document.")
            body = _part(archive, "word/document.xml")
            names = _part(archive, "word/styles.xml") if "word/styles.xml" in archive.namelist() else b""
        levels = _levels(fromstring(names)) if names else {}
        return "\n\n".join(_blocks(fromstring(body), levels))
    except (zipfile.BadZipFile, zlib.error, KeyError, ParseError, DefusedXmlException, NotImplementedError) as damaged:
        raise Unreadable("The Word document is damaged. Open it and save it anew.") from damaged
    except RuntimeError as locked:  # zipfile's word for a password
        raise Unreadable("The Word document is locked by a password. Save it without one.") from locked


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    """Never more than the limit is unpacked, whatever the archive says of itself."""
    with archive.open(name) as part:
        content = part.read(MAX_PART_BYTES + 1)
    if len(content) > MAX_PART_BYTES:
        raise Unreadable(f"The Word document unpacks to more than {MAX_PART_BYTES >> 20} MiB. It is not read.")
    return content


def _levels(styles: Element) -> dict[str, int]:
    """Which styles are headings, by their id: the id is translated in some versions of Word, the name is not."""
    found = {}
    for style in styles.iter(f"{_W}style"):
        name = style.find(f"{_W}name")
        heading = _HEADING.search(name.get(f"{_W}val", "")) if name is not None else None
        if heading:
            found[style.get(f"{_W}styleId", "")] = int(heading[1])
    return found


def _blocks(document: Element, levels: dict[str, int]) -> Iterator[str]:
    body = document.find(f"{_W}body")
    for element in body if body is not None else ():
        if element.tag == f"{_W}p":
            text = _paragraph(element, levels)
        elif element.tag == f"{_W}tbl":
            text = "\n".join(_row(row) for row in element.iter(f"{_W}tr"))
        else:
            text = "\n\n".join(filter(None, (_paragraph(one, levels) for one in element.iter(f"{_W}p"))))
        if text:
            yield text


def _paragraph(paragraph: Element, levels: dict[str, int]) -> str:
    text = _text(paragraph).strip()
    if not text:
        return ""
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    name = style.get(f"{_W}val", "") if style is not None else ""
    heading = _HEADING.search(name)
    level = levels.get(name) or (int(heading[1]) if heading else 0)
    if level:
        return f"{'#' * level} {' '.join(text.split())}"
    listed = paragraph.find(f"{_W}pPr/{_W}numPr") is not None
    return f"- {text}" if listed else text


def _row(row: Element) -> str:
    cells = [" ".join(_text(cell).split()) for cell in row.iter(f"{_W}tc")]
    return f"| {' | '.join(cells)} |"


def _text(element: Element) -> str:
    """Words of an element; what was deleted with changes tracked is in elements of another name."""
    pieces = []
    for one in element.iter():
        if one.tag == f"{_W}t":
            pieces.append(one.text or "")
        elif one.tag == f"{_W}tab":
            pieces.append(" ")
        elif one.tag in {f"{_W}br", f"{_W}cr"}:
            pieces.append("\n")
    return "".join(pieces)
