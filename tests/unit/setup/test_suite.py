"""ADR 5: a few failed tests with real clocks are tried again, alone, nothing else is, and what fails twice failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from setup.suite import MOST, worth_a_second_look

ROOT = Path(__file__).parents[3]
FAILED = int(pytest.ExitCode.TESTS_FAILED)
ONCE = """
def test_this(request):
    ran = request.config.rootpath / "ran"
    first = not ran.exists()
    ran.touch()
    assert not first
"""
ALWAYS = "def test_this():\n    assert False\n"


def _run(tree: Path, **files: str) -> subprocess.CompletedProcess[str]:
    """The suite of a project with these tests, by their folder."""
    (tree / "pytest.ini").write_text("[pytest]\nmarkers = prove\n")
    for folder, text in files.items():
        file = tree / "tests" / folder / "test_it.py"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    command = [sys.executable, "-m", "setup.suite", "--rootdir", str(tree), "-c", str(tree / "pytest.ini"), "-n", "2"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [*command, "tests"], cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_one_that_passes_alone_has_passed_and_is_named(tmp_path: Path) -> None:
    ran = _run(tmp_path, e2e=ONCE)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Failed at first, and passed alone" in ran.stdout
    assert ran.stdout.count("assert not first") == 1  # the first failure stays


def test_one_that_fails_again_has_failed(tmp_path: Path) -> None:
    ran = _run(tmp_path, e2e=ALWAYS)
    assert ran.returncode == FAILED
    assert "Failed at first, and again" in ran.stdout


def test_another_test_than_one_with_real_clocks_is_not_tried_again(tmp_path: Path) -> None:
    ran = _run(tmp_path, unit=ONCE)
    assert ran.returncode == FAILED
    assert "a second time" not in ran.stdout


@pytest.mark.parametrize(
    ("status", "failed", "worth"),
    [
        (FAILED, ["tests/e2e/test_a.py::test_b"] * MOST, True),
        (FAILED, ["tests/e2e/test_a.py::test_b"] * (MOST + 1), False),
        (FAILED, ["tests/e2e/test_a.py::test_b", "tests/unit/test_a.py::test_b"], False),
        (FAILED, [], False),
        (int(pytest.ExitCode.INTERRUPTED), ["tests/e2e/test_a.py::test_b"], False),
        (int(pytest.ExitCode.INTERNAL_ERROR), ["tests/e2e/test_a.py::test_b"], False),
        (0, [], False),
    ],
)
def test_what_is_worth_a_second_look(status: int, failed: list[str], worth: bool) -> None:
    assert worth_a_second_look(status, failed) is worth
