"""docs/test-map.md names tests that are there, and says rightly which of them are long."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from setup.api_reference import DOCUMENT as REFERENCE
from setup.settings_document import DOCUMENT as SETTINGS
from tests.architecture.house import TOP

PAGE: Final = TOP / "docs" / "test-map.md"
_ROW: Final = re.compile(r"^\| (?!promise|---)([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_NAME: Final = re.compile(r"`(\w+)`( \*\(prove\)\*)?")
PARTS: Final = 10


def there() -> Iterator[tuple[str, bool]]:
    """Every test by name, and whether it, its class or its module is marked `prove`."""
    for path in sorted((TOP / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text())
        whole = any(
            ast.unparse(node).startswith("pytestmark = ") and "mark.prove" in ast.unparse(node) for node in tree.body
        )
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                marked = any(ast.unparse(one) == "pytest.mark.prove" for one in node.decorator_list)
                yield node.name.removeprefix("test_"), whole or marked


TESTS: Final = list(there())
COUNTS: Final = Counter(name for name, _ in TESTS)
LONG: Final = {name for name, long in TESTS if long}


def promises() -> list[tuple[str, str]]:
    """What was promised, and the cell beside it."""
    return [(promise.strip(), cell) for promise, cell in _ROW.findall(PAGE.read_text())]


def test_every_part_has_its_promises() -> None:
    parts = re.findall(r"^## (\d+)\. ", PAGE.read_text(), re.MULTILINE)
    assert parts == [str(number) for number in range(1, PARTS + 1)]
    assert len(promises()) > 100


@pytest.mark.parametrize(("promise", "cell"), promises(), ids=lambda text: text[:40])
def test_every_promise_names_tests_that_are_there(promise: str, cell: str) -> None:
    named = _NAME.findall(cell)
    if not cell.startswith("not shown by a test: "):
        assert named, f"{promise}: no test, and no reason"
    for name, long in named:
        if cell.startswith("not shown") and name not in COUNTS:
            continue  # a command
        assert COUNTS[name], f"{promise}: there is no test of the name {name}"
        assert (name in LONG) == bool(long), f"{promise}: is {name} a long round?"


def test_settings_and_api_are_described_whole() -> None:
    """`make check` compares them with the code; here, that they are there and that the pages lead to them."""
    pages = "".join(path.read_text() for path in (TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))))
    for made, one_of_it in ((SETTINGS, "AIOX_TELEMETRY__SERIES"), (REFERENCE, "`POST /v1/agents`")):
        assert one_of_it in (TOP / made).read_text()
        assert f"({made.name})" in pages or f"(docs/{made.name})" in pages
