"""HTML to Markdown, with what a reader sees and nothing that runs. Python's own parser: no code of the page is used."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

_SILENT: Final = frozenset({"script", "style", "noscript", "template", "svg", "head", "iframe", "object", "nav"})
_BLOCKS: Final = frozenset(
    {
        *("p", "div", "section", "article", "header", "footer", "main", "aside", "blockquote", "form", "figure"),
        *("ul", "ol", "dl", "dd", "dt", "table", "thead", "tbody", "tr"),
    }
)
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}


def read_html(page: str) -> str:
    """The visible text: headings with their level, list items and table rows on lines of their own, code fenced."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Gathers blocks. Elements that are never closed, as HTML allows, end with the next block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[str] = []
        self._words: list[str] = []
        self._before = ""
        self._silent: list[str] = []
        self._fenced = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent.append(tag)
        elif tag in _HEADINGS:
            self._begin("#" * _HEADINGS[tag] + " ")
        elif tag == "li":
            self._begin("- ")
        elif tag == "pre":
            self._begin("")
            self._fenced = True
        elif tag in {"td", "th"}:
            self._words.append(" | ")
        elif tag == "br":
            self._words.append("\n")
        elif tag in _BLOCKS:
            self._begin("")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            if tag in self._silent:
                del self._silent[self._silent.index(tag) :]
        elif tag == "pre":
            self._end()
            self._fenced = False
        elif tag in _BLOCKS or tag in _HEADINGS or tag == "li":
            self._end()

    def handle_data(self, data: str) -> None:
        # A head that is never closed would silence the page: a body's text is text.
        if not self._silent:
            self._words.append(data)

    def text(self) -> str:
        """What was gathered."""
        self._end()
        return "\n\n".join(self._blocks)

    def _begin(self, before: str) -> None:
        self._end()
        self._before = before
        if "head" in self._silent:
            self._silent.clear()

    def _end(self) -> None:
        raw = "".join(self._words)
        if self._fenced:
            words = f"```\n{raw.strip(chr(10))}\n```" if raw.strip() else ""
        else:
            words = "\n".join(filter(None, (" ".join(line.split()) for line in raw.splitlines())))
            words = words.strip().removeprefix("| ")
        if words:
            self._blocks.append(f"{self._before}{words}")
        self._words, self._before = [], ""
