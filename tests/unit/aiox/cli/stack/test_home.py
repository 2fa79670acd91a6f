from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from aiox.cli.stack.home import check_space, prepare, render_settings
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.settings import Model, Settings, Telemetry, load_settings


def settings(folder: Path) -> Settings:
    return Settings(home=folder / "hub", telemetry=Telemetry(sample_rate=0.5))


def test_folders_are_private(tmp_path: Path) -> None:
    home = prepare(settings(tmp_path))
    for folder in (home.root, home.logs, home.traces, home.root / "secrets", home.part("postgres")):
        assert folder.stat().st_mode & 0o777 == 0o700, folder


def test_files_are_private(tmp_path: Path) -> None:
    home = prepare(settings(tmp_path))
    assert home.settings_file.stat().st_mode & 0o777 == 0o600


def test_settings_are_written_once(tmp_path: Path) -> None:
    home = prepare(settings(tmp_path))
    home.settings_file.write_text('domain = "mine.example"\n')
    prepare(settings(tmp_path))
    assert home.settings_file.read_text() == 'domain = "mine.example"\n'


def test_what_is_written_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = settings(tmp_path)
    monkeypatch.setenv("AIOX_HOME", str(prepare(wanted).root))
    assert load_settings().telemetry.sample_rate == 0.5
    assert load_settings().ports == wanted.ports


def test_a_key_is_never_written() -> None:
    text = render_settings(Settings(model=Model(provider="openai", name="gpt", api_key="sk-secret")))
    assert "sk-secret" not in text
    assert tomllib.loads(text)["model"] == {"provider": "openai", "name": "gpt"}


def test_too_little_space_says_how_much(tmp_path: Path) -> None:
    with pytest.raises(CannotGoOn, match=r"MiB are free under .*Mend: free some space"):
        check_space(tmp_path, needed_mib=1 << 40)


def test_another_users_home_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    with pytest.raises(CannotGoOn, match="belongs to another user"):
        prepare(settings(tmp_path))
