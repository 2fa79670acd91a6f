"""Over a hundred ways out of the sandbox, tried as root and as a plain user: none succeeds. Without it, each does."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.architecture.house import TOP
from tests.security.ai_worker.sandbox.as_user import CANARY, attacked
from tests.security.ai_worker.sandbox.probes import MARK, PROBES, Host, script

IS_ROOT = os.geteuid() == 0
PLAIN = 1234
"""A user who has nothing on this machine."""
MACHINES_OWN = {
    "terminals", "shared_memory", "block_device", "character_device", "programs_in_the_kernel",
    "counters_of_the_kernel",
    "page_faults_in_user_space", "ring_of_calls", "kernel_messages", "keys_of_the_kernel", "numbers_of_32_bits",
    "open_a_tree", "open_a_file_system", "settings_of_the_kernel", "write_into_dev", "a_handle_of_a_file",
    "a_better_place_in_the_queue", "list_home", "packet", "raw", "program_with_the_s_bit", "user_namespace_by_clone3",
}  # fmt: skip
"""What a container or a kernel may refuse without any sandbox: then there is nothing to control."""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """What lies outside: a file, sockets and a process, that every user of the machine could reach."""
    with TemporaryDirectory(prefix="aiox-test-") as folder, socket.create_server(("127.0.0.1", 0)) as tcp:
        Path(folder).chmod(0o777)
        canary = Path(folder, "canary")
        canary.write_text("secret")
        canary.chmod(0o666)
        by_path, by_name = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        by_path.bind(f"{folder}/socket")
        Path(folder, "socket").chmod(0o777)
        by_name.bind(f"\0aiox-{os.getpid()}")
        with by_path, by_name:
            by_path.listen(64)
            by_name.listen(64)
            port = tcp.getsockname()[1]
            with subprocess.Popen(["sleep", "3600"]) as bystander:  # not this process: a control slows it down
                try:
                    yield Host(str(canary), folder, port, f"{folder}/socket", f"aiox-{os.getpid()}", bystander.pid)
                finally:
                    bystander.kill()


@pytest.fixture(scope="module")
async def as_root(host: Host) -> Mapping[str, str]:
    if not IS_ROOT:
        pytest.skip("only root is root")
    return await attacked(host)


@pytest.fixture(scope="module")
def as_plain_user(host: Host) -> Mapping[str, str]:
    module = "tests.security.ai_worker.sandbox.as_user"
    command = [*plain_user(), sys.executable, "-m", module, json.dumps(vars(host))]
    done = subprocess.run(command, cwd=TOP, capture_output=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found: Mapping[str, str] = json.loads(done.stdout)
    return found


def plain_user() -> list[str]:
    """Becomes a plain user who can read this interpreter even where it lies in root's home."""
    if not IS_ROOT:
        return []
    needed = {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), TOP}
    given: list[str] = []
    for shut in {folder for path in needed for folder in path.parents if not folder.stat().st_mode & 0o001}:
        given += ["--perms", "0755", "--tmpfs", str(shut)]
    for path in needed:
        below = [folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001]
        if below:
            given += [
                word for folder in path.parents[::-1] if below[0] in folder.parents for word in ("--dir", str(folder))
            ]
            given += ["--ro-bind", str(path), str(path)]
    who = ["setpriv", "--reuid", str(PLAIN), "--regid", str(PLAIN), "--clear-groups", "--inh-caps=-all"]
    return [
        str(shutil.which("bwrap")),
        "--dev-bind",
        "/",
        "/",
        *given,
        "--chdir",
        str(TOP),
        "--",
        *who,
        "--bounding-set=-all",
    ]


def test_there_are_enough() -> None:
    assert len(PROBES) >= 60


@pytest.mark.parametrize("name", PROBES)
def test_no_way_out_for_what_root_started(as_root: Mapping[str, str], name: str) -> None:
    assert as_root[name] == "in"


@pytest.mark.parametrize("name", PROBES)
def test_no_way_out_for_what_a_plain_user_started(as_plain_user: Mapping[str, str], name: str) -> None:
    assert as_plain_user[name] == "in"


def test_what_runs_inside_is_heard(as_plain_user: Mapping[str, str], request: pytest.FixtureRequest) -> None:
    assert [as_plain_user[name] for name in CANARY] == ["out"]
    if IS_ROOT:
        assert [request.getfixturevalue("as_root")[name] for name in CANARY] == ["out"]


@pytest.mark.control
@pytest.mark.parametrize("name", PROBES)
def test_without_the_sandbox_it_succeeds(host: Host, name: str, tmp_path: Path) -> None:
    if not IS_ROOT:
        pytest.skip("what root may do without a sandbox")
    leaked = os.open(host.file, os.O_RDONLY)
    os.set_inheritable(leaked, True)
    given: dict[str, Any] = {"env": {"CANARY": "secret", **os.environ}, "cwd": tmp_path, "timeout": 60}
    stdin = os.memfd_create("stdin")
    try:
        text = script(name, host, __file__, str(tmp_path / "long"))
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", sys.executable, "-I", "-S", "-c", text],
            stdin=stdin, capture_output=True, close_fds=False, check=False, **given,
        )  # fmt: skip
    finally:
        os.close(leaked)
        os.close(stdin)
    came_out = MARK.encode() in done.stdout.split() or MARK.encode() in done.stdout[-9:]
    if not came_out and name in MACHINES_OWN:
        pytest.skip(f"this machine refuses it anyway: {done.stderr.decode()[:100]}")
    assert came_out, done.stderr
