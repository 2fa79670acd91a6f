"""Room, memory, files and clock, made wrong one after the other."""

from __future__ import annotations

import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aiox.cli.doctor import machine
from aiox.cli.doctor.finding import Finding
from aiox.cli.stack.home import Home


def test_memory_that_is_short_is_worth_knowing(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable: 204800 kB\n")
    assert machine.memory(tmp_path / "meminfo").note.startswith("only 200 MiB are free")
    assert machine.memory(Path("/proc/meminfo")).mend == ""


def test_a_clock_before_the_hub_was_made(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.secrets("stack").write("ca.crt", "")
    now = datetime.now(UTC)
    assert machine.clock_of(home, now, synchronised=True) == Finding("clock")
    assert "it stands before" in machine.clock_of(home, now - timedelta(days=1), synchronised=True).mend
    assert "chrony" in machine.clock_of(home, now, synchronised=False).note
    assert machine.kernel_says_synchronised() in (True, False, None)


def test_too_few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiox.cli.doctor.machine.resource.getrlimit", lambda _which: (256, 256))
    assert "Mend: ulimit -n" in machine.open_files().mend
    monkeypatch.setattr("aiox.cli.doctor.machine.resource.getrlimit", lambda _which: (resource.RLIM_INFINITY,) * 2)
    assert machine.open_files().mend == ""


def test_a_program_that_is_not_there() -> None:
    found = machine.program("no-such-program", "Redis")
    assert found.mend == "no-such-program is not installed. Mend: sh setup/debian.sh"
