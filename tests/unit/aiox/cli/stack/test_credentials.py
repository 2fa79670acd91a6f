from __future__ import annotations

from pathlib import Path

import pytest

from aiox.cli.stack import credentials
from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn


def everything(home: Home) -> dict[str, str]:
    return {str(path.relative_to(home.root)): path.read_text() for path in home.root.rglob("*") if path.is_file()}


def test_written_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    credentials.ensure(home)
    first = everything(home)
    credentials.ensure(home)
    assert everything(home) == first


def test_nobody_else_may_read(tmp_path: Path) -> None:
    credentials.ensure(Home(tmp_path))
    for path in tmp_path.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_worker_and_component_have_no_key_ring(tmp_path: Path) -> None:
    home = Home(tmp_path)
    credentials.ensure(home)
    holders = {path.parent.name for path in home.root.rglob("keyring")}
    assert holders == {"gateway", "orchestrator", "stack"}


def test_both_ends_of_the_worker_link_share_one_secret(tmp_path: Path) -> None:
    home = Home(tmp_path)
    credentials.ensure(home)
    assert home.secrets("orchestrator").read("worker_link") == home.secrets("ai_worker").read("worker_link")


def test_a_lost_copy_comes_back_as_it_was(tmp_path: Path) -> None:
    home = Home(tmp_path)
    credentials.ensure(home)
    before = home.secrets("gateway").read("keyring")
    home.secrets("gateway").path("keyring").unlink()
    credentials.ensure(home)
    assert home.secrets("gateway").read("keyring") == before


def test_every_other_secret_is_different(tmp_path: Path) -> None:
    credentials.ensure(Home(tmp_path))
    values = [
        path.read_text()
        for path in tmp_path.rglob("*")
        if path.is_file() and path.name not in ("keyring", "worker_link", "file_links")
    ]
    assert len(values) == len(set(values))


def test_the_list_of_secrets_is_what_is_written(tmp_path: Path) -> None:
    credentials.ensure(Home(tmp_path))
    written = {(path.parent.name, path.name) for path in tmp_path.rglob("*") if path.is_file()}
    assert set(credentials.expected()) == written


def test_a_database_without_its_keys_gets_no_new_ones(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    with pytest.raises(CannotGoOn, match="restore a backup"):
        credentials.ensure(home)
    assert not list(tmp_path.rglob("keyring"))
