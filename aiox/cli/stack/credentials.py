"""First start: a random secret for every pair of parts that talk, each written only where it is needed."""

from __future__ import annotations

import secrets as random
from typing import Final

from aiox.cli.stack.home import Home, private_folder

SERVICES: Final = ("component", "gateway", "orchestrator", "ai_worker")
KEYRING_READERS: Final = ("gateway", "orchestrator", "stack")
"""Who opens ciphertexts. `stack` is the operator's shell."""
_STACK_ONLY: Final = (
    "postgres",
    "postgres_migrator",
    "postgres_keeper",
    "postgres_ejabberd",
    "nats",
    "redis",
    "erlang_cookie",
    "xmpp_api",
)


def ensure(home: Home) -> None:
    """Writes what is missing and leaves what is there."""
    private_folder(private_folder(home.root) / "secrets")
    for service in SERVICES:
        for store in ("postgres", "nats", "redis"):
            _own(home, service, store)
    for name in _STACK_ONLY:
        _own(home, "stack", name)
    _own(home, "component", "xmpp_component")
    _own(home, "component", "archive")
    _own(home, "component", "xmpp_api")
    _own(home, "gateway", "jwt")
    _own(home, "gateway", "xmpp_api")
    _first_key(home, "orchestrator", "ledger_keys")
    _shared(home, ("orchestrator", "ai_worker"), "worker_link", random.token_hex(32))
    _shared(home, ("gateway", "orchestrator"), "file_links", random.token_hex(32))
    _shared(home, KEYRING_READERS, "keyring", f"1:{random.token_hex(32)}\n")


def _own(home: Home, service: str, name: str) -> None:
    secrets = home.secrets(service)
    if not secrets.has(name):
        secrets.write(name, random.token_hex(32))


def _first_key(home: Home, service: str, name: str) -> None:
    """A ring of one key, in lines `number:hex`."""
    secrets = home.secrets(service)
    if not secrets.has(name):
        secrets.write(name, f"1:{random.token_hex(32)}\n")


def _shared(home: Home, readers: tuple[str, ...], name: str, fresh: str) -> None:
    """One value for all readers; an existing one wins over a fresh one."""
    value = next((home.secrets(reader).read(name) for reader in readers if home.secrets(reader).has(name)), fresh)
    for reader in readers:
        if not home.secrets(reader).has(name):
            home.secrets(reader).write(name, value)
