"""Proves one record, or that an older checkpoint is the beginning of a newer one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.ledger_scope import Scope, entered, reads_all
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Refused
from policy.tlog_proof import write_proof
from registry import checkpoints, ledger_export
from registry.checkpoints import StoredCheckpoint
from registry.ledger_tree import LedgerTree, NotInTheTree

ACTION: Final = Action.LEDGER_PROVE
NOT_HERE: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ("L2 not-in-the-tree",))


class WhichRecord(Fields):
    """A record by its number."""

    seq: int = Field(ge=1, lt=1 << 63)


class WhichCheckpoint(Fields):
    """A checkpoint by its size."""

    old: int = Field(ge=1, lt=1 << 63)


@dataclass(frozen=True, slots=True)
class Consistency:
    """The newest checkpoint, and the proof (RFC 6962 2.1.2) that the tree of `old` records is its beginning."""

    old: int
    newest: StoredCheckpoint
    proof: Sequence[bytes]


async def prove_record(hub: Hub, actor: Actor, fields: WhichRecord) -> str | Refused:
    """The text of c2sp.org/tlog-proof. NOT_FOUND alike for foreign, unknown, sealed and unsigned records."""
    owner = await entered(hub, actor, ACTION, Scope.HUB if reads_all(actor) else Scope.OWN)
    if isinstance(owner, Refused):
        return owner
    try:
        record, path, end = await ledger_export.prove(hub.pool, owner, fields.seq)
    except NotInTheTree:
        return NOT_HERE
    return write_proof(fields.seq, record, path, end.note)


async def prove_consistency(hub: Hub, actor: Actor, fields: WhichCheckpoint) -> Consistency | Refused:
    """From an older size to the newest checkpoint. NOT_FOUND when there is none of at least this size."""
    no = await refused(hub, actor, Action.LEDGER_CONSISTENCY, actor.owner)
    if no is not None:
        return no
    end = await checkpoints.newest(hub.pool)
    if end is None:
        return NOT_HERE
    try:
        return Consistency(fields.old, end, await LedgerTree(hub.pool, end.size).consistency(fields.old))
    except NotInTheTree:
        return NOT_HERE
