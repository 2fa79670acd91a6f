"""The sandbox at work: what goes in and comes out, its limits, and that nothing of a run is left."""

from __future__ import annotations

import asyncio
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.calls import INTERPRETER, call
from ai_worker.sandbox.port import MIB, WORK, Finished, Job, Limits, SandboxUnavailable, Why
from aiox.runtime.clock import SystemClock


@pytest.fixture
def sandbox() -> Bubblewrap:
    return Bubblewrap(SystemClock())


def script(text: str, **given: Any) -> Job:
    return Job((*INTERPRETER, "-c", text), **given)


async def said(sandbox: Bubblewrap, text: str, **given: Any) -> str:
    finished = await sandbox.run(script(text, **given))
    assert finished.ok, finished
    return finished.stdout.decode().strip()


async def test_there_is_a_sandbox_here(sandbox: Bubblewrap) -> None:
    assert await sandbox.trouble() == ""


async def test_what_is_given_is_there_and_what_is_written_comes_back(sandbox: Bubblewrap) -> None:
    text = (
        "import os, sys; print(sys.stdin.read(), open('a.txt').read(), os.getcwd(), sys.argv[1:], os.environ['MARK']);"
        "os.write(int(os.environ['RESULT_FD']), b'made'); print('bad', file=sys.stderr); sys.exit(3)"
    )
    job = Job((*INTERPRETER, "-c", text, "x"), b"in", {"a.txt": b"file"}, environment={"MARK": "m"})
    finished = await sandbox.run(job)
    assert finished.stdout.decode() == f"in file {WORK} ['x'] m\n"
    assert (finished.why, finished.status, finished.result) == (Why.EXITED, 3, b"made")
    assert finished.stderr == b"bad\n"
    assert not finished.ok


async def test_a_function_of_ours_with_a_package_runs_inside(sandbox: Bubblewrap, tmp_path: Path) -> None:
    module = tmp_path / "shout.py"
    module.write_text("import defusedxml\n\ndef shout(b):\n    print('noise')\n    return b.upper()\n")
    finished = await sandbox.run(call(module, "shout", b"hello", packages=("defusedxml",)))
    assert finished.ok, finished
    assert finished.result == b"HELLO"
    missing = await sandbox.run(call(module, "shout", b"hello"))
    assert not missing.ok
    assert b"ModuleNotFoundError" in missing.stderr
    with pytest.raises(ValueError, match="no package"):
        call(module, "shout", b"", packages=("no_such_package_at_all",))


@pytest.mark.parametrize(
    ("text", "limits", "why"),
    [
        ("import time; time.sleep(600)", Limits(wall_s=0.5), Why.TIME),
        ("while True: pass", Limits(cpu_s=1, wall_s=60), Why.TIME),
        ("while True: print('x' * 4096)", Limits(stdout_bytes=MIB), Why.OUTPUT),
        ("import sys\nwhile True: sys.stderr.write('x' * 4096)", Limits(), Why.OUTPUT),
        ("import os\nwhile True: os.write(int(os.environ['RESULT_FD']), b'x' * 4096)", Limits(), Why.OUTPUT),
        (
            "import os, time\nos.fork(); os.fork(); held = b'x' * (100 << 20); time.sleep(600)",
            Limits(memory_bytes=256 * MIB, wall_s=60),
            Why.MEMORY,
        ),
    ],
)  # fmt: skip
async def test_limits_end_a_run(sandbox: Bubblewrap, text: str, limits: Limits, why: Why) -> None:
    assert (await sandbox.run(script(text, limits=limits))).why is why


async def test_what_was_written_before_the_limit_is_there(sandbox: Bubblewrap) -> None:
    job = script("while True: print('x' * 99)", limits=Limits(stdout_bytes=1000))
    finished = await sandbox.run(job)
    assert (len(finished.stdout), finished.why, finished.status) == (1000, Why.OUTPUT, -1)


async def test_runs_share_nothing(sandbox: Bubblewrap) -> None:
    assert await said(sandbox, "open('/tmp/left', 'w').write('secret'); print('done')") == "done"
    assert await said(sandbox, "import os; print(os.path.exists('/tmp/left'), os.listdir('.'))") == "False []"


async def test_no_more_than_its_places_run_at_a_time() -> None:
    """Each says when it ran; with one place none begins before the other has ended."""
    alone = Bubblewrap(SystemClock(), places=1)
    text = "import time; a = time.monotonic(); time.sleep(0.1); print(a, time.monotonic())"
    spans = [tuple(map(float, one.split())) for one in await asyncio.gather(*(said(alone, text) for _ in range(3)))]
    spans.sort()
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def living(marker: str) -> list[int]:
    """Processes of this machine whose command line holds the marker."""
    found = []
    for one in Path("/proc").iterdir():
        try:
            if one.name.isdigit() and marker.encode() in (one / "cmdline").read_bytes():
                found.append(int(one.name))
        except OSError:
            continue
    return found


async def test_cancelling_kills_everything_that_was_started(sandbox: Bubblewrap) -> None:
    marker = f"marker-{os.getpid()}-{os.urandom(4).hex()}"
    job = script(f"import os, time; '{marker}'; os.fork(); os.fork(); time.sleep(600)", limits=Limits(wall_s=600))
    async with asyncio.timeout(60):
        running = asyncio.ensure_future(sandbox.run(job))
        while len(living(marker)) < 5:  # bubblewrap twice, python four times
            await asyncio.sleep(0.02)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        while living(marker):
            await asyncio.sleep(0.02)


async def test_no_file_descriptor_is_left_open(sandbox: Bubblewrap) -> None:
    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async def rounds(count: int) -> list[Finished]:
        return [await sandbox.run(script("print(1)", files={"a": b"b"})) for _ in range(count)]

    await rounds(2)
    before = opened()
    await rounds(8)
    assert opened() == before


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/x", "../x", "a\0b"])
async def test_a_file_has_a_plain_name(sandbox: Bubblewrap, name: str) -> None:
    with pytest.raises(ValueError, match="plain name"):
        await sandbox.run(script("pass", files={name: b""}))


async def test_more_files_than_the_sandbox_holds_are_refused(sandbox: Bubblewrap) -> None:
    with pytest.raises(ValueError, match="more than"):
        await sandbox.run(script("pass", files={"a": bytes(101)}, limits=Limits(disk_bytes=100)))
    with pytest.raises(ValueError, match="64 files"):
        await sandbox.run(script("pass", files={str(number): b"" for number in range(65)}))


async def test_without_bubblewrap_it_refuses_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_worker.sandbox.root.shutil.which", lambda *_, **__: None)
    sandbox = Bubblewrap(SystemClock())
    assert "is not installed. Mend: sh setup/debian.sh" in await sandbox.trouble()
    with pytest.raises(SandboxUnavailable, match="not installed"):
        await sandbox.run(script("pass"))


async def test_where_the_kernel_forbids_it_it_refuses_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_worker.sandbox.command._NAMESPACES", ("nothing-known",))
    assert "bubblewrap cannot make a sandbox here" in await Bubblewrap(SystemClock()).trouble()
