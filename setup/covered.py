"""`make coverage`: runs the tests and says which share of the lines they ran, in every process that they started.

Figures are those of SPEC 15 and of the tenth part: 80 % of all, 95 % where rules and rows are. Counting takes half as
much processor time again on Python 3.11, so it is no part of `make test`. `python -m setup.covered [pytest's words]`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LEAST: Final[Mapping[str, float]] = {"": 80.0, "policy/": 95.0, "registry/": 95.0, "component/stanzas": 95.0}
"""Per cent of the lines, by the beginning of the path; the empty one is all of it."""
_SHOWN: Final = 15
"""Files that are named where it is too little."""


@dataclass(frozen=True, slots=True)
class Share:
    """Of a part of the tree: `lines` that can run, and how many did."""

    part: str
    lines: int
    ran: int
    least: float

    @property
    def percent(self) -> float:
        """What ran; all of nothing."""
        return 100 * self.ran / self.lines if self.lines else 100.0

    @property
    def holds(self) -> bool:
        """Whether it is enough."""
        return self.percent >= self.least


def shares(report: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[Share]:
    """From the files of coverage's JSON report."""
    found = []
    for part, least in LEAST.items():
        files = [one["summary"] for path, one in report.items() if path.startswith(part)]
        lines, ran = (sum(one[name] for one in files) for name in ("num_statements", "covered_lines"))
        found.append(Share(part or "all", lines, ran, least))
    return found


def least_covered(report: Mapping[str, Mapping[str, Mapping[str, int]]], part: str) -> str:
    """The files of a part with most lines that did not run, a line each."""
    missing = {path: one["summary"]["num_statements"] - one["summary"]["covered_lines"] for path, one in report.items()}
    worst = sorted((path for path in missing if path.startswith(part)), key=lambda path: -missing[path])[:_SHOWN]
    return "\n".join(f"    {missing[path]:>5} lines of {path}" for path in worst if missing[path])


def table(found: list[Share]) -> str:
    """One line each."""
    return "\n".join(
        f"{one.part:<18} {one.percent:6.2f} % of {one.lines:>6} lines, at least {one.least:g}: "
        f"{'ok' if one.holds else 'TOO LITTLE'}"
        for one in found
    )


def main() -> int:
    """Runs the tests; 1 when they failed or too little was run."""
    with tempfile.TemporaryDirectory(prefix="aiox-coverage-") as folder:
        data = Path(folder)
        environment = {**os.environ, "COVERAGE_FILE": str(data / "data")}  # noqa: TID251 -- handed on to the tests
        coverage = [sys.executable, "-m", "coverage"]
        tests = ["-m", "pytest", "-m", "not prove", *sys.argv[1:]]
        status = subprocess.run([*coverage, "run", *tests], env=environment, check=False).returncode
        subprocess.run([*coverage, "combine", "-q"], env=environment, check=True)
        written = data / "report.json"
        subprocess.run([*coverage, "json", "-q", "-o", str(written)], env=environment, check=True)
        report = json.loads(written.read_text())["files"]
    found = shares(report)
    print(table(found))  # noqa: T201 -- a command line
    for one in found:
        if not one.holds:
            print(f"{one.part}\n{least_covered(report, '' if one.part == 'all' else one.part)}")  # noqa: T201 -- as above
    return 0 if status == 0 and all(one.holds for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
