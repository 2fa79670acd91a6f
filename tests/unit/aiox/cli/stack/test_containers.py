"""What each container may read, laid out once and again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aiox.cli.stack import ca
from aiox.cli.stack.containers import READS, lay_out
from aiox.cli.stack.home import Home, prepare
from aiox.runtime.settings import Hosts, Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    settings = Settings(home=tmp_path, domain="hub.example", hosts=Hosts(xmpp="ejabberd"))
    made = prepare(settings)
    lay_out(made, settings, NOW)
    return made


def seen(home: Home, part: str) -> dict[str, bytes]:
    folder = home.root / "parts" / part
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_its_own_and_nothing_else(home: Home) -> None:
    holders = {part for part in READS if any(name.endswith("/keyring") for name in seen(home, part))}
    assert holders == {"gateway", "orchestrator"}
    assert {part for part in READS if "stack/ca.key" in seen(home, part)} == set()
    assert {part for part in READS if "stack/postgres" in seen(home, part)} == {"postgres"}
    assert {part for part in READS if "gateway/jwt" in seen(home, part)} == {"gateway"}
    assert set(seen(home, "web")) == {"xmpp/ca.crt", "xmpp/tls.crt", "xmpp/tls.key"}


def test_nobody_else_may_read_it(home: Home) -> None:
    assert {path.stat().st_mode & 0o077 for path in (home.root / "parts").rglob("*")} == {0}


def test_again_it_is_the_same_and_follows_what_changed(home: Home) -> None:
    settings = Settings(home=home.root, domain="hub.example", hosts=Hosts(xmpp="ejabberd"))
    before = {part: seen(home, part) for part in READS}
    lay_out(home, settings, NOW)
    assert {part: seen(home, part) for part in READS} == before
    home.secrets("gateway").write("keyring", "1:00\n")
    lay_out(home, settings, NOW)
    assert seen(home, "gateway")["gateway/keyring"] == b"1:00\n"


def test_the_xmpp_server_is_known_by_its_name_inside(home: Home) -> None:
    assert ca.ensure(home, "hub.example", NOW, "ejabberd") == ()
    assert "xmpp" in ca.ensure(home, "hub.example", NOW)
