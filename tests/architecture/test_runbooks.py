"""The runbooks: one for each trouble of SPEC 14, followed by a test, naming commands and figures that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command

from aiox.cli.main import app
from tests.architecture.house import TOP
from tests.e2e.runbooks.book import FOLDER, commands

PAGES: Final = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
WANTED: Final = {
    *("stuck-conversations", "lost-worker", "provider-down", "key-rotation", "drift", "restore", "peer-abuse"),
    *("migration-rollback", "invalid-credentials", "dead-letters", "postgres-failover"),
}
HEADINGS: Final = ["## How it shows", "## What it means", "## What to do", "## When it is over"]


def names(page: Path) -> str:
    return page.stem


def test_one_for_each_trouble() -> None:
    assert {page.stem for page in PAGES} == WANTED
    index = (FOLDER / "README.md").read_text()
    assert all(f"({name}.md)" in index for name in WANTED)


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_a_test_follows_it(page: Path) -> None:
    tests = ast.parse((TOP / "tests/e2e/runbooks/test_runbooks.py").read_text()).body
    followers = [one for one in tests if isinstance(one, ast.AsyncFunctionDef) and page.stem in followed_by(one)]
    assert followers
    long = all(any("prove" in ast.unparse(mark) for mark in one.decorator_list) for one in followers)
    row = next(line for line in (FOLDER / "README.md").read_text().splitlines() if f"({page.name})" in line)
    assert ("`make prove`" in row) is long, "the index says where it is followed"


def test_restores_are_tried_in_short_too() -> None:
    assert "async def test_restore(" in (TOP / "tests/e2e/runbooks/test_runbooks.py").read_text()


def followed_by(function: ast.AsyncFunctionDef) -> set[str]:
    """Pages of which a test says that it has done all."""
    text = ast.unparse(function)
    if ".done(" not in text:
        return set()
    return {
        name for name in WANTED if f"'{name}'" in text and function.name.startswith(f"test_{name.replace('-', '_')}")
    }


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_it_has_the_four_parts(page: Path) -> None:
    assert [line for line in page.read_text().splitlines() if line.startswith("## ")] == HEADINGS


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_its_commands_exist(page: Path) -> None:
    for line in commands(page):
        words = line.split()
        if words[0] == "aiox":
            found: Any = get_command(app)
            while hasattr(found, "commands"):
                found = found.commands[words[1:2][0]]
                words = words[1:]
            options = {option for one in found.params for option in (*one.opts, *one.secondary_opts)}
            assert {word for word in words if word.startswith("--")} <= options, line


FIGURE: Final = re.compile(r"`((?:aiox|llm|http|gate)_[a-z_]+)")


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_its_figures_exist(page: Path) -> None:
    code = "".join(
        path.read_text()
        for room in ("component", "gateway", "orchestrator", "ai_worker", "aiox")
        for path in (TOP / room).rglob("*.py")
    )
    for figure in FIGURE.findall(page.read_text()):
        assert f'"{figure}"' in code or f'"{figure.removesuffix("_total")}"' in code, figure
