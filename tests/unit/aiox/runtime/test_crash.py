"""Crash hooks: off by default, and where they are on the process is gone."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from aiox.runtime.crash import CrashPoint, crash_hook, no_hook
from aiox.runtime.settings import Crash

PASS = """
from aiox.runtime.crash import CrashPoint, crash_hook
from aiox.runtime.settings import Crash
hook = crash_hook(Crash(point={point!r}, passage={passage}, text={text!r}))
for text in ("one", "two poison", "three poison"):
    hook(CrashPoint.AFTER_COMMIT, text)
    print(text, flush=True)
"""


def passed(point: str, passage: int = 1, text: str = "") -> tuple[int, list[str]]:
    code = PASS.format(point=point, passage=passage, text=text)
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return child.returncode, child.stdout.splitlines()


def test_without_a_point_nothing_happens() -> None:
    assert crash_hook(Crash()) is no_hook


@pytest.mark.parametrize(
    ("passage", "text", "survived"),
    [(1, "", []), (2, "", ["one"]), (1, "poison", ["one"]), (2, "poison", ["one", "two poison"])],
)
def test_the_process_dies_at_the_passage_it_was_told(passage: int, text: str, survived: list[str]) -> None:
    assert passed("AFTER_COMMIT", passage, text) == (-signal.SIGKILL, survived)


def test_another_point_is_passed_unharmed() -> None:
    assert passed("AFTER_ACK") == (0, ["one", "two poison", "three poison"])


def test_an_unknown_point_is_an_error_at_start() -> None:
    with pytest.raises(KeyError):
        crash_hook(Crash(point="NOWHERE"))


def test_every_point_begins_with_its_service() -> None:
    assert {point.value.split(":")[0] for point in CrashPoint} == {"component", "orchestrator", "ai_worker"}
