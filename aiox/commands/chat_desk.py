"""Commands that come over the bus: who asks, what of which agent, may they, and then the form or the deed.

The XMPP door asks for all that is not a chat message in its lane; the orchestrator hands over what its own database
role may not do. Both vouch for the address that asks, as the XMPP server does to them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID, uuid4

from aiox.commands import gate
from aiox.commands.chat import COMMANDS, UNKNOWN, UNKNOWN_NAME, usable
from aiox.commands.chat_command import NO_AGENT, Asker, ChatCommand
from aiox.commands.chat_lane import into_lane
from aiox.commands.chat_named import NotNamed, agent_named
from aiox.commands.dead_letters import Resubmit
from aiox.commands.hub import Actor, Hub
from aiox.kernel.command import CommandAnswered, CommandAsked, CommandName, Values
from aiox.kernel.envelope import XMPP
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId, agent_id_of, derived_id
from aiox.kernel.jid import BareJid, bare, local_part
from aiox.kernel.outcome import Refused
from aiox.kernel.verdict import Allow, Deny
from policy.access import Relation
from policy.cedar.facts import Facts
from policy.cedar.judge import decide
from registry import addressed, approvals
from registry.idempotency import Claim, KeptAnswer, Keys

NEEDS_ACCOUNT: Final = Refused(
    ErrorCode.ACCESS_DENIED, "Only people with an account on this hub can do that.", ("C1 account",)
)
_HIDDEN: Final = Refused(ErrorCode.ACCESS_DENIED, SENTENCES[ErrorCode.ACCESS_DENIED], ("C2 address",))
_NO_SUCH: Final = Refused(ErrorCode.NOT_FOUND, "There is no command of this name.", ("C3 command",))
_TO_AGENT: Final = Refused(ErrorCode.NOT_FOUND, "Say that to the agent itself.", ("C7 agent",))
_AGAIN: Final = Refused(ErrorCode.HUB_BUSY, "This is being done already.", ("C4 repeated",))

Count = Callable[[str, str], Awaitable[int]]
"""Counts one command of this action by this address; below 0 there were too many. Raises what the counter raises."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What commands run on. `keys` knows those that were done before, `resubmit` puts messages on the bus."""

    hub: Hub
    keys: Keys
    resubmit: Resubmit
    count: Count


async def answer(desk: Desk, asked: CommandAsked) -> CommandAnswered:
    """Does a command, or says what is still to be filled in. Raises what the stores raise."""
    asker = await _asker(desk, asked)
    if not asked.name:
        return CommandAnswered(names=tuple(_names(asker)))
    command = COMMANDS.get(asked.name)
    if command is not None and command.agents_only and asker.at_hub:
        return _refused(_TO_AGENT)
    if command is None and not asked.written:
        return _refused(_NO_SUCH)
    no = await _no(desk, asker, command or UNKNOWN)
    if no is not None:
        return _refused(no)
    if command is None:
        return CommandAnswered(await _help(desk, asker, asked.name))
    return await _named_and_done(desk, asker, asked, command)


async def _named_and_done(desk: Desk, asker: Asker, asked: CommandAsked, command: ChatCommand) -> CommandAnswered:
    values: Values = asked.values
    words = asked.words
    if asker.at_hub and command.of_agent:
        named = await agent_named(desk.hub, asker, words if asked.written else values, asked.name)
        if isinstance(named, NotNamed):
            return CommandAnswered(named.text, title=command.title, form=named.form, more=named.more)
        asker, words, values = replace(asker, agent=named.agent), named.words, named.values
    if asked.written:
        values = command.read(words)
    elif command.form is not None and (form := await command.form(desk.hub, asker, values)):
        return CommandAnswered(title=command.title, form=form)
    if command.lane:
        return CommandAnswered(await into_lane(desk.hub, asker, asked, desk.resubmit), title=command.title)
    return replace(await _once(desk, asker, asked, command, values), title=command.title)


