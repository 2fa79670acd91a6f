"""What the documents point at exists, and they name what the code does."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

import pytest

from aiox.runtime.steps import Step
from tests.architecture.house import TOP

PAGES: Final = [TOP / "README.md", TOP / "CHANGELOG.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").rglob("*.md"))]
ANCHOR: Final = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")
HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK: Final = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
ROW: Final = re.compile(r"^\| (\d+) [^|]+\|([^|]+)\|", re.MULTILINE)
XEP: Final = re.compile(r"XEP-\d{4}")


def linked(page: Path, text: str) -> list[Path]:
    return [(page.parent / target).resolve() for target in LINK.findall(text)]


def hops() -> dict[int, str]:
    """Number of a step to its cell of links."""
    page = (TOP / "docs" / "message-path.md").read_text()
    return {int(number): cell for number, cell in ROW.findall(page)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [path for path in linked(page, page.read_text()) if not path.exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_links_to_sections_find_their_heading(page: Path) -> None:
    wanted = [
        ((page.parent / place).resolve() if place else page, name) for place, name in ANCHOR.findall(page.read_text())
    ]
    assert [(str(target), name) for target, name in wanted if name not in sections(target.read_text())] == []


def sections(text: str) -> set[str]:
    """The names under which headings are linked to."""
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in HEADING.findall(text)}


def test_the_path_has_fifteen_steps_with_a_link_each() -> None:
    assert list(hops()) == list(range(1, 16))
    assert all(LINK.search(cell) for cell in hops().values())


@pytest.mark.parametrize("step", list(Step))
def test_a_linked_file_makes_the_span_of_its_step(step: Step) -> None:
    files = linked(TOP / "docs" / "message-path.md", hops()[int(step.value.split()[0])])
    assert any(f"Step.{step.name}" in file.read_text() for file in files)


def test_extensions_are_the_same_on_both_lists() -> None:
    described = ET.parse(TOP / "doap.xml").getroot()  # noqa: S314 -- our own file
    resources = [
        element.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource", "") for element in described.iter()
    ]
    declared = {f"XEP-{name.rpartition('xep-')[2][:4]}" for name in resources if "/xep-" in name}
    table = [line for line in (TOP / "docs" / "xmpp.md").read_text().splitlines() if line.startswith("| XEP")]
    assert declared == {found for line in table for found in XEP.findall(line)}


def test_each_extension_is_named_in_the_door() -> None:
    door = "".join(path.read_text() for path in (TOP / "component").rglob("*.py"))
    table = [line for line in (TOP / "docs" / "xmpp.md").read_text().splitlines() if line.startswith("| XEP")]
    assert {found for line in table for found in XEP.findall(line)} <= set(XEP.findall(door))


def test_each_extension_has_a_test() -> None:
    page = TOP / "docs" / "xmpp.md"
    table = [line for line in page.read_text().splitlines() if line.startswith("| XEP")]
    assert len(table) >= 20
    assert all(files and all(file.is_file() for file in files) for files in (linked(page, line) for line in table))


def test_the_two_commands_stand_at_the_top() -> None:
    head = (TOP / "README.md").read_text().splitlines()[:6]
    assert any(line.startswith("make up") for line in head)
    assert any(line.startswith("make test") for line in head)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_no_path_of_somebodys_machine(page: Path) -> None:
    assert re.findall(r"(?<![\w.:/])/(?:home|root|tmp|work|Users)\b\S*", page.read_text()) == []
