"""What a person sees: help that teaches, one line when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def aiox(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aiox.cli.main", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_names_every_command() -> None:
    text = aiox("--help").stdout
    for command in ("up", "down", "reset", "chat", "run", "doctor", "migrate", "trace", "top", "workers"):
        assert f" {command} " in text


def test_a_wrong_setting_is_one_line_with_its_name(tmp_path: Path) -> None:
    done = aiox("doctor", AIOX_HOME=str(tmp_path), AIOX_PORTS__NATS="many")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "ports.nats" in done.stderr


def test_a_broken_settings_file_is_one_line_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text("domain example.org\n")
    done = aiox("--home", str(tmp_path), "doctor")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "hub.toml cannot be read" in done.stderr
    assert "Mend:" in done.stderr


def test_a_service_without_secrets_is_one_line(tmp_path: Path) -> None:
    done = aiox("--home", str(tmp_path), "run", "gateway")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Mend:" in done.stderr
    assert "Traceback" not in done.stderr


def test_down_without_a_hub_says_so(tmp_path: Path) -> None:
    done = aiox("--home", str(tmp_path), "down")
    assert (done.returncode, done.stdout) == (0, f"No hub runs at {tmp_path}.\n")


def test_reset_refuses_a_folder_that_is_no_hub(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = aiox("--home", str(tmp_path), "reset", "--yes")
    assert done.returncode == 1
    assert (tmp_path / "thesis.txt").exists()
