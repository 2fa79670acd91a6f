"""What a hub says of itself to another: its keys and the agents that may be seen, signed by its hub key. Pure.

The first document is taken at introduction, and its keys are pinned. From then on only a document that one of the
pinned keys has signed is believed; it may bring new keys. So a key is exchanged with overlap: the old and the new one
sign both, and then the new one alone. A document of other keys proves nothing: whoever sends it is stopped until an
admin has looked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from aiox.kernel.canonical import Json, canonical
from policy.cosignatures import WitnessKey
from policy.notes import BadNote, SignerKey, VerifierKey, open_note, sign

HEAD: Final = "urn:aiox:hub:0"
"""The first line of its text: no text of another kind begins so."""
MOST_KEYS: Final = 8
MOST_AGENTS: Final = 100
CLOCKS_DIFFER_MS: Final = 600_000
"""A hub's clock may be so far ahead of ours, in milliseconds."""
_LARGEST: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class ListedAgent:
    """An agent that whoever asked may see: its address and version, and the SHA-256 of its descriptor, in hex."""

    jid: str
    version: int
    policy_hash: str
    acd: str


@dataclass(frozen=True, slots=True)
class HubDocument:
    """`number` grows with each document: milliseconds since 1970, when it was made."""

    domain: str
    number: int
    keys: tuple[VerifierKey, ...]
    """They sign this document, all of them."""
    witnesses: tuple[WitnessKey, ...]
    """They co-sign other hubs' checkpoints."""
    ledger: tuple[VerifierKey, ...]
    """They sign the checkpoints of this hub's own ledger."""
    agents: tuple[ListedAgent, ...] = ()

    @property
    def text(self) -> str:
        """What is signed: two lines, the second canonical JSON (RFC 8785)."""
        said: dict[str, Json] = {
            "domain": self.domain,
            "number": self.number,
            "keys": [str(key) for key in self.keys],
            "witness_keys": [str(key) for key in self.witnesses],
            "ledger_keys": [str(key) for key in self.ledger],
            "agents": [
                {"jid": one.jid, "version": one.version, "policy_hash": one.policy_hash, "acd_sha256": one.acd}
                for one in self.agents
            ],
        }
        return f"{HEAD}\n{canonical(said).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> HubDocument:
        """Reads what `text` writes; members that a later version adds are left out. Raises BadNote."""
        head, _, rest = text.partition("\n")
        if head != HEAD:
            raise BadNote("this is no hub document")
        try:
            return _read(json.loads(rest))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
            raise BadNote(f"this hub document is damaged: {type(wrong).__name__}") from None


def _read(said: dict[str, Any]) -> HubDocument:
    names = ("keys", "witness_keys", "ledger_keys")
    keys, witnesses, ledger = ([str(key) for key in said[name]] for name in names)
    number, agents = said["number"], said["agents"]
    if type(number) is not int or not 0 < number < _LARGEST or not isinstance(said["domain"], str):
        raise ValueError("number")
    if not isinstance(agents, list):
        raise TypeError("agents")
    if not keys or max(len(keys), len(witnesses), len(ledger)) > MOST_KEYS or len(agents) > MOST_AGENTS:
        raise ValueError("too many")
    return HubDocument(
        said["domain"],
        number,
        tuple(map(VerifierKey.parse, keys)),
        tuple(map(WitnessKey.parse, witnesses)),
        tuple(map(VerifierKey.parse, ledger)),
        tuple(
            ListedAgent(str(one["jid"]), int(one["version"]), str(one["policy_hash"]), str(one["acd_sha256"]))
            for one in agents
        ),
    )


def signed(document: HubDocument, signers: Sequence[SignerKey]) -> str:
    """The note."""
    return sign(document.text, signers)


class Doubt(StrEnum):
    """Why a document is not believed."""

    MALFORMED = "malformed"
    """It is in no order, of another domain, or not signed by all the keys that it names."""
    OLD = "old"
    """A newer one was seen before: somebody sends again what held once."""
    AHEAD = "ahead"
    """It was made in the future: a clock is wrong. Believed, it would outlast what its hub says when that is right."""
    OTHER_KEYS = "other-keys"
    """No key that is pinned has signed it."""


def believe(note: str, domain: str, pinned: HubDocument | None, now_ms: int) -> HubDocument | Doubt:
    """The document, when it is `domain`'s and follows on the one that is pinned; at introduction, on none.

    `now_ms`: our own time, in milliseconds since 1970.
    """
    try:
        found = HubDocument.parse(note.rpartition("\n\n")[0] + "\n")
        _, signers = open_note(note, found.keys)
    except BadNote:
        return Doubt.MALFORMED
    if found.domain != domain or len(signers) != len(set(found.keys)):
        return Doubt.MALFORMED
    if pinned is not None and not set(pinned.keys) & set(found.keys):
        return Doubt.OTHER_KEYS
    if found.number > now_ms + CLOCKS_DIFFER_MS:
        return Doubt.AHEAD
    return Doubt.OLD if pinned is not None and found.number < pinned.number else found
