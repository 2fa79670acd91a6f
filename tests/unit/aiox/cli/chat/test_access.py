from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from aiox.cli.chat.access import DEMO, Options, find_access
from aiox.cli.chat.stream import ChatTrouble

NOTHING = Options(None, None, None, None, None, None)
WRITTEN = {
    "jid": "demo@hub.test",
    "password": "secret",
    "agent_jid": "agent-1@agents.hub.test",
    "host": "127.0.0.1",
    "port": 5222,
    "ca_file": "ca.crt",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / DEMO).write_text(json.dumps(WRITTEN))
    return tmp_path


def test_demo_account_is_the_default(home: Path) -> None:
    access = find_access(home, NOTHING)
    assert (access.jid, access.password, access.agent_jid) == ("demo@hub.test", "secret", "agent-1@agents.hub.test")
    assert (access.host, access.port, access.ca_file) == ("127.0.0.1", 5222, Path("ca.crt"))


def test_options_win(home: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("mine \n")
    options = Options("bob@agents.other.test", "bob@other.test", password, "::1", 5333, Path("other.crt"))
    access = find_access(home, options)
    assert (access.jid, access.password, access.agent_jid) == ("bob@other.test", "mine ", "bob@agents.other.test")
    assert (access.host, access.port, access.ca_file) == ("::1", 5333, Path("other.crt"))


def test_short_name_of_an_agent_is_on_the_hub_of_the_account(home: Path) -> None:
    assert find_access(home, replace(NOTHING, agent="helper")).agent_jid == "helper@agents.hub.test"


def test_demo_password_is_never_given_for_another_account(home: Path) -> None:
    with pytest.raises(ChatTrouble, match=r"no password for eve@hub\.test"):
        find_access(home, replace(NOTHING, jid="eve@hub.test"))


def test_missing_demo_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ChatTrouble, match="'make up' makes one"):
        find_access(tmp_path, NOTHING)


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_damaged_demo_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / DEMO).write_text(text)
    with pytest.raises(ChatTrouble, match="writes it anew"):
        find_access(tmp_path, NOTHING)


def test_unreadable_password_file_is_said(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ChatTrouble, match="password file cannot be read"):
        find_access(home, replace(NOTHING, password_file=tmp_path / "none"))