async def _once(desk: Desk, asker: Asker, asked: CommandAsked, command: ChatCommand, values: Values) -> CommandAnswered:
    """Does it, unless the very command was done before: then it is answered as it was."""
    if not asked.key or asker.guest or not command.desk:
        return _told(await command.answer(desk.hub, asker, values))
    digest = hashlib.sha256(f"{asked.name}\n{asked.address}\n{asked.words}\n{sorted(values.items())}".encode()).digest()
    key = hashlib.sha256(f"command {asked.key}".encode()).digest()
    claim = await desk.keys.claim(asker.actor.owner, key, digest, desk.hub.clock.now())
    if isinstance(claim, KeptAnswer):
        return CommandAnswered(claim.body.decode(), dict(claim.headers).get("code", ""))
    if not isinstance(claim, Claim):
        return _refused(_AGAIN)
    try:
        done = _told(await command.answer(desk.hub, asker, values))
    except BaseException:
        await desk.keys.release(claim)
        raise
    await desk.keys.keep(claim, KeptAnswer(200, (("code", done.error_code),), done.text.encode()))
    return done


async def _asker(desk: Desk, asked: CommandAsked) -> Asker:
    """Who asks, towards what they ask. Who is nothing to an agent gets relation `none`, whether it is there or not."""
    jid, local = bare(asked.sender), local_part(asked.address)
    if not local:
        return await _at_hub(desk, jid, asked.proof)
    found = await addressed.find_addressed(desk.hub.pool, agent_id_of(local), jid)
    person = await approvals.find_person(desk.hub.pool, jid, found.owner)
    account = _account(person.account, jid)
    owner = found.owner or account
    own = found.relation is Relation.OWNER
    return Asker(
        actor=Actor(account, jid, proof=asked.proof),
        agent=found.agent or agent_id_of(local),
        owner=owner,
        quota=await addressed.quota_of(desk.hub.pool, owner) if own else None,
        resubmit=desk.resubmit,
        relation=found.relation,
        guest=person.account is None,
    )


async def _at_hub(desk: Desk, jid: BareJid, proof: str) -> Asker:
    """Towards the hub itself everybody who has an account is its owner; nobody else is anything."""
    person = await approvals.find_person(desk.hub.pool, jid, None)
    account = _account(person.account, jid)
    return Asker(
        actor=Actor(account, jid, proof=proof),
        agent=NO_AGENT,
        owner=account,
        quota=await addressed.quota_of(desk.hub.pool, account) if person.account is not None else None,
        resubmit=desk.resubmit,
        relation=Relation.NONE if person.account is None else Relation.OWNER,
        guest=person.account is None,
    )


def _account(account: UUID | None, jid: BareJid) -> OwnerId:
    """A guest without an account acts under an id of their own, which owns nothing."""
    return OwnerId(account or derived_id(HUB_OWNER, f"guest:{jid}"))


async def _no(desk: Desk, asker: Asker, command: ChatCommand) -> Refused | None:
    """The gate: judged and on record. Who decides on an approval may, wherever it is."""
    hub, relation = desk.hub, asker.relation
    if relation is Relation.NONE and command.strangers and await approvals.find_for(hub.pool, asker.actor.jid, 1):
        relation = Relation.GRANTED
    owner = None if relation is Relation.NONE else asker.owner
    policies = await hub.policies.holding(hub.pool, owner, hub.clock.monotonic())
    actor = asker.actor
    decided = decide(Facts(command.action, relation, actor.jid, channel=XMPP, proof=actor.proof), policies)
    organisation = None if owner is None else await gate.organisation_of(hub, owner, decided.facts.action)
    await hub.decided(gate.decision(hub.clock, decided, owner, uuid4(), organisation))
    verdict = decided.verdict
    if not isinstance(verdict, Allow):
        if relation is Relation.NONE:
            return _HIDDEN
        reason = verdict.reason if isinstance(verdict, Deny) else "This needs an approval."
        return Refused(gate.code_of(verdict), reason, verdict.rules)
    if command.account and asker.guest:
        return NEEDS_ACCOUNT
    if await desk.count(str(command.action), str(asker.actor.jid)) < 0:
        return Refused(ErrorCode.RATE_LIMITED, SENTENCES[ErrorCode.RATE_LIMITED], ("C5 rate",))
    return None


async def _help(desk: Desk, asker: Asker, name: str) -> str:
    told = await UNKNOWN.answer(desk.hub, asker, {UNKNOWN_NAME: name})
    return told.reason if isinstance(told, Refused) else told


def _names(asker: Asker) -> list[CommandName]:
    """What lists of commands show; nothing to who is nothing here."""
    if asker.relation is Relation.NONE:
        return []
    return [CommandName(name, one.title) for name, one in usable(asker).items() if one.title]


def _told(result: str | Refused) -> CommandAnswered:
    return _refused(result) if isinstance(result, Refused) else CommandAnswered(result)


def _refused(no: Refused) -> CommandAnswered:
    return CommandAnswered(no.reason, str(no.code))
