"""Everything the hub holds about a person, as one JSON document in pieces (SPEC 5)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.recording import happened
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.canonical import Json
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime.keyring import KeyRing
from registry import erasures, personal_data, tenants
from registry.erasures import Person

FORM = "aiox-person-1"
EXPORTED = "person.exported"


class WhichPerson(Fields):
    """A person by their address: an account of this hub, or a guest."""

    jid: str = Field(pattern=r"^[^@/\s\x00]+@[^@/\s\x00]+$", max_length=512)


async def run(hub: Hub, actor: Actor, fields: WhichPerson | None = None) -> AsyncIterator[bytes] | Refused:
    """The document, piece by piece: of the actor, or, for the operator at the shell, of the person named.

    Texts of others stay out: an owner's export has no words of their guests.
    """
    jid = actor.jid if fields is None else BareJid(fields.jid)
    no = await refused(hub, actor, Action.PERSON_EXPORT, actor.owner)
    if no is not None:
        return no
    person = await erasures.find_person(hub.pool, jid)
    kind = "guest" if person.account is None else "account"
    await happened(hub, actor, EXPORTED, about=person.account or actor.owner, kind=kind)
    return _document(hub, person)


async def _document(hub: Hub, person: Person) -> AsyncIterator[bytes]:
    head: dict[str, Json] = {
        "form": FORM,
        "jid": person.jid,
        "made_at": hub.clock.now().isoformat(),
        "account": await personal_data.account(hub.pool, person.jid),
    }
    yield _line(head).removesuffix(b"}")
    async for name, rows in _sections(hub, person):
        yield b",\n" + json.dumps(name).encode() + b":["
        first = True
        async for row in rows:
            yield (b"\n" if first else b",\n") + _line(row)
            first = False
        yield b"]"
    yield b"}\n"


async def _sections(hub: Hub, person: Person) -> AsyncIterator[tuple[str, AsyncIterator[Json]]]:
    rings = _Rings(hub)
    if person.account is not None:
        ring = await rings.of(person.account)
        for table in personal_data.EXPORTED:
            yield table, personal_data.rows_of(hub.pool, ring, person.account, table)
    yield "memories", personal_data.told(hub.pool, person.account, person.jid)
    yield "turns", personal_data.turns(hub.pool, rings.of, person.jid)
    yield "set_aside", personal_data.set_aside(hub.pool, rings.of, person.jid)
    yield "shared_with_me", personal_data.granted(hub.pool, person.jid)


@dataclass(slots=True)
class _Rings:
    """Each tenant's ring, read once."""

    hub: Hub
    known: dict[OwnerId, KeyRing] = field(default_factory=dict)

    async def of(self, owner: OwnerId) -> KeyRing:
        if owner not in self.known:
            self.known[owner] = await tenants.load_ring(self.hub.pool, self.hub.keys, owner)
        return self.known[owner]


def _line(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
