"""Files that are sealed piece by piece open whole, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aiox.runtime.keyring import CannotOpen, Place
from aiox.runtime.sealed_stream import FRAME, new_key, opened, sealed

KEY, PLACE = new_key(), Place(uuid4(), "documents", "file", uuid4())
HEAD, TAG = 8, 16


async def in_pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def seal(content: bytes, size: int = 1000) -> bytes:
    return b"".join([piece async for piece in sealed(KEY, PLACE, in_pieces(content, size))])


async def unseal(content: bytes, key: bytes = KEY, place: Place = PLACE, size: int = 4096) -> bytes:
    return b"".join([piece async for piece in opened(key, place, in_pieces(content, size))])


@pytest.mark.parametrize("length", [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME])
@pytest.mark.parametrize("size", [1 << 20, 4097])
async def test_it_opens_whatever_the_sizes_of_the_pieces(length: int, size: int) -> None:
    content = bytes(range(256)) * (length // 256 + 1)
    content = content[:length]
    assert await unseal(await seal(content, size), size=size) == content


async def test_nothing_of_the_text_stands_in_it() -> None:
    assert b"secret" not in await seal(b"secret" * 20_000)


async def damaged(how: str) -> bytes:
    whole = await seal(bytes(3 * FRAME))
    frame = FRAME + TAG
    match how:
        case "cut after a frame":
            return whole[: HEAD + frame]
        case "cut":
            return whole[:-1]
        case "nothing":
            return b""
        case "changed":
            return whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]
        case "frames exchanged":
            first, second = whole[HEAD : HEAD + frame], whole[HEAD + frame : HEAD + 2 * frame]
            return whole[:HEAD] + second + first + whole[HEAD + 2 * frame :]
        case "frame left out":
            return whole[:HEAD] + whole[HEAD + frame :]
        case "longer":
            return whole + bytes(frame)
        case _:
            return b"\x02" + whole[1:]


@pytest.mark.parametrize(
    "how",
    ["cut after a frame", "cut", "nothing", "changed", "frames exchanged", "frame left out", "longer", "other version"],
)
async def test_what_was_damaged_does_not_open(how: str) -> None:
    with pytest.raises(CannotOpen):
        await unseal(await damaged(how))


@pytest.mark.control
async def test_frames_alone_would_open_cut_off() -> None:
    """What the last mark is for: without it a file that was cut at a frame is a file."""
    whole = await seal(bytes(3 * FRAME))
    nonce = whole[1:HEAD] + bytes(5)
    first = whole[HEAD : HEAD + FRAME + TAG]
    assert AESGCM(KEY).decrypt(nonce, first, PLACE.additional_data()) == bytes(FRAME)


async def test_it_opens_at_its_own_place_with_its_own_key_only() -> None:
    whole = await seal(b"text")
    with pytest.raises(CannotOpen):
        await unseal(whole, key=new_key())
    with pytest.raises(CannotOpen):
        await unseal(whole, place=Place(uuid4(), "documents", "file", PLACE.record))
