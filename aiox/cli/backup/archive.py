"""The file of a backup: a tar that ends with its manifest, plain (0600) or sealed with a passphrase.

A plain one opens with any tar. A sealed one is `magic | salt (16)`, then that tar by AES-256-GCM in frames
(aiox.runtime.sealed_stream), its key made from the passphrase by scrypt.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import tarfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Final
from uuid import UUID

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import ValidationError

from aiox.cli.backup.manifest import NAME, Head, Manifest, Member
from aiox.cli.stack.trouble import CannotGoOn
from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.keyring import CannotOpen, Place
from aiox.runtime.sealed_stream import KEY_BYTES, opened, sealed

MAGIC: Final = b"AIOX sealed backup 1\n"
SALT_BYTES: Final = 16
_SCRYPT_N: Final = 1 << 17
"""128 MiB and about a third of a second for each guess."""
_PIECE: Final = 1 << 20


def write(file: Path, members: Mapping[str, Path], head: Head) -> Manifest:
    """Writes members under their names, then the manifest, into `file`, 0600 and on disk. Raises OSError."""
    written: dict[str, Member] = {}
    with create(file) as out, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in members.items():
            with path.open("rb") as source:
                written[name] = _add(tar, name, source, os.fstat(source.fileno()))
        manifest = Manifest(head=head, members=written)
        text = manifest.model_dump_json(indent=1).encode()
        info = tarfile.TarInfo(NAME)
        info.size, info.mode = len(text), 0o600
        tar.addfile(info, io.BytesIO(text))
    return manifest


def unpack(file: Path, into: Path) -> Manifest:
    """Writes every member under `into`, folders 0700 and files 0600, and checks each against the manifest.

    Raises CannotGoOn for a file that is no backup, was cut off or changed; what was written by then is left.
    """
    found: dict[str, Member] = {}
    text = b""
    try:
        with tarfile.open(file, mode="r:") as tar:
            for info in tar:
                source = tar.extractfile(info) if info.isreg() else None
                if source is None:
                    raise CannotGoOn(f"{file} holds {info.name}, which is no file. Mend: take another backup.")
                if info.name == NAME:
                    text = source.read()
                else:
                    found[info.name] = _copy(source, into / _safe(file, info.name))
    except (tarfile.TarError, EOFError) as damaged:
        raise CannotGoOn(f"{file} is no backup, or was cut off: {damaged}. Mend: take another one.") from damaged
    return _compared(file, text, found)


async def seal(plain: Path, file: Path, passphrase: str) -> None:
    """Writes `plain` as a sealed backup. Raises OSError."""
    salt = os.urandom(SALT_BYTES)
    key = await asyncio.to_thread(_key, passphrase, salt)
    with create(file) as out:
        out.write(MAGIC + salt)
        async for piece in sealed(key, _place(salt), _pieces(plain)):
            await asyncio.to_thread(out.write, piece)


async def unseal(file: Path, plain: Path, passphrase: str) -> None:
    """Writes the tar inside a sealed backup. Raises CannotGoOn for another passphrase, or a changed file."""
    salt = _salt(file)
    key = await asyncio.to_thread(_key, passphrase, salt)
    try:
        with create(plain) as out:
            async for piece in opened(key, _place(salt), _pieces(file, len(MAGIC) + SALT_BYTES)):
                await asyncio.to_thread(out.write, piece)
    except CannotOpen as cannot:
        await asyncio.to_thread(plain.unlink)
        raise CannotGoOn(
            f"{file} does not open: another passphrase, or it was changed. Mend: AIOX_BACKUP__PASSPHRASE of that time."
        ) from cannot


def is_sealed(file: Path) -> bool:
    """Whether a backup needs its passphrase. Raises CannotGoOn when it cannot be read."""
    try:
        with file.open("rb") as source:
            return source.read(len(MAGIC)) == MAGIC
    except OSError as unreadable:
        raise CannotGoOn(
            f"{file} cannot be read: {unreadable.strerror}. Mend: give the path of a backup."
        ) from unreadable


def create(file: Path) -> BinaryIO:
    """A new file that only its user may read; its bytes are on disk once it is closed. Raises OSError."""
    return _Synced(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


class _Synced(io.FileIO):
    def close(self) -> None:
        if not self.closed:
            os.fsync(self.fileno())
        super().close()


def _add(tar: tarfile.TarFile, name: str, source: BinaryIO, state: os.stat_result) -> Member:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = state.st_size, 0o600, int(state.st_mtime)
    digest = _Digest(source, state.st_size)
    tar.addfile(info, digest)
    return Member(bytes=state.st_size, sha256=digest.hex())


class _Digest(io.RawIOBase):
    """Reads so many bytes of another file, and makes their digest on the way."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source = source
        self._left = size
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        self._digest.update(piece)
        return piece

    def hex(self) -> str:
        return self._digest.hexdigest()


def _copy(source: IO[bytes], path: Path) -> Member:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with create(path) as out:
        while piece := source.read(_PIECE):
            out.write(piece)
            digest.update(piece)
            size += len(piece)
    return Member(bytes=size, sha256=digest.hexdigest())


def _safe(file: Path, name: str) -> PurePosixPath:
    """A name that stays below the folder it is put into. Raises CannotGoOn."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise CannotGoOn(f"{file} holds the name {name!r}, which leads outside. Mend: take another backup.")
    return path


def _compared(file: Path, text: bytes, found: Mapping[str, Member]) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as damaged:
        raise CannotGoOn(
            f"{file} has no manifest: it was cut off, or is no backup. Mend: take another one."
        ) from damaged
    wrong = sorted(name for name in {*manifest.members, *found} if manifest.members.get(name) != found.get(name))
    if wrong:
        raise CannotGoOn(f"{file} is damaged: {wrong[0]} is not what the manifest says. Mend: take another backup.")
    return manifest


def _salt(file: Path) -> bytes:
    with file.open("rb") as source:
        return source.read(len(MAGIC) + SALT_BYTES)[len(MAGIC) :]


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=KEY_BYTES, n=_SCRYPT_N, r=8, p=1).derive(passphrase.encode())


def _place(salt: bytes) -> Place:
    return Place(HUB_OWNER, "backup", "archive", UUID(bytes=salt))


async def _pieces(file: Path, skip: int = 0) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        source.seek(skip)
        while piece := await asyncio.to_thread(source.read, _PIECE):
            yield piece
