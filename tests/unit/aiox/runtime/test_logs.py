"""One JSON object per line, with the service's name, at the level that was set."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import logging, sys
from aiox.runtime.logs import configure_logs
log = configure_logs("gateway", sys.argv[1])
log.debug("quiet")
log.info("turn_done", turn_id="t1")
try:
    raise ValueError("broken")
except ValueError as error:
    log.error("failed", exc_info=error)
    logging.getLogger("some.library").warning('says "no"', exc_info=True)
"""


def lines(level: str) -> list[dict[str, str]]:
    """In a process of its own: logging is set up once per process."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM, level], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_lines_are_json_with_service_level_and_time() -> None:
    done = lines("INFO")[0]
    assert (done["event"], done["service"], done["level"], done["turn_id"]) == ("turn_done", "gateway", "info", "t1")
    assert done["timestamp"].endswith("Z")


def test_an_exception_stands_on_the_same_line() -> None:
    failed = lines("INFO")[1]
    assert "ValueError: broken" in failed["exception"]


def test_libraries_speak_json_too() -> None:
    said = lines("INFO")[-1]
    assert "ValueError: broken" in said.pop("exception")
    assert said == {"service": "gateway", "logger": "some.library", "level": "warning", "event": 'says "no"'}


def test_the_level_decides_what_is_said() -> None:
    assert "quiet" in [line["event"] for line in lines("DEBUG")]
    assert [line["event"] for line in lines("ERROR")] == ["failed", 'says "no"']
