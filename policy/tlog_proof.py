"""One record with its proof as a text file of its own (c2sp.org/tlog-proof): record, number, path, checkpoint."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from policy.findings import Known
from policy.ledger import Fault
from policy.merkle import leaf_hash, verify_inclusion
from policy.notes import BadNote, Checkpoint, VerifierKey, open_note
from policy.witnessed import Witnessed

HEAD: Final = "c2sp.org/tlog-proof@v1"
_FORM: Final = re.compile(
    rf"{re.escape(HEAD)}\nextra (?P<record>[A-Za-z0-9+/=]+)\nindex (?P<index>0|[1-9][0-9]{{0,18}})\n"
    r"(?P<path>(?:[A-Za-z0-9+/]{43}=\n){0,63})\n(?P<note>.+)",
    re.DOTALL,
)


class NotAProof(Exception):
    """The text cannot be read as a proof."""


@dataclass(frozen=True, slots=True)
class Proven:
    """The record is in the ledger that the checkpoint signs. `seq` is its number."""

    seq: int
    record: bytes
    checkpoint: Checkpoint
    keys: tuple[VerifierKey, ...]


def write_proof(seq: int, record: bytes, path: Sequence[bytes], note: str) -> str:
    """The text. Its `extra` line holds the record itself."""
    lines = [HEAD, f"extra {_b64(record)}", f"index {seq - 1}", *(_b64(step) for step in path), "", note]
    return "\n".join(lines)


def verify_proof(text: str, known: Known) -> Proven | Fault:
    """Checks a proof with keys that are known beforehand. Raises NotAProof."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise NotAProof("this is no proof of a record: it is not written as c2sp.org/tlog-proof says")
    index = int(found["index"])
    try:
        record = base64.b64decode(found["record"], validate=True)
        signed, keys = open_note(found["note"], known.keys)
        checkpoint = Checkpoint.parse(signed)
        (witnessed := Witnessed(known.witnesses)).show(found["note"], checkpoint.size)
    except (BadNote, binascii.Error) as bad:
        return Fault(index + 1, f"its checkpoint proves nothing: {bad}")
    if known.checkpoint is not None and known.checkpoint.size == checkpoint.size and known.checkpoint != checkpoint:
        return Fault(index + 1, "its checkpoint is another one than the known one of the same size")
    if (lacking := witnessed.lacking(checkpoint.size)) is not None:
        return Fault(index + 1, lacking[1])
    path = [base64.b64decode(step) for step in found["path"].split()]
    if not verify_inclusion(index, checkpoint.size, leaf_hash(record), path, checkpoint.root):
        return Fault(index + 1, "its proof does not lead to the root that was signed")
    return Proven(index + 1, record, checkpoint, keys)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
