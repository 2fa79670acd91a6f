"""The hub's key ring on disk: one file with each service that opens ciphertexts, all with the same keys."""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping

from aiox.cli.stack.containers import hand_on
from aiox.cli.stack.credentials import KEYRING_READERS
from aiox.cli.stack.home import Home
from aiox.runtime.keyring import KeyRing, LiveKeyRing, parse_keys, render_keys

NAME = "keyring"


class RingFiles:
    """The files of one hub. A key stands in all of them before it is current in one."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._own = home.secrets("stack")

    def keys(self) -> Mapping[int, bytes]:
        """All keys of the ring. Raises SecretMissing, and ValueError for a damaged ring."""
        return parse_keys(self._own.read(NAME))

    def ring(self) -> KeyRing:
        """The ring, as the files are now and as they will be."""
        return LiveKeyRing.of(self._own, NAME)

    def write(self, keys: Mapping[int, bytes], current: int) -> None:
        """Gives every reader these keys; each file is replaced whole. Raises OSError.

        A key that becomes current is first made known to all readers, so that none meets what it cannot open.
        """
        before = self.ring().current
        if current != before and before in keys:
            self._write(render_keys(keys, before))
        self._write(render_keys(keys, current))

    def fresh(self) -> bytes:
        """A new key."""
        return random.token_bytes(32)

    def _write(self, text: str) -> None:
        for reader in KEYRING_READERS:
            self._home.secrets(reader).write(NAME, text)
            hand_on(self._home, reader, NAME)
