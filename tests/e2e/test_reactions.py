"""What people think of an answer is counted for the version that gave it; an answer can be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

from aiox.commands import list_executions, reactions, read_history, retract_answer
from aiox.commands.create_agent import AgentCreated
from aiox.commands.list_executions import ListExecutions
from aiox.commands.reactions import ReadReactions
from aiox.commands.read_history import ReadHistory
from aiox.commands.retract_answer import RetractAnswer, Retracted
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from registry.reactions import VersionReactions
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, online
from tests.e2e.raw_client import RawClient, device
from tests.stack import Account, RunningHub

TURN = "{urn:aiox:turn:0}turn"


def react(client: RawClient, agent: str, answer: str, *emojis: str) -> None:
    inner = "".join(f"<reaction>{one}</reaction>" for one in emojis)
    reactions_of = f"<reactions xmlns='urn:xmpp:reactions:0' id='{answer}'>{inner}</reactions>"
    client.send(f"<message to='{agent}' type='chat' id='{uuid4()}'>{reactions_of}</message>")


async def asked(client: RawClient, agent: str, body: str) -> str:
    """The id of the answer."""
    known = {one.get("id") for one in client.got}
    client.send(f"<message to='{agent}' type='chat' id='{uuid4()}'><body>{body}</body></message>")
    answer = await client.until(lambda got: got.find(TURN) is not None and got.get("id") not in known, 60)
    return answer.get("id", "")


async def counted(hub: RunningHub, owner: Account, agent: AgentCreated, good: int, bad: int) -> None:
    """Waits until the owner sees these numbers."""
    wanted: Sequence[VersionReactions] = [VersionReactions(1, good, bad)] if good or bad else []
    async with hub.commands() as commands, asyncio.timeout(60):
        while True:
            found = await reactions.run(commands, owner.actor, ReadReactions(agent_id=agent.agent_id))
            assert not isinstance(found, Refused)
            if list(found) == wanted:
                return
            await asyncio.sleep(0.1)


async def test_reactions_are_counted_and_an_answer_is_taken_back(hub: RunningHub) -> None:
    owner, guest = await hub.account(quota=ROOMY_ACCOUNT), await hub.account()
    agent = await hub.agent(owner, governance=ROOMY, visibility="shared", shared_with=[guest.jid])
    async with device(hub, owner) as phone, device(hub, guest) as other:
        first = await asked(phone, agent.jid, "hello")
        theirs = await asked(other, agent.jid, "hello")
        react(phone, agent.jid, first, "👍")
        await counted(hub, owner, agent, 1, 0)
        react(other, agent.jid, first, "👎")  # not their answer
        react(phone, agent.jid, str(uuid4()), "👎")
        react(other, agent.jid, theirs, "👎🏽")
        await counted(hub, owner, agent, 1, 1)
        react(other, agent.jid, theirs, "❤️")
        await counted(hub, owner, agent, 2, 0)
        react(other, agent.jid, theirs)
        await counted(hub, owner, agent, 1, 0)

        execution = await _newest(hub, owner, agent, owner.jid)
        assert await _retracted(hub, guest, execution) is None, "nobody but the owner"
        done = await _retracted(hub, owner, execution)
        assert done is not None
        assert done.told
        assert await _retracted(hub, owner, execution) is None, "once"
        told = await phone.until(lambda got: got.find("{urn:xmpp:message-retract:1}retract") is not None)
        gone = told.find("{urn:xmpp:message-retract:1}retract")
        assert gone is not None
        assert gone.get("id") == first
        assert not [got for got in other.got if got.find("{urn:xmpp:message-retract:1}retract") is not None]
        async with hub.commands() as commands:
            said = await read_history.run(commands, owner.actor, ReadHistory(agent_id=agent.agent_id))
        assert not isinstance(said, Refused)
        assert [one.answered for one in said] == [None]
    async with online(hub, owner) as person:
        assert await answer_to(person, agent.jid, "hello again")


async def _newest(hub: RunningHub, owner: Account, agent: AgentCreated, subject: str) -> UUID:
    async with hub.commands() as commands:
        found = await list_executions.run(commands, owner.actor, ListExecutions(agent_id=agent.agent_id))
    assert not isinstance(found, Refused)
    return next(one.id for one in found if one.subject_jid == subject)


async def _retracted(hub: RunningHub, who: Account, execution: UUID) -> Retracted | None:
    async with hub.commands() as commands:
        done = await retract_answer.run(commands, who.actor, RetractAnswer(execution_id=execution))
    if isinstance(done, Refused):
        assert done.code in (ErrorCode.NOT_FOUND, ErrorCode.CONFLICT)
        return None
    return done
