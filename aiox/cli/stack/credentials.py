"""First start: a random secret for every pair of parts that talk, each written only where it is needed."""

from __future__ import annotations

import secrets as random
from collections.abc import Iterator
from typing import Final

from aiox.cli.stack.home import Home, private_folder
from aiox.cli.stack.trouble import CannotGoOn

SERVICES: Final = ("component", "gateway", "orchestrator", "ai_worker")
KEYRING_READERS: Final = ("gateway", "orchestrator", "stack")
"""Who opens ciphertexts. `stack` is the operator's shell."""
_STORES: Final = ("postgres", "nats", "redis")
_OWN: Final = {
    "component": (*_STORES, "xmpp_component", "archive", "xmpp_api", "hub_keys"),
    "gateway": (*_STORES, "jwt", "xmpp_api"),
    "orchestrator": (*_STORES, "ledger_keys"),
    "ai_worker": _STORES,
    "stack": (
        *_STORES,
        "postgres_migrator",
        "postgres_keeper",
        "postgres_ejabberd",
        "postgres_replica",
        "nats_backup",
        "nats_routes",
        "redis_replica",
        "redis_sentinel",
        "erlang_cookie",
        "xmpp_api",
    ),
}
"""Secrets that one reader has alone."""
_SHARED: Final = {
    "worker_link": ("orchestrator", "ai_worker"),
    "file_links": ("gateway", "orchestrator"),
    "keyring": KEYRING_READERS,
}
"""Secrets that several readers have, by name."""
_RINGS: Final = ("keyring", "ledger_keys", "hub_keys")
"""Secrets that are lines `number:hex`."""


def ensure(home: Home) -> None:
    """Writes what is missing and leaves what is there. Raises CannotGoOn when the keys of stored data are lost."""
    private_folder(private_folder(home.root) / "secrets")
    _refuse_to_begin_anew(home)
    shared = {name: _value(home, readers, name) for name, readers in _SHARED.items()}
    for reader, name in expected():
        secrets = home.secrets(reader)
        if not secrets.has(name):
            secrets.write(name, shared.get(name) or _fresh(name))


def expected() -> Iterator[tuple[str, str]]:
    """Every secret that `ensure` writes: who reads it, and its name. Certificates are not among them (ca.py)."""
    for reader, names in _OWN.items():
        yield from ((reader, name) for name in names)
    for name, readers in _SHARED.items():
        yield from ((reader, name) for reader in readers)


def _refuse_to_begin_anew(home: Home) -> None:
    """A fresh key ring beside an old database would open nothing, and everything new would be sealed with it."""
    if (home.root / "postgres" / "data").exists() and not any(
        home.secrets(one).has("keyring") for one in KEYRING_READERS
    ):
        raise CannotGoOn(
            f"{home.root} holds a database and not the keys that open what is sealed in it."
            f" Mend: put the file keyring back into {home.root / 'secrets' / 'stack'}, or restore a backup."
        )


def _value(home: Home, readers: tuple[str, ...], name: str) -> str:
    """One value for all readers; an existing one wins over a fresh one."""
    there = (home.secrets(reader) for reader in readers)
    return next((secrets.read(name) for secrets in there if secrets.has(name)), _fresh(name))


def _fresh(name: str) -> str:
    value = random.token_hex(32)
    return f"1:{value}\n" if name in _RINGS else value
