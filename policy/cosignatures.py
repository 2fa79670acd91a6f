"""Cosignatures (c2sp.org/tlog-cosignature, `cosignature/v1` with Ed25519): who else has seen this tree head, and when.

A cosignature is a line of a note like any other. It says: as of this time, the largest tree of this log that I have
seen, and that goes on from all that I had seen before, has this root.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from policy.notes import KEY_NAME, BadNote, b64, signature_in, split_note, unb64

COSIGNATURE: Final = b"\x04"
"""The type of key: it tells a witness from a log, also where both are one hub."""
_HEAD: Final = "cosignature/v1"
_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64
LATEST: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's name and its Ed25519 public key of 32 bytes."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not KEY_NAME.fullmatch(self.name) or len(self.public) != 32:
            raise BadNote("a witness's key has a name without spaces and plus signs, and 32 bytes")

    @property
    def id(self) -> bytes:
        """The first four bytes of SHA-256 over name, newline, type and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + COSIGNATURE + self.public).digest()[:4]

    def __str__(self) -> str:
        """`<name>+<id in hex>+<base64>`: how a key is published."""
        return f"{self.name}+{self.id.hex()}+{b64(COSIGNATURE + self.public)}"

    @classmethod
    def parse(cls, text: str) -> WitnessKey:
        """Reads what `str` writes. Raises BadNote."""
        name, _, rest = text.strip().partition("+")
        key_id, _, key = rest.partition("+")
        raw = unb64(key)
        if raw[:1] != COSIGNATURE:
            raise BadNote("this is no key of a witness (Ed25519, cosignature/v1)")
        found = cls(name, raw[1:])
        if found.id.hex() != key_id:
            raise BadNote("the id of this key does not fit its name and content")
        return found


@dataclass(frozen=True, slots=True)
class WitnessSigner:
    """A witness's name and its private key, as its seed of 32 bytes."""

    name: str
    seed: bytes

    def __repr__(self) -> str:
        return f"WitnessSigner({self.name!r})"

    @property
    def verifier(self) -> WitnessKey:
        """The key to publish."""
        return WitnessKey(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def cosign(self, text: str, seconds: int) -> str:
        """The line for a checkpoint's text, as of this second since 1970."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(message(text, seconds))
        return f"— {self.name} {b64(self.verifier.id + seconds.to_bytes(_TIME_BYTES) + signature)}\n"


@dataclass(frozen=True, slots=True)
class Cosigned:
    """Who has seen it, and when, in seconds since 1970; `line` says so in the note."""

    key: WitnessKey
    seconds: int
    line: str


def message(text: str, seconds: int) -> bytes:
    """What is signed: never the text of a note, so that a signature of one kind is none of the other."""
    return f"{_HEAD}\ntime {seconds}\n{text}".encode()


def cosigners(note: str, trusted: Sequence[WitnessKey]) -> tuple[Cosigned, ...]:
    """Which of the trusted witnesses have co-signed it, each once.

    Lines of others are ignored, and one bad line of a trusted witness refuses the whole. Raises BadNote.
    """
    text, lines = split_note(note)
    found: dict[WitnessKey, Cosigned] = {}
    for line in lines:
        name, key_id, signature = signature_in(line)
        key = next((one for one in trusted if one.name == name and one.id == key_id), None)
        if key is not None and key not in found:
            found[key] = Cosigned(key, _checked(key, text, signature), f"{line}\n")
    return tuple(found.values())


def _checked(key: WitnessKey, text: str, signature: bytes) -> int:
    if len(signature) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise BadNote(f"the cosignature of {key.name} is malformed")
    seconds = int.from_bytes(signature[:_TIME_BYTES])
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature[_TIME_BYTES:], message(text, seconds))
    except InvalidSignature:
        raise BadNote(f"the cosignature of {key.name} is not of this checkpoint") from None
    if seconds > LATEST:
        raise BadNote(f"the cosignature of {key.name} names no time")
    return seconds


def with_lines(note: str, lines: Iterable[str]) -> str:
    """The note with these signature lines behind its own."""
    return note + "".join(lines)
