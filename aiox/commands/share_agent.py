"""Who else may talk to an agent, and by which short address. Both hold at once, without a new version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from aiox.commands.agent_change import Change, IsCurrent, any_revision, change
from aiox.commands.agent_fields import Grantee
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.kernel.actions import Action
from aiox.kernel.alias import Alias
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry import agent_changes, agent_grants

GRANT: Final = Action.AGENT_GRANT
REVOKE: Final = Action.AGENT_REVOKE
ALIAS: Final = Action.AGENT_ALIAS
_NO_GRANT: Final = Refused(ErrorCode.NOT_FOUND, "The agent is not shared with that name.", ("H0 grant",))
_TOO_MANY: Final = Refused(
    ErrorCode.CONFLICT,
    f"An agent is shared with {agent_grants.MOST} names at most. Take one back, or share it with a domain.",
    ("H1 many",),
)


class GivenGrant(Fields):
    """A bare JID or a domain to share with."""

    grantee: Grantee


class GrantAgent(GivenGrant):
    """Which agent, with whom."""

    agent_id: AgentId


class GivenAlias(Fields):
    """A short address; empty takes it away."""

    alias: Alias | Literal[""]


class AliasAgent(GivenAlias):
    """Which agent, and its short address."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class Shared:
    """Whom the agent is shared with now. The grants count while its active version's visibility is `shared`."""

    shared_with: tuple[str, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class Renamed:
    """The agent's short address now; empty: none."""

    alias: str
    revision: int


async def grant(hub: Hub, actor: Actor, fields: GrantAgent, is_current: IsCurrent = any_revision) -> Shared | Refused:
    """Shares the agent; what is granted already stays. CONFLICT when it has too many, and else as `change`."""

    async def work(changing: Change) -> Shared | Refused:
        connection, held = changing.connection, changing.held
        there = await agent_grants.of_agent(connection, held.owner, held.id)
        if len(there) >= agent_grants.MOST:
            return _TOO_MANY
        if fields.grantee in there:
            return Shared(there, held.revision)
        await agent_grants.add(connection, held.owner, held.id, [fields.grantee], changing.now)
        revision = await changing.done("agent.shared", {"grantee": fields.grantee})
        return Shared(tuple(sorted((*there, fields.grantee))), revision)

    return await change(hub, actor, GRANT, fields.agent_id, is_current, work)


async def revoke(hub: Hub, actor: Actor, fields: GrantAgent, is_current: IsCurrent = any_revision) -> Shared | Refused:
    """Takes a grant back; its next message is refused. NOT_FOUND when there is none, and else as `change`."""

    async def work(changing: Change) -> Shared | Refused:
        connection, held = changing.connection, changing.held
        if not await agent_grants.remove(connection, held.owner, held.id, fields.grantee):
            return _NO_GRANT
        revision = await changing.done("agent.unshared", {"grantee": fields.grantee})
        return Shared(await agent_grants.of_agent(connection, held.owner, held.id), revision)

    return await change(hub, actor, REVOKE, fields.agent_id, is_current, work)


async def set_alias(
    hub: Hub, actor: Actor, fields: AliasAgent, is_current: IsCurrent = any_revision
) -> Renamed | Refused:
    """Gives the agent a short address beside its own. CONFLICT when it is or was another agent's, else as `change`."""

    async def work(changing: Change) -> Renamed | Refused:
        held = changing.held
        if fields.alias == held.alias:
            return Renamed(held.alias, held.revision)
        await agent_changes.set_alias(changing.connection, held.owner, held.id, fields.alias, changing.now)
        return Renamed(fields.alias, await changing.done("agent.alias_changed", {"alias": fields.alias}))

    return await change(hub, actor, ALIAS, fields.agent_id, is_current, work)
