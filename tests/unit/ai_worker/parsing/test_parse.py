"""What each format says, as Markdown, and sentences for what says nothing."""

from __future__ import annotations

import pytest

from ai_worker.parsing import docx as docx_module
from ai_worker.parsing.parse import UNKNOWN, parse
from ai_worker.parsing.text import Unreadable
from tests.unit.ai_worker.parsing.files import docx, paragraph, pdf, zip_bomb

HEADING = '<w:pStyle w:val="berschrift1"/>'
STYLES = '<w:style w:styleId="berschrift1"><w:name w:val="heading 2"/></w:style>'
ITEM = '<w:numPr><w:numId w:val="1"/></w:numPr>'


def test_a_pdf_has_a_heading_for_each_page() -> None:
    parsed = parse(pdf(["Pumps are listed here.", "Valves\n# 7 is shut"]), "", "parts.pdf")
    assert parsed.media_type == "application/pdf"
    assert parsed.text == "# Page 1\n\nPumps are listed here.\n\n# Page 2\n\nValves\n\\# 7 is shut"
    assert parsed.markdown


def test_a_title_is_not_read_into_the_sentence_below_it() -> None:
    page = "Warranty\nThe warranty lasts 24 months\nfrom the day of purchase.\nDescaling"
    assert parse(pdf([page]), "", "x.pdf").text.split("\n\n") == [
        "# Page 1",
        "Warranty",
        "The warranty lasts 24 months\nfrom the day of purchase.\nDescaling",
    ]


def test_a_word_document_keeps_headings_lists_and_tables() -> None:
    table = "".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in ("pump", "40 euros"))
    body = paragraph("Parts", HEADING) + paragraph("first", ITEM) + f"<w:tbl><w:tr>{table}</w:tr></w:tbl>"
    parsed = parse(docx(body, STYLES), "application/octet-stream", "x")
    assert parsed.text == "## Parts\n\n- first\n\n| pump | 40 euros |"


def test_what_a_page_runs_or_hides_is_not_its_text() -> None:
    page = b"""<!DOCTYPE html><html><head><title>t</title><style>p{}</style></head><body><h2>Ports &amp; paths</h2>
    <script>alert('no')</script><ul><li>one<li>two</ul><p>The web page<br>is on 8080.</p>
    <table><tr><td>a</td><td>b</td></tr></table><pre>make up
    make down</pre></body></html>"""
    assert parse(page, "text/plain", "x.txt").text.split("\n\n") == [
        "## Ports & paths",
        "- one",
        "- two",
        "The web page\nis on 8080.",
        "a | b",
        "```\nmake up\n    make down\n```",
    ]


def test_each_row_of_a_table_says_its_columns() -> None:
    parsed = parse("Name;Price\npump;40\n\nvalve;;extra".encode("utf-16"), "text/csv", "parts")
    assert (parsed.text, parsed.markdown) == ("Name: pump; Price: 40\n\nName: valve; column 3: extra", False)


@pytest.mark.parametrize("content", ["tschüß".encode(), "tschüß".encode("cp1252"), b"\xef\xbb\xbf" + "tschüß".encode()])
def test_text_of_usual_encodings_is_read(content: bytes) -> None:
    assert parse(content, "text/plain", "x.txt").text == "tschüß"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x89PNG\r\n\x1a\n....", UNKNOWN),
        (b"\xd0\xcf\x11\xe0old word", UNKNOWN),
        (b"a\0b", "neither text"),
        (b" \n ", "no text"),
        (b"%PDF-1.7\nnothing of a PDF", "damaged"),
        (pdf([""]), "no text"),
        (b"PK\x03\x04 no archive", "damaged"),
        (docx("<w:p>")[:-30], "damaged"),
        (docx('<!DOCTYPE x [<!ENTITY a "b">]>'), "damaged"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(content: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        parse(content, "application/pdf", "x.pdf")


def test_an_archive_is_unpacked_to_its_limit_and_no_further() -> None:
    with pytest.raises(Unreadable, match="unpacks to more than 32 MiB"):
        parse(zip_bomb(64), "", "x.docx")


@pytest.mark.control
def test_without_the_limit_all_of_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docx_module, "MAX_PART_BYTES", 1 << 30)
    with pytest.raises(Unreadable, match="damaged"):  # 64 MiB of spaces are read, and are no XML
        parse(zip_bomb(64), "", "x.docx")
