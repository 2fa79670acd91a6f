"""Drift: whether the live database is what the revisions make. Compared at every start, and by `aiox migrate --check`.

What the revisions make is what they have just made in an empty database; in any other it is found by trying them out,
once per state of their code. It is kept in AIOX_HOME/schema. Services compare with that before they start.
"""

from __future__ import annotations

import json
from typing import Final

from aiox.cli.stack.home import Home, private_file
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.postgres import connect_alone, connect_database
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Service, Settings
from registry.drift import Snapshot, differences, revisions_digest, sentence, snapshot
from registry.migrate import try_out

_MIGRATOR: Final = "aiox_migrator"
_DATABASE: Final = "aiox"


async def check(home: Home, port: int) -> None:
    """Compares, as the role that owns the schema. Raises CannotGoOn with a sentence that names what differs."""
    words = await found_differences(home, port)
    if words:
        raise CannotGoOn(sentence(words))


async def remember(home: Home, port: int) -> None:
    """Keeps what is there now as what the revisions make: all of them have just run, and nobody else was there."""
    _keep(home, await _found(home, port))


async def found_differences(home: Home, port: int) -> list[str]:
    """Everything that differs, a few words each; nothing when the database is what the revisions make."""
    expected = await ensure_expected(home, port)
    return list(differences(expected, await _found(home, port)))


async def check_as(settings: Settings, secrets: Secrets, service: Service) -> None:
    """The same with a service's own role, before it starts. Raises CannotGoOn."""
    expected = _known(Home(settings.home))
    if expected is None:
        raise CannotGoOn("nobody has checked the database for this version of the hub. Mend: aiox migrate")
    connection = await connect_alone(settings, secrets, service)
    try:
        words = differences(expected, await snapshot(connection))
    finally:
        await connection.close()
    if words:
        raise CannotGoOn(sentence(words))


async def ensure_expected(home: Home, port: int) -> Snapshot:
    """What the revisions make; found out when nobody has for this state of their code. Raises CannotGoOn."""
    known = _known(home)
    return known if known is not None else await _find_out(home, port)


def _known(home: Home) -> Snapshot | None:
    path = home.root / "schema" / f"{revisions_digest()}.json"
    if not path.exists():
        return None
    known: Snapshot = json.loads(path.read_text())
    return known


async def _find_out(home: Home, port: int) -> Snapshot:
    made = await try_out("127.0.0.1", port, home.secrets("stack").read("postgres_migrator"))
    _keep(home, made)
    return made


async def _found(home: Home, port: int) -> Snapshot:
    connection = await connect_database(port, _MIGRATOR, home.secrets("stack").read("postgres_migrator"), _DATABASE)
    try:
        return await snapshot(connection)
    finally:
        await connection.close()


def _keep(home: Home, made: Snapshot) -> None:
    folder = home.part("schema")
    for old in folder.glob("*.json"):
        old.unlink()
    private_file(folder / f"{revisions_digest()}.json", json.dumps(made, indent=0, sort_keys=True))
