"""Documents that are made to do harm, by seed: bombs, loops, references outside, lies about themselves, and damage."""

# ruff: noqa: E501 -- tables of cases

from __future__ import annotations

import io
import random
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from tests.unit.ai_worker.parsing.files import docx, paragraph, pdf, pdf_bomb, zip_bomb

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True)
class Canary:
    """What lies outside: a file with a word in it, and a port on which nobody should be heard."""

    path: str
    word: str
    port: int


Document = tuple[str, bytes]
"""What it is said to be, and its bytes."""
Maker = Callable[[random.Random, Canary], Document]


def _raw_pdf(*objects: str) -> bytes:
    body = "".join(f"{number} 0 obj\n{one}\nendobj\n" for number, one in enumerate(objects, 1))
    return f"%PDF-1.7\n{body}trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n9\n%%EOF".encode()


def bomb_in_a_pdf(dice: random.Random, _: Canary) -> Document:
    return "application/pdf", pdf_bomb(dice.choice((8, 64, 600)))


def bomb_in_a_word_file(dice: random.Random, _: Canary) -> Document:
    return DOCX, zip_bomb(dice.choice((8, 64, 600)))


def pages_in_a_circle(dice: random.Random, _: Canary) -> Document:
    kids = " ".join(["2 0 R"] * dice.randint(1, 20))
    return "application/pdf", _raw_pdf(
        "<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count 9 >>"
    )


def objects_in_a_circle(dice: random.Random, _: Canary) -> Document:
    return "application/pdf", _raw_pdf("2 0 R", "3 0 R", "1 0 R", f"<< /Length {dice.randint(1, 9)} 0 R >>")


def nested_for_ever(dice: random.Random, _: Canary) -> Document:
    depth = dice.choice((500, 20_000, 300_000))
    kind = dice.choice(("pdf", "html", "docx"))
    if kind == "pdf":
        return "application/pdf", _raw_pdf("<< /Type /Catalog /Pages " + "[" * depth + "]" * depth + " >>")
    if kind == "html":
        return "text/html", b"<html><body>" + b"<div><p><b>" * depth + b"x"
    return DOCX, docx("<w:p>" * min(depth, 20_000) + "</w:p>" * min(depth, 20_000))


def entities(dice: random.Random, canary: Canary) -> Document:
    """Billion laughs, and files and addresses as entities."""
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    outside = dice.choice(
        (f"file://{canary.path}", f"http://127.0.0.1:{canary.port}/", canary.path, "file:///etc/passwd")
    )
    head = dice.choice((f'<!DOCTYPE w [<!ENTITY a0 "ha">{laughs}]>', f'<!DOCTYPE w [<!ENTITY a9 SYSTEM "{outside}">]>',
                        f'<!DOCTYPE w SYSTEM "{outside}">', f'<!DOCTYPE w [<!ENTITY % p SYSTEM "{outside}"> %p;]>'))  # fmt: skip
    ns = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    text = f"{head}<w:document {ns}><w:body><w:p><w:r><w:t>&a9;</w:t></w:r></w:p></w:body></w:document>"
    return DOCX, _archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": text.encode()})


