"""A file is what its bytes are."""

from __future__ import annotations

import pytest

from aiox.kernel.media import Kind, sniff


@pytest.mark.parametrize(
    ("head", "declared", "name", "kind"),
    [
        (b"%PDF-1.7", "text/plain", "a.txt", Kind.PDF),
        (b"\n\n%PDF-1.4", "", "", Kind.PDF),
        (b"PK\x03\x04....", "text/plain", "a.txt", Kind.DOCX),
        (b"<!-- x -->\n<!DOCTYPE html>", "text/markdown", "a.md", Kind.HTML),
        (b"<?xml version='1.0'?><HTML>", "", "", Kind.HTML),
        (b"plain", "text/markdown; charset=utf-8", "a", Kind.MARKDOWN),
        (b"plain", "application/octet-stream", "A.MD", Kind.MARKDOWN),
        (b"a,b", "text/csv", "notes", Kind.CSV),
        (b"a,b", "text/plain", "notes.csv", Kind.CSV),
        (b"plain", "application/pdf", "a.pdf", Kind.PLAIN),
        (b"<p>no page", "text/html", "a.html", Kind.PLAIN),
        (b"", "", "", Kind.PLAIN),
        (b"\x89PNG", "text/plain", "a.txt", None),
        (b"\x1f\x8b", "application/pdf", "a.pdf", None),
        (b"\x7fELF", "", "", None),
    ],
)
def test_bytes_say_what_it_is_and_words_only_which_text(
    head: bytes, declared: str, name: str, kind: Kind | None
) -> None:
    assert sniff(head, declared, name) is kind
