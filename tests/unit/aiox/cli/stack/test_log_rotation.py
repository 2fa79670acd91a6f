"""Logs that have grown are put aside while their process writes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiox.cli.stack.log_rotation import rotate
from aiox.cli.stack.processes import Process, Program

WRITER = "import time\nfor n in range(100000):\n print(f'line {n:06}', flush=True)\n time.sleep(0.0002)"


async def test_nothing_is_written_over_and_the_process_goes_on_in_the_emptied_file(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    process = await Process.start(Program("service", "Service", ("python3", "-c", WRITER)), log)
    try:
        for rotated in range(2):
            async with asyncio.timeout(60):
                while not rotate(tmp_path, most=2000):
                    await asyncio.sleep(0.005)
            assert log.stat().st_size < 2000, rotated
    finally:
        await process.stop()
    assert process.output() == log.read_text()
    written = "".join(path.read_text() for path in (tmp_path / "service.log.2", tmp_path / "service.log.1", log))
    numbers = [int(line.split()[1]) for line in written.splitlines()]
    assert numbers == sorted(numbers)
    assert numbers[0] == 0
    assert (tmp_path / "service.log.1").stat().st_mode & 0o777 == 0o600


def test_only_so_many_are_kept_and_small_ones_are_left_alone(tmp_path: Path) -> None:
    small = tmp_path / "small.log"
    small.write_text("few words")
    for number in range(6):
        (tmp_path / "big.log").write_text(f"{number}" * 100)
        assert rotate(tmp_path, most=50, kept=3) == ["big.log"]
    assert {path.name for path in tmp_path.iterdir()} == {"small.log", "big.log", *(f"big.log.{n}" for n in (1, 2, 3))}
    assert [(tmp_path / f"big.log.{n}").read_text()[0] for n in (1, 2, 3)] == ["5", "4", "3"]
