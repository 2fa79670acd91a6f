"""Secrets on disk: `AIOX_HOME/secrets/<service>/<name>`, folders 0700, files 0600. A service reads only its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


class SecretMissing(Exception):
    """A secret file is not there or is readable by others. The message says which and how to mend it."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one service."""

    folder: Path

    @classmethod
    def of(cls, home: Path, service: str) -> Secrets:
        """The secrets of `service` in the hub at `home`."""
        return cls(home / "secrets" / service)

    def path(self, name: str) -> Path:
        """Where a secret lies, for libraries that want a file. Raises SecretMissing."""
        path = self.folder / name
        if not path.is_file():
            raise SecretMissing(f"{path} is missing. Mend: 'make up' writes it, or restore it from a backup.")
        if path.stat().st_mode & 0o077:
            raise SecretMissing(f"{path} is readable by others. Mend: chmod 600 {path}")
        return path

    def read(self, name: str) -> str:
        """A secret as text. Raises SecretMissing."""
        return self.path(name).read_text().strip()

    def read_bytes(self, name: str) -> bytes:
        """A secret as bytes. Raises SecretMissing."""
        return self.path(name).read_bytes()

    def stamp(self, name: str) -> tuple[int, int, int]:
        """Changes whenever the secret is written: for those who keep what they read. Raises SecretMissing."""
        state = self.path(name).stat()
        return state.st_mtime_ns, state.st_ino, state.st_size

    def write(self, name: str, value: str | bytes) -> None:
        """Stores a secret, whole or not at all."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.folder / f".{name}.new"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(value.encode() if isinstance(value, str) else value)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / name)

    def has(self, name: str) -> bool:
        """Whether the secret exists."""
        return (self.folder / name).is_file()
