"""Hubs that know each other: our document for those who may see, and theirs, pinned at introduction (SPEC 10).

A peer that shows a document of other keys is frozen: nothing of it goes on until an admin has looked.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import uuid4
from xml.etree.ElementTree import Element

from aiox.kernel.acd import Descriptor
from aiox.kernel.canonical import Json, canonical
from aiox.kernel.ids import HUB_OWNER, AgentId, agent_id_of
from aiox.kernel.jid import BareJid, local_part
from aiox.runtime.clock import Clock
from aiox.runtime.keyring import parse_keys
from aiox.runtime.logs import Log, describe
from component.features.hubs import answer_document, ask_document, condition_of, document_in
from component.requests import NotAnswered, Requests
from policy.cosignatures import WitnessSigner
from policy.hub_documents import MOST_AGENTS, Doubt, HubDocument, ListedAgent, believe, signed
from policy.ledger import Record
from policy.notes import SignerKey, VerifierKey
from policy.peers import AGENTS, Peer, Standing, home_of
from registry.cards import Listing, Page
from registry.hub_documents import Pinned

LOOK_S: Final = 2.0
"""How often it is looked whose document is due."""
FRESH_S: Final = 300.0
"""How long a document is not asked for again."""
AGAIN_S: Final = 3.0
"""When a hub that did not answer is asked again; each time twice as long, FRESH_S at most."""
ANSWER_S: Final = 20.0
PINNED: Final = "peer.pinned"
FROZEN: Final = "peer.frozen"


@dataclass(frozen=True, slots=True)
class HubKeys:
    """The keys of this hub, by number, the newest first: all of them sign, so that a reader of the old one has time."""

    domain: str
    seeds: Mapping[int, bytes]

    @classmethod
    def read(cls, domain: str, secret: str) -> HubKeys:
        """From lines `number:seed in hex`. Raises ValueError."""
        return cls(domain, dict(sorted(parse_keys(secret).items(), reverse=True)))

    @property
    def signers(self) -> list[SignerKey]:
        """Of documents."""
        return [SignerKey(f"{self.domain}/hub", seed) for seed in self.seeds.values()]

    @property
    def witnesses(self) -> list[WitnessSigner]:
        """Of other hubs' checkpoints."""
        return [WitnessSigner(f"{self.domain}/witness", seed) for seed in self.seeds.values()]


@dataclass(frozen=True, slots=True)
class Known:
    """The registry, as far as other hubs are concerned. Each raises what the store raises."""

    peers: Callable[[], Awaitable[Mapping[str, Peer]]]
    pinned: Callable[[str], Awaitable[Pinned | None]]
    put: Callable[[HubDocument, str, datetime], Awaitable[bool]]
    freeze: Callable[[str, datetime], Awaitable[bool]]
    ledger_keys: Callable[[], Awaitable[Sequence[VerifierKey]]]
    visible: Callable[[BareJid, str, Page], Awaitable[Listing]]
    descriptor: Callable[[AgentId, BareJid], Awaitable[Descriptor | None]]
    append: Callable[[Sequence[Record]], Awaitable[None]]


def hubs_of(peers: Mapping[str, Peer]) -> list[str]:
    """The domains that may see, and so are asked what they are: people's own entries are none."""
    named = (one for one in peers.values() if one.standing is Standing.ALLOWED and one.see and "@" not in one.name)
    return sorted({one.name.removeprefix(AGENTS) for one in named})


