"""`aiox turns ...`: what was set aside, from the operator's shell. The operator sees ids and reasons, no texts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

import structlog

from aiox.cli.agents import desk
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands import cancel_turn, dead_letters, retract_answer
from aiox.commands.cancel_turn import CancelTurn
from aiox.commands.dead_letters import WhichTurn
from aiox.commands.hub import Actor, Hub
from aiox.commands.retract_answer import RetractAnswer
from aiox.kernel.ids import HUB_OWNER, TurnId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import nats, postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import LiveKeyRing
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from gateway.live import tell_cancel
from registry.dead_letters import DeadLetter


async def list_open(settings: Settings) -> str:
    """One line per dead letter, newest first, or a sentence that there is none."""
    async with _hub(settings) as (hub, actor):
        letters = await dead_letters.list_open(hub, actor)
    if isinstance(letters, Refused):
        raise CannotGoOn(letters.reason)
    if not letters:
        return "No turn was set aside: every admitted message has had its answer or its error."
    return "\n".join(_line(letter) for letter in letters)


async def show(settings: Settings, turn: UUID) -> str:
    """All that the operator may know of one. Raises CannotGoOn when there is none."""
    async with _hub(settings) as (hub, actor):
        shown = await dead_letters.show(hub, actor, WhichTurn(turn_id=TurnId(turn)))
    if isinstance(shown, Refused):
        raise CannotGoOn(f"{shown.reason} Mend: aiox turns list")
    letter = shown.letter
    rows = {
        "turn": letter.turn,
        "owner": letter.owner,
        "agent": letter.agent,
        "from": letter.sender,
        "set aside": letter.created_at.isoformat(timespec="seconds"),
        "attempts": letter.attempts,
        "reason": letter.reason,
        "correlation id": letter.correlation_id,
        "decided": letter.closed_as or "not yet",
    }
    return "\n".join(f"{name:<15} {value}" for name, value in rows.items())


async def retry(settings: Settings, turn: UUID) -> str:
    """Puts the message on the bus again. Raises CannotGoOn."""
    log = structlog.get_logger()
    async with _hub(settings) as (hub, actor):
        bus = await nats.connect(settings, Secrets.of(settings.home, "gateway"), "gateway", log)
        try:
            resubmit = partial(nats.put_inbound, bus)
            done = await dead_letters.retry(hub, actor, WhichTurn(turn_id=TurnId(turn)), resubmit)
        finally:
            await bus.close()
    return _decided(done, "is on the bus again")


async def drop(settings: Settings, turn: UUID) -> str:
    """Gives the message up. Raises CannotGoOn."""
    async with _hub(settings) as (hub, actor):
        done = await dead_letters.drop(hub, actor, WhichTurn(turn_id=TurnId(turn)))
    return _decided(done, "was dropped; its text is gone")


async def cancel(settings: Settings, owner: str, turn: UUID) -> str:
    """Stops a turn that an account has asked over HTTP; says how it stands, not what it said. Raises CannotGoOn."""
    log = structlog.get_logger()
    async with desk(settings, owner) as here:
        bus = await nats.connect(settings, Secrets.of(settings.home, "gateway"), "gateway", log)
        try:
            tell = partial(tell_cancel, bus)
            found = await cancel_turn.run(here.hub, here.actor, CancelTurn(turn_id=TurnId(turn)), tell)
        finally:
            await bus.close()
    if isinstance(found, Refused):
        raise CannotGoOn(f"{found.reason} Mend: give the id that POST /v1/agents/ID/messages answered, and who asked")
    if found.turn.ended_at is not None:
        return f"Turn {turn} has ended already; it stays as it is."
    return f"Turn {turn} stops: GET /v1/turns/{turn} says CANCELLED soon, unless its answer was there first."


async def retract(settings: Settings, execution: UUID) -> str:
    """Takes an answer back. Raises CannotGoOn."""
    async with _hub(settings) as (hub, actor):
        done = await retract_answer.run(hub, actor, RetractAnswer(execution_id=execution))
    if isinstance(done, Refused):
        raise CannotGoOn(done.reason)
    return "The answer was taken back." if done.told else "The answer was taken back here; nobody could be told."


@asynccontextmanager
async def _hub(settings: Settings) -> AsyncIterator[tuple[Hub, Actor]]:
    secrets = Secrets.of(settings.home, "gateway")
    pool = await postgres.connect(settings, secrets, "gateway", size=1)
    try:
        keys = LiveKeyRing.of(secrets)
        yield Hub(pool, keys, SystemClock(), settings.domain), Actor(HUB_OWNER, BareJid(f"operator@{settings.domain}"))
    finally:
        await pool.close()


def _line(letter: DeadLetter) -> str:
    when = letter.created_at.isoformat(timespec="seconds")
    return f"{letter.turn}  {when}  {letter.sender}  {letter.attempts} attempts  {letter.reason}"


def _decided(done: DeadLetter | Refused, what: str) -> str:
    if isinstance(done, Refused):
        raise CannotGoOn(f"{done.reason} Mend: aiox turns list")
    return f"Turn {done.turn} {what}."
