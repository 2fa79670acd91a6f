"""The size gate: no file over 400 lines, no function over 60. Run as `python -m setup.sizes [folder]`."""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_FILE_LINES: Final = 400
MAX_FUNCTION_LINES: Final = 60
SOURCES: Final = ("aiox", "policy", "registry", "component", "gateway", "orchestrator", "ai_worker", "setup", "web/src")
BESIDE: Final = ("tests", "bench")
SUFFIXES: Final = frozenset({".py", ".sh", ".ts", ".tsx"})
EXEMPT: Final = {
    "aiox/wire/v1": "generated from proto/",
    "registry/migrations/versions": "a revision never changes again, whatever its length",
    "web/src/backend/generated": "generated from the API",
}
"""Folders that the gate does not look at, each with its reason."""


@dataclass(frozen=True, slots=True)
class TooLong:
    """A file or function over its limit. `lines` is its length, `line` where it starts."""

    path: Path
    line: int
    name: str
    lines: int
    limit: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name} has {self.lines} lines, at most {self.limit}"


def files_under(top: Path, roots: tuple[str, ...]) -> Iterator[Path]:
    """Every file the gate counts, in a fixed order."""
    for root in roots:
        for path in sorted((top / root).rglob("*")):
            place = path.relative_to(top).as_posix()
            if path.suffix in SUFFIXES and path.is_file() and not any(place.startswith(f"{f}/") for f in EXEMPT):
                yield path


def length(path: Path) -> int:
    """Lines of a file."""
    return len(path.read_text().splitlines())


def too_long(path: Path) -> Iterator[TooLong]:
    """What in this file is over its limit. Raises SyntaxError for Python that does not parse."""
    text = path.read_text()
    lines = len(text.splitlines())
    if lines > MAX_FILE_LINES:
        yield TooLong(path, 1, "the file", lines, MAX_FILE_LINES)
    if path.suffix != ".py":
        return
    for node in ast.walk(ast.parse(text, str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            span = (node.end_lineno or node.lineno) - node.lineno + 1
            if span > MAX_FUNCTION_LINES:
                yield TooLong(path, node.lineno, node.name, span, MAX_FUNCTION_LINES)


def summary(top: Path, roots: tuple[str, ...]) -> str:
    """Median, 90th percentile and longest of the files under `roots`, empty files left out."""
    sizes = sorted((lines, path) for path in files_under(top, roots) if (lines := length(path)))
    if not sizes:
        return "no files"
    numbers = [lines for lines, _ in sizes]
    ninetieth = numbers[min(len(numbers) - 1, int(0.9 * len(numbers)))]
    longest, where = sizes[-1]
    return (
        f"{len(numbers)} files, median {statistics.median(numbers):.0f} lines, p90 {ninetieth}, "
        f"longest {longest} ({where.relative_to(top)})"
    )


def main() -> int:
    """Prints figures, then what is too long; 1 when anything is."""
    top = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    print(f"sources: {summary(top, SOURCES)}")  # noqa: T201 -- the gate's answer
    print(f"beside:  {summary(top, BESIDE)}")  # noqa: T201 -- the gate's answer
    found = [each for path in files_under(top, SOURCES + BESIDE) for each in too_long(path)]
    for each in found:
        print(each)  # noqa: T201 -- the gate's answer
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
