"""Argon2id, off the event loop, and only a few at a time: each takes 64 MiB."""

from __future__ import annotations

import asyncio
from typing import Annotated

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from pydantic import AfterValidator, Field, SecretStr

MIN_LENGTH = 12
MAX_LENGTH = 256


def _typed(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().isprintable():
        raise ValueError("A password has no control characters")  # XMPP clients could not send it (RFC 8265 section 4)
    return value


NewPassword = Annotated[SecretStr, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH), AfterValidator(_typed)]
"""A password as people choose one: 12 to 256 characters that can be typed."""


class Passwords:
    """Hashes and checks passwords. At most `parallel` at once in this process; the others wait their turn."""

    def __init__(self, hasher: PasswordHasher | None = None, parallel: int = 2) -> None:
        self._hasher = hasher or PasswordHasher()
        self._room = asyncio.Semaphore(parallel)
        self._nobody = self._hasher.hash("no account has this password")

    async def hash(self, password: str) -> str:
        """The Argon2id string to store."""
        async with self._room:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password fits. With nothing stored the same work is done and the answer is no.

        Raises argon2.exceptions.InvalidHashError for a stored text that is no Argon2 string.
        """
        async with self._room:
            fits = await asyncio.to_thread(self._verify, stored or self._nobody, password)
        return fits and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except VerifyMismatchError:
            return False
