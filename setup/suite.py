"""`make test`: runs the tests, and looks a second time at the few with real servers that failed (docs/adr/0005).

Those tests wait for real processes by real clocks: what else the machine does can make one fail. Such a one passes
when it runs again, alone; a defect fails again. Both are printed, the first failure whole. More failures than a few,
failures anywhere else and a suite that ended early stand at once. `python -m setup.suite [pytest's words]`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import pytest

MOST: Final = 3
"""So many are looked at again, no more: beyond it is no coincidence."""
WHERE: Final = ("tests/e2e/", "tests/integration/")
NOT_THE_LONG_ROUNDS: Final = ("-m", "not prove")


class Failed:
    """A plugin of pytest: which tests failed, in their order, each once."""

    def __init__(self) -> None:
        self.tests: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes the report of a test's set-up, of itself, or of what comes after it."""
        if report.failed and report.nodeid not in self.tests:
            self.tests.append(report.nodeid)


def worth_a_second_look(status: int, failed: Sequence[str]) -> bool:
    """Whether a few tests with real clocks failed, and nothing else was wrong with the suite."""
    return (
        status == pytest.ExitCode.TESTS_FAILED
        and 0 < len(failed) <= MOST
        and all(test.startswith(WHERE) for test in failed)
    )


def main(words: Sequence[str]) -> int:
    """Runs the tests that the words name, all without any; pytest's exit code."""
    failed = Failed()
    status = int(pytest.main([*NOT_THE_LONG_ROUNDS, *words], plugins=[failed]))
    if not worth_a_second_look(status, failed.tests):
        return status
    _say("Failed, and tried a second time, alone:", failed.tests)
    command = [sys.executable, "-m", "pytest", *NOT_THE_LONG_ROUNDS, *failed.tests]
    again = subprocess.run(command, check=False).returncode
    how = "again:" if again else "passed alone. The first failure stands above:"
    _say(f"Failed at first, and {how}", failed.tests)
    return again


def _say(what: str, tests: Sequence[str]) -> None:
    print("\n".join(["", what, *(f"  {test}" for test in tests), ""]), flush=True)  # noqa: T201 -- a command line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