class Hubs:
    """Start `follow` as a task, once. `keys` reads the hub's keys as they are now."""

    def __init__(
        self, domain: str, keys: Callable[[], HubKeys], known: Known, requests: Requests, clock: Clock, log: Log
    ) -> None:
        self._domain = domain
        self._keys = keys
        self._known = known
        self._requests = requests
        self._clock = clock
        self._log = log
        self._due: dict[str, float] = {}
        self._waits: dict[str, float] = {}

    async def answer(self, query: Element) -> Element:
        """Our document for who asks, with the agents that are open to its domain. Raises what the store raises."""
        reader = BareJid(f"hub@{home_of(query.get('from', ''))}")
        return answer_document(query, await self.document(reader))

    async def document(self, reader: BareJid) -> str:
        """As a signed note. Raises SecretMissing, ValueError for bad keys, and what the store raises."""
        keys = self._keys()
        document = HubDocument(
            domain=self._domain,
            number=_milliseconds(self._clock.now()),
            keys=tuple(signer.verifier for signer in keys.signers),
            witnesses=tuple(signer.verifier for signer in keys.witnesses),
            ledger=tuple(await self._known.ledger_keys()),
            agents=tuple(await self._agents(reader)),
        )
        return signed(document, keys.signers)

    async def _agents(self, reader: BareJid) -> list[ListedAgent]:
        found: list[ListedAgent] = []
        for entry in (await self._known.visible(reader, "", Page(MOST_AGENTS))).entries:
            descriptor = await self._known.descriptor(agent_id_of(local_part(entry.jid)), reader)
            if descriptor is not None:
                digest = hashlib.sha256(canonical(descriptor.model_dump(mode="json"))).hexdigest()
                found.append(ListedAgent(entry.jid, descriptor.version, descriptor.policy_hash, digest))
        return found

    async def follow(self) -> None:
        """Asks the hubs that we know for their documents, at introduction and then every few minutes. For ever."""
        while True:
            try:
                await self.look()
            except Exception as failed:  # noqa: BLE001 -- the store may be away; it is looked again
                self._log.warning("hubs_not_followed", error=describe(failed))
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """One round over those whose document is due. Raises what the store raises."""
        hubs = hubs_of(await self._known.peers())
        self._due = {hub: self._due.get(hub, 0.0) for hub in hubs}
        self._waits = {hub: wait for hub, wait in self._waits.items() if hub in self._due}
        now = self._clock.monotonic()
        due = [hub for hub, at in self._due.items() if at <= now]
        await asyncio.gather(*(self._ask(hub) for hub in due))

    async def _ask(self, hub: str) -> None:
        try:
            reply = await self._requests.ask(partial(_query, hub), ANSWER_S)
        except NotAnswered as silent:
            self._later(hub, str(silent))
            return
        note = document_in(reply)
        if reply.get("type") == "error" or not note:
            self._later(hub, condition_of(reply))
            return
        await self.heard(hub, note)
        self._waits.pop(hub, None)
        self._due[hub] = self._clock.monotonic() + FRESH_S

    def _later(self, hub: str, why: str) -> None:
        """A server that is no hub has no document, and is asked seldom."""
        wait = self._waits.get(hub, AGAIN_S)
        self._log.info("hub_document_not_had", hub=hub, reason=why, retry_s=wait)
        self._due[hub] = self._clock.monotonic() + wait
        self._waits[hub] = min(2 * wait, FRESH_S)

    async def heard(self, hub: str, note: str) -> None:
        """Believes a document, or does not: one of other keys freezes its hub. Raises what the store raises."""
        pinned, now = await self._known.pinned(hub), self._clock.now()
        found = believe(note, hub, pinned.document if pinned else None, _milliseconds(now))
        if isinstance(found, HubDocument):
            if await self._known.put(found, note, now) and pinned is None:
                await self._record(PINNED, hub, "info", [str(key) for key in found.keys])
            return
        self._log.warning("hub_document_refused", hub=hub, reason=str(found))
        if found is Doubt.OTHER_KEYS and await self._known.freeze(hub, now):
            await self._record(FROZEN, hub, "error", [])

    async def _record(self, event: str, hub: str, severity: str, keys: list[str]) -> None:
        details: dict[str, Json] = {"peer": hub, "keys": list(keys)}
        now = self._clock.now()
        await self._known.append([Record(uuid4(), HUB_OWNER, event, severity, details, now, "component")])


def _milliseconds(at: datetime) -> int:
    """Since 1970."""
    return round(at.timestamp() * 1000)


def _query(hub: str, sender: str, query_id: str) -> Element:
    return ask_document(sender, f"{AGENTS}{hub}", query_id)
