"""`aiox approvals ...`: what waits for a person, and their yes or no, at the shell.

Who decides signs in as themselves, with password and second factor as on the web: the operator alone is nobody
who may approve, or four eyes would be two.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog
from nats.errors import Error as NatsError

from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.users import open_desk
from aiox.commands import approvals, create_session, end_sessions
from aiox.commands.approvals import Decide, Waiting
from aiox.commands.create_session import NOBODY, CreateSession, Whence
from aiox.commands.fields import read
from aiox.commands.hub import Actor, Hub
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.outcome import Refused
from aiox.runtime import nats
from aiox.runtime.nats import NotStored
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from policy.approvals import State

HERE: Final = Whence("aiox approvals", "shell")
WITHIN_S: Final = 3.0
"""How long the bus is looked for, in seconds."""
NOT_DELIVERED: Final = "approved, not delivered yet: its call has not run"
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Login:
    """Who is at the shell. `code` is of the second factor; empty where there is none."""

    email: str
    password: str = field(repr=False)
    code: str = ""


async def list_open(settings: Settings, login: Login) -> str:
    """One line for each that waits for this person, or was asked for by them; oldest first. Raises CannotGoOn."""
    async with _signed_in(settings, login) as (hub, actor):
        found = _or_stop(await approvals.list_open(hub, actor))
    return "\n".join(map(_line, found)) or "No approval waits for you."


async def show(settings: Settings, login: Login, name: str) -> str:
    """All that the call would do. Raises CannotGoOn."""
    async with _signed_in(settings, login) as (hub, actor):
        found = _or_stop(await approvals.find_by_name(hub, actor, name))
    return f"{found.text}\nState: {_state(found)}."


async def decide(settings: Settings, login: Login, name: str, agrees: Callable[[str], bool], *, approves: bool) -> str:
    """Shows the call, asks `agrees`, and casts the vote on the very call that was shown. Raises CannotGoOn."""
    async with _signed_in(settings, login) as (hub, actor):
        found = _or_stop(await approvals.find_by_name(hub, actor, name))
        if not agrees(found.text):
            return "Nothing was decided."
        fields = Decide(approval_id=found.id, approves=approves, digest=found.digest)

        async def resubmit(event: Envelope[MessageReceived]) -> None:
            await _resubmit(settings, event)

        decided = _or_stop(await approvals.decide(hub, actor, fields, resubmit))
    return f"{decided.name} {decided.shown.tool}: {_state(decided)}."


@asynccontextmanager
async def _signed_in(settings: Settings, login: Login) -> AsyncIterator[tuple[Hub, Actor]]:
    """A session of this person, which ends with the block."""
    async with open_desk(settings) as desk:
        given = {"email": login.email, "password": login.password, "code": login.code}
        fields = _or_stop(read(CreateSession, given))
        signed = _or_stop(await create_session.run(desk.hub, NOBODY, fields, HERE, desk.people))
        actor = Actor(signed.owner, signed.jid, signed.session)
        try:
            yield desk.hub, actor
        finally:
            await end_sessions.sign_out(desk.hub, actor, desk.people)


async def _resubmit(settings: Settings, event: Envelope[MessageReceived]) -> None:
    """Raises NotStored, also when there is no bus: the grant stands, and the orchestrators' sweep puts it there."""
    secrets, log = Secrets.of(settings.home, "gateway"), structlog.get_logger()
    try:
        async with asyncio.timeout(WITHIN_S):  # a client that may come back for ever looks for ever
            bus = await nats.connect(settings, secrets, "gateway", log)
    except (NatsError, OSError) as away:
        raise NotStored(repr(away)) from away
    try:
        await nats.put_inbound(bus, event)
    finally:
        await bus.close()


def _line(one: Waiting) -> str:
    whose = "yours to decide" if one.mine_to_decide and one.state is State.PENDING else "waits for others"
    what = whose if one.state is State.PENDING else _state(one)
    return f"{one.name}  {one.asked_at:%Y-%m-%d %H:%M}  {one.shown.tool}  {one.shown.risk}  {one.requester}  {what}"


def _state(one: Waiting) -> str:
    if one.state is State.GRANTED:
        return NOT_DELIVERED
    agreed = f", {one.agreed} of {one.quorum} agreed" if one.state is State.PENDING else ""
    return f"{one.state}{agreed}"


def _or_stop(result: Answer | Refused) -> Answer:
    if isinstance(result, Refused):
        raise CannotGoOn(f"{result.reason} Mend: see 'aiox approvals list', or --help for what is asked.")
    return result
