"""What this hub and others do for each other, put together: documents, and cosignatures of ledgers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import uuid4
from xml.etree.ElementTree import Element

from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool
from aiox.runtime.secrets import Secrets
from component.features.hubs import checkpoint_in
from component.hubs import HubKeys, Hubs
from component.hubs import Known as KnownHubs
from component.requests import Requests
from component.witnessing import Known as KnownLogs
from component.witnessing import Witness, Witnessing
from policy.notes import VerifierKey
from policy.peers import AGENTS, Peer
from registry import cards, checkpoints, hub_documents, ledger, peers, witness
from registry.descriptors import find_descriptor
from registry.ledger_tree import LedgerTree

SECRET: Final = "hub_keys"  # noqa: S105 -- its name


class BetweenHubs:
    """`address` is where answers to this door come in. Start `tasks`; `takes` is shown every stanza."""

    def __init__(
        self,
        domain: str,
        secrets: Secrets,
        pool: Pool,
        send: Callable[[Element], bool],
        address: Callable[[], str],
        clock: Clock,
        log: Log,
    ) -> None:
        def keys() -> HubKeys:
            return HubKeys.read(domain, secrets.read(SECRET))  # read again each time: keys change while it runs

        requests = Requests(send, address, uuid4)
        logs = _logs(pool)
        self.takes = requests.takes
        self._hubs = Hubs(domain, keys, _hubs(pool), requests, clock, log)
        self._witness = Witness(keys, logs, clock, log)
        self._witnessing = Witnessing(logs, requests, clock, log)

    async def answer(self, query: Element) -> Element:
        """To another hub. Raises what the store raises."""
        if checkpoint_in(query) is not None:
            return await self._witness.answer(query)
        return await self._hubs.answer(query)

    def tasks(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        """By name, each to be started once."""
        return {"hubs": self._hubs.follow(), "witnesses": self._witnessing.run()}


def _hubs(pool: Pool) -> KnownHubs:
    return KnownHubs(
        peers=partial(_peers, pool),
        pinned=partial(hub_documents.find, pool),
        put=partial(hub_documents.put, pool),
        freeze=partial(_freeze, pool),
        ledger_keys=partial(_ledger_keys, pool),
        visible=partial(cards.list_visible, pool),
        descriptor=partial(find_descriptor, pool),
        append=partial(ledger.append, pool),
    )


def _logs(pool: Pool) -> KnownLogs:
    return KnownLogs(
        peers=partial(_peers, pool),
        pinned=partial(hub_documents.find, pool),
        seen=partial(witness.find, pool),
        remember=partial(witness.remember, pool),
        forked=partial(witness.forked, pool),
        newest=partial(checkpoints.newest, pool),
        largest=partial(witness.largest, pool),
        consistency=partial(_consistency, pool),
        keep=partial(witness.keep, pool),
        append=partial(ledger.append, pool),
    )


async def _peers(pool: Pool) -> Mapping[str, Peer]:
    return (await peers.snapshot(pool)).peers


async def _freeze(pool: Pool, name: str, now: datetime) -> bool:
    async with pool.acquire() as connection:
        done = [await peers.freeze(connection, one, now) for one in (name, f"{AGENTS}{name}")]
    return any(done)


async def _ledger_keys(pool: Pool) -> Sequence[VerifierKey]:
    """Those that sign now."""
    return [stored.key for stored in await checkpoints.list_keys(pool) if stored.retired_at is None]


async def _consistency(pool: Pool, old: int, size: int) -> Sequence[bytes]:
    return await LedgerTree(pool, size).consistency(old)
