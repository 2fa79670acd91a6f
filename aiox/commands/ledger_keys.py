"""The keys that sign checkpoints: a new one joins, the old one leaves once both have signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from policy.notes import BadNote, VerifierKey, open_note
from registry import checkpoints

RULE_OVERLAP: Final = "L4 overlap"

Seeds = Mapping[int, bytes]
"""Seeds of the keys that sign now by number, the newest first."""
NewSeed = Callable[[], bytes]


async def rotate(hub: Hub, actor: Actor, seeds: Seeds, new_seed: NewSeed) -> Seeds | Refused:
    """The seeds with a new one in front. From the next checkpoint on both sign; the new key is put on record first."""
    no = await refused(hub, actor, Action.LEDGER_KEY_ROTATE, HUB_OWNER)
    if no is not None:
        return no
    known = [stored.number for stored in await checkpoints.list_keys(hub.pool)]
    number = max([*known, *seeds], default=0) + 1
    return {number: new_seed(), **seeds}


async def retire(hub: Hub, actor: Actor, seeds: Seeds) -> Seeds | Refused:
    """The newest seed alone. CONFLICT until a checkpoint carries its signature beside those of the others.

    Else a reader who knows the old key only would have nobody to vouch for the new one.
    """
    no = await refused(hub, actor, Action.LEDGER_KEY_RETIRE, HUB_OWNER)
    if no is not None:
        return no
    newest = max(seeds)
    keys = [stored.key for stored in await checkpoints.list_keys(hub.pool) if stored.number in seeds]
    end = await checkpoints.newest(hub.pool)
    if len(seeds) < 2 or end is None or not _signed_by_all(end.note, keys, len(seeds)):
        reason = (
            "Either one key signs alone already, or the new one has not signed a checkpoint beside the old one yet."
        )
        return Refused(ErrorCode.CONFLICT, reason, (RULE_OVERLAP,))
    return {newest: seeds[newest]}


def _signed_by_all(note: str, keys: list[VerifierKey], count: int) -> bool:
    try:
        return len(open_note(note, keys)[1]) == count
    except BadNote:
        return False
