"""The ring's files: the same keys with every reader, and known to all before one uses them."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from aiox.cli.key_files import NAME, RingFiles
from aiox.cli.stack import credentials
from aiox.cli.stack.home import Home
from aiox.runtime.keyring import KeyRing, LiveKeyRing, Place, parse_keys
from aiox.runtime.secrets import Secrets

PLACE = Place(uuid4(), "tenant_keys", "wrapped", uuid4())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    credentials.ensure(made)
    return made


def rings(home: Home) -> list[str]:
    return [home.secrets(reader).read(NAME) for reader in credentials.KEYRING_READERS]


def test_every_reader_gets_the_same_ring(home: Home) -> None:
    files = RingFiles(home)
    keys = {**files.keys(), 2: files.fresh()}
    files.write(keys, 2)
    assert len(set(rings(home))) == 1
    assert files.ring().current == 2
    assert parse_keys(rings(home)[0]) == keys


def test_files_stay_private(home: Home) -> None:
    files = RingFiles(home)
    files.write({**files.keys(), 2: files.fresh()}, 2)
    for reader in credentials.KEYRING_READERS:
        assert home.secrets(reader).path(NAME).stat().st_mode & 0o077 == 0


def test_a_key_is_known_to_all_before_it_is_current_with_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    files = RingFiles(home)
    written = Secrets.write
    seen: list[bool] = []

    def watched(secrets: Secrets, name: str, value: str | bytes) -> None:
        written(secrets, name, value)
        now = [KeyRing.parse(text) for text in rings(home)]
        for sealing in now:
            seen.extend(opening.open(sealing.seal(b"text", PLACE), PLACE) == b"text" for opening in now)

    new = {**files.keys(), 2: files.fresh()}
    files.write(new, 1)
    monkeypatch.setattr(Secrets, "write", watched)
    files.write(new, 2)
    assert all(seen)
    assert len(seen) == 2 * 3 * 9


def test_a_service_follows_without_a_restart(home: Home) -> None:
    service = LiveKeyRing.of(home.secrets("gateway"))
    files = RingFiles(home)
    files.write({**files.keys(), 2: files.fresh()}, 2)
    assert service.current == 2
