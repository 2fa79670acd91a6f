"""The size gate counts lines and function bodies, and leaves generated folders out."""

from __future__ import annotations

from pathlib import Path

import pytest

from setup.sizes import EXEMPT, MAX_FILE_LINES, MAX_FUNCTION_LINES, files_under, summary, too_long


def function(lines: int, indent: str = "") -> str:
    return f"{indent}async def long() -> None:\n" + f"{indent}    pass\n" * (lines - 1)


@pytest.mark.parametrize("indent", ["", "    "])
def test_functions(tmp_path: Path, indent: str) -> None:
    head = "class Holder:\n" if indent else "\n"
    path = tmp_path / "a.py"
    path.write_text(head + function(MAX_FUNCTION_LINES, indent))
    assert list(too_long(path)) == []
    path.write_text(head + function(MAX_FUNCTION_LINES + 1, indent))
    [found] = too_long(path)
    assert (found.name, found.line, found.lines) == ("long", 2, 61)


def test_files_of_other_languages_are_counted_but_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    path.write_text("const a = 1;\n" * (MAX_FILE_LINES + 1))
    assert [str(found) for found in too_long(path)] == [f"{path}:1: the file has 401 lines, at most 400"]


def test_exempt_folders_are_left_out(tmp_path: Path) -> None:
    for folder in (*EXEMPT, "aiox/wire"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "a.py").write_text("\n")
    assert list(files_under(tmp_path, ("aiox", "registry", "web/src"))) == [tmp_path / "aiox/wire/a.py"]


def test_summary(tmp_path: Path) -> None:
    (tmp_path / "aiox").mkdir()
    for lines in (0, 10, 20, 30):
        (tmp_path / "aiox" / f"f{lines}.py").write_text("#\n" * lines)
    assert summary(tmp_path, ("aiox",)) == "3 files, median 20 lines, p90 30, longest 30 (aiox/f30.py)"
    assert summary(tmp_path, ("policy",)) == "no files"