def paths_of_an_archive(dice: random.Random, canary: Canary) -> Document:
    """Names that climb out, devices, links, the same name twice."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        for name in (
            "../" * 9 + canary.path.lstrip("/"),
            canary.path,
            "/dev/null",
            "word\\document.xml",
            "con",
            "a" * 60_000,
        ):
            archive.writestr(zipfile.ZipInfo(name), b"overwritten")
        link = zipfile.ZipInfo("word/document.xml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, canary.path)
        if dice.random() < 0.5:
            archive.comment = b"PK\x05\x06" * 1000
    return DOCX, found.getvalue()


def lies_of_an_archive(dice: random.Random, _: Canary) -> Document:
    """Sizes, offsets and sums that are not so."""
    whole = bytearray(docx(paragraph("hello " * 500)))
    for _change in range(dice.randint(1, 12)):
        at = dice.randrange(len(whole))
        whole[at] = dice.choice((0, 0xFF, 0x7F, 0x80))
    return DOCX, bytes(whole)


def outside_of_a_pdf(dice: random.Random, canary: Canary) -> Document:
    """Actions that open, run, fetch or send, and a font or stream that lies in another file."""
    action = dice.choice((
        f"<< /S /URI /URI (http://127.0.0.1:{canary.port}/) >>", "<< /S /JavaScript /JS (app.launchURL('http://x')) >>",
        f"<< /S /Launch /F ({canary.path}) >>", f"<< /S /SubmitForm /F (http://127.0.0.1:{canary.port}/) >>",
        f"<< /S /ImportData /F ({canary.path}) >>", f"<< /S /GoToR /F ({canary.path}) /D [0] >>",
    ))  # fmt: skip
    return "application/pdf", _raw_pdf(
        f"<< /Type /Catalog /Pages 2 0 R /OpenAction {action} >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
        f"<< /Length 0 /F ({canary.path}) /FFilter /FlateDecode >>\nstream\n\nendstream",
    )


def outside_of_a_page(dice: random.Random, canary: Canary) -> Document:
    at = dice.choice((f"file://{canary.path}", f"http://127.0.0.1:{canary.port}/", canary.path))
    tags = f'<img src="{at}"><iframe src="{at}"></iframe><link rel=stylesheet href="{at}"><object data="{at}"></object>'
    return (
        "text/html",
        f"<html><base href='{at}'><meta http-equiv=refresh content='0;{at}'>{tags}<script src='{at}'></script>x</html>".encode(),
    )


def numbers_without_end(dice: random.Random, _: Canary) -> Document:
    digits = "9" * dice.choice((100, 5_000, 1_000_000))
    return "application/pdf", _raw_pdf(
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [] /Count {digits} /MediaBox [0 0 {digits} -{digits}] >>",
    )


def filters_on_filters(dice: random.Random, _: Canary) -> Document:
    content = b" " * (1 << 20)
    layers = dice.randint(2, 6)
    for _layer in range(layers):
        content = zlib.compress(content, 9)
    head = f"<< /Length {len(content)} /Filter [{' /FlateDecode' * layers}] >>\nstream\n".encode()
    start = _raw_pdf("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                     "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>")  # fmt: skip
    return "application/pdf", start.replace(b"trailer", b"4 0 obj\n" + head + content + b"\nendstream\nendobj\ntrailer")


def noise(dice: random.Random, _: Canary) -> Document:
    """Bytes behind an honest beginning."""
    kind, head = dice.choice(
        (
            ("application/pdf", b"%PDF-1.7\n"),
            (DOCX, b"PK\x03\x04"),
            ("text/html", b"<html>"),
            ("text/csv", b"a,b\n"),
            ("", b""),
        )
    )
    return kind, head + dice.randbytes(dice.choice((10, 4_000, 400_000)))


def damaged(dice: random.Random, _: Canary) -> Document:
    whole = bytearray(pdf([f"page {n}\nwith words" for n in range(5)]))
    for _change in range(dice.randint(1, 30)):
        whole[dice.randrange(len(whole))] = dice.randrange(256)
    return "application/pdf", bytes(whole[: dice.randint(len(whole) // 2, len(whole))])


def tables_and_texts(dice: random.Random, _: Canary) -> Document:
    return dice.choice((
        ("text/csv", b'"' * 200_000), ("text/csv", b"," * 400_000), ("text/csv", (b"x" * 200_000 + b",") * 3),
        ("text/plain", "\ud800".encode("utf-16-le", "surrogatepass") * 1000), ("text/plain", b"\xff\xfe" + b"\x00\xd8" * 9999),
        ("text/plain", b"\0" * 100_000), ("text/markdown", b"[" * 100_000), ("text/markdown", b"#" * 300_000),
        ("text/html", b"<html>" + b"<a " + b'x="y" ' * 80_000 + b">"), ("text/html", b"<html><!--" + b"-" * 400_000),
        ("text/html", b"<html>" + b"&#99999999999;" * 9000), ("text/html", b"<html><table>" + b"<tr><td colspan=99999999>x" * 900),
    ))  # fmt: skip


def _archive(parts: dict[str, bytes]) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return found.getvalue()


MAKERS: tuple[Maker, ...] = (
    bomb_in_a_pdf, bomb_in_a_word_file, pages_in_a_circle, objects_in_a_circle, nested_for_ever, entities,
    paths_of_an_archive, lies_of_an_archive, outside_of_a_pdf, outside_of_a_page, numbers_without_end,
    filters_on_filters, noise, damaged, tables_and_texts,
)  # fmt: skip


def hostile(seed: int, canary: Canary) -> Document:
    """The document of a seed; each kind comes as often as the others."""
    return MAKERS[seed % len(MAKERS)](random.Random(seed), canary)
