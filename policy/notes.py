"""Signed notes and checkpoints as the C2SP has them (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), with Ed25519.

A note is a text, an empty line, and a line per signature: `— <key name> <base64 of key id and signature>`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519: Final = b"\x01"
MOST_BYTES: Final = 65_536
"""A note longer than this is not read."""
KEY_NAME: Final = re.compile(r"[^\s+]+")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class BadNote(Exception):
    """Not a note, or not signed by a key that is trusted. The message says which."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A name and an Ed25519 public key of 32 bytes."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not KEY_NAME.fullmatch(self.name) or len(self.public) != 32:
            raise BadNote("a key has a name without spaces and plus signs, and 32 bytes")

    @property
    def id(self) -> bytes:
        """The first four bytes of SHA-256 over name, newline, type and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """`<name>+<id in hex>+<base64>`: how a key is published."""
        return f"{self.name}+{self.id.hex()}+{b64(ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Reads what `str` writes. Raises BadNote."""
        name, _, rest = text.strip().partition("+")
        key_id, _, key = rest.partition("+")
        raw = unb64(key)
        if raw[:1] != ED25519:
            raise BadNote("this is no Ed25519 key of a signed note")
        found = cls(name, raw[1:])
        if found.id.hex() != key_id:
            raise BadNote("the id of this key does not fit its name and content")
        return found


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A name and an Ed25519 private key, as its seed of 32 bytes."""

    name: str
    seed: bytes

    def __repr__(self) -> str:
        return f"SignerKey({self.name!r})"

    @property
    def verifier(self) -> VerifierKey:
        """The key to publish."""
        return VerifierKey(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The signature line of a text."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return f"— {self.name} {b64(self.verifier.id + key.sign(text.encode()))}\n"


def sign(text: str, signers: Sequence[SignerKey]) -> str:
    """The note. Raises BadNote for a text that no note can hold, or without a signer."""
    if not text.endswith("\n") or _CONTROL.search(text) or not signers:
        raise BadNote("a note's text ends in a newline, has no control characters, and is signed by somebody")
    return text + "\n" + "".join(signer.sign(text) for signer in signers)


def open_note(note: str, trusted: Sequence[VerifierKey]) -> tuple[str, tuple[VerifierKey, ...]]:
    """The text, and which of the trusted keys signed it: one at least.

    Signatures of other keys are ignored, and one bad signature of a trusted key refuses the whole. Raises BadNote.
    """
    text, lines = split_note(note)
    found: list[VerifierKey] = []
    for line in lines:
        name, key_id, signature = signature_in(line)
        key = next((one for one in trusted if one.name == name and one.id == key_id), None)
        if key is None or key in found:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
        except InvalidSignature:
            raise BadNote(f"the signature of {name} is not of this text") from None
        found.append(key)
    if not found:
        raise BadNote("it is signed by no key that is trusted here")
    return text, tuple(found)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: which log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text of its note."""
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Reads a note's text; extension lines are refused, as nobody can check them. Raises BadNote."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0] or not _DECIMAL.fullmatch(lines[1]):
            raise BadNote("this is no checkpoint: origin, size and root are its three lines")
        root = unb64(lines[2])
        if len(root) != 32:
            raise BadNote("the root of a checkpoint has 32 bytes")
        return cls(lines[0], int(lines[1]), root)


def open_checkpoint(note: str, trusted: Sequence[VerifierKey], origin: str) -> Checkpoint:
    """The checkpoint of a note that a trusted key signed for this log. Raises BadNote."""
    text, _ = open_note(note, trusted)
    found = Checkpoint.parse(text)
    if found.origin != origin:
        raise BadNote(f"it is of another log: {found.origin}")
    return found


def split_note(note: str) -> tuple[str, list[str]]:
    """The text, and the lines of signatures. Raises BadNote."""
    head, blank, tail = note.rpartition("\n\n")
    if len(note) > MOST_BYTES or not blank or not tail.endswith("\n") or _CONTROL.search(note):
        raise BadNote("this is no signed note")
    return head + "\n", tail[:-1].split("\n")


def signature_in(line: str) -> tuple[str, bytes, bytes]:
    """Name, key id and signature of one line. Raises BadNote."""
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = unb64(encoded)
    if dash != "—" or not KEY_NAME.fullmatch(name) or len(raw) < 5:
        raise BadNote("a signature line of this note is malformed")
    return name, raw[:4], raw[4:]


def b64(raw: bytes) -> str:
    """Base64 as notes have it."""
    return base64.b64encode(raw).decode()


def unb64(text: str) -> bytes:
    """The bytes of base64 in its one spelling. Raises BadNote."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("it holds something that is not base64") from None
    if b64(raw) != text:  # one spelling only: padding bits are not free
        raise BadNote("it holds something that is not base64")
    return raw
