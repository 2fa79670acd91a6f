"""PDF to Markdown: a heading for each page, so that a passage is cited with its page."""

from __future__ import annotations

import io
from typing import Final

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from ai_worker.parsing.text import MAX_CHARACTERS, Unreadable

MAX_PAGES: Final = 5000
_TITLE: Final = 60
"""Characters of a line that may be a title."""


def read_pdf(content: bytes) -> str:
    """The text of all pages. Raises Unreadable: damaged, locked by a password, too many pages."""
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("The PDF is locked by a password. Save it without one.")
        if len(reader.pages) > MAX_PAGES:
            raise Unreadable(f"The PDF has more than {MAX_PAGES} pages. Split it.")
        return _pages(reader)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as damaged:
        # pypdf lets many errors of its own through when a file is damaged.
        raise Unreadable("The PDF is damaged. Open it and save it anew.") from damaged


def _pages(reader: PdfReader) -> str:
    pages: list[str] = []
    length = 0
    for number, page in enumerate(reader.pages, 1):
        text = page.extract_text().strip()
        length += len(text)
        if length > MAX_CHARACTERS:
            raise Unreadable(f"The PDF has more than {MAX_CHARACTERS:,} characters. Split it.")
        if text:
            pages.append(f"# Page {number}\n\n{_paragraphs(text)}")
    return "\n\n".join(pages)


def _paragraphs(text: str) -> str:
    """A line of a page is no heading of Markdown, whatever it begins with. One that looks like a title stands alone, so
    that it is not read as the beginning of the sentence below it.
    """
    lines = [f"\\{line}" if line.startswith("#") else line for line in map(str.rstrip, text.splitlines())]
    following = [*lines[1:], ""]
    return "\n".join(
        f"{line}\n" if _is_title(line, after) else line for line, after in zip(lines, following, strict=True)
    )


def _is_title(line: str, after: str) -> bool:
    """Short, without the end of a sentence, and what follows begins anew."""
    return 0 < len(line) <= _TITLE and line[-1].isalnum() and after[:1].isupper()
