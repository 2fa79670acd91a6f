"""Whose the home is, who else may read it, and whether every secret is where its reader looks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aiox.cli.doctor.finding import Finding
from aiox.cli.stack.credentials import KEYRING_READERS, expected
from aiox.cli.stack.home import Home
from aiox.runtime.keyring import parse_keys
from aiox.runtime.secrets import SecretMissing

_SHOWN: Final = 3


def look_at_rights(home: Home, user: int) -> list[Finding]:
    """Of the home of a hub; nothing where none was made yet. `user` is the id of who runs the hub."""
    if not (home.root / "secrets").is_dir():
        return [Finding("home", note=f"there is none at {home.root} yet: the first 'aiox up' makes it")]
    return [owner(home, user), modes(home), complete(home), same_ring(home)]


def owner(home: Home, user: int) -> Finding:
    """The home must be the user's own."""
    its = home.root.stat().st_uid
    if its == user:
        return Finding("home is ours")
    return Finding("home", f"{home.root} belongs to user {its}. Mend: run as that user, or chown -R {user} {home.root}")


def modes(home: Home) -> Finding:
    """Nobody else may enter the home or read a secret."""
    loose = list(_loose(home))
    if not loose:
        return Finding("nobody else may read the home")
    more = f" and {len(loose) - _SHOWN} more" if len(loose) > _SHOWN else ""
    named = " ".join(map(str, loose[:_SHOWN]))
    return Finding("rights", f"others may read {named}{more}. Mend: chmod -R go= {home.root}")


def complete(home: Home) -> Finding:
    """Every secret that a service or the stack reads."""
    missing = [f"{reader}/{name}" for reader, name in expected() if not home.secrets(reader).has(name)]
    if not missing:
        return Finding("secrets")
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    return Finding(
        "secrets",
        f"{', '.join(missing[:_SHOWN])}{more} missing under {home.root / 'secrets'}."
        " Mend: restore them from a backup; 'aiox up' draws new ones, which open nothing that is sealed",
    )


def same_ring(home: Home) -> Finding:
    """All who open ciphertexts must have the same keys."""
    rings = {}
    for reader in KEYRING_READERS:
        try:
            rings[reader] = tuple(sorted(parse_keys(home.secrets(reader).read("keyring")).items()))
        except SecretMissing as missing:
            return Finding("key ring", str(missing))
        except ValueError as damaged:
            return Finding("key ring", f"that of {reader} is damaged ({damaged}). Mend: copy that of another reader")
    if len(set(rings.values())) > 1:
        return Finding(
            "key ring", "its readers have different keys. Mend: 'aiox key add' gives all of them the ring of the shell"
        )
    return Finding("key ring")


def _loose(home: Home) -> Iterator[Path]:
    """Folders and files of the home that others may enter or read; links are not followed."""
    if home.root.stat().st_mode & 0o077:
        yield home.root
    for folder, names, files in os.walk(home.root / "secrets"):
        for name in (*names, *files):
            path = Path(folder, name)
            if path.lstat().st_mode & 0o077:
                yield path
    if home.settings_file.is_file() and home.settings_file.stat().st_mode & 0o077:
        yield home.settings_file
