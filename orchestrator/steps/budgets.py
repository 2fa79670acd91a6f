"""Every budget that a turn counts on: of account and agent, of the owner's organisations, of the peer it came from."""

from __future__ import annotations

from uuid import UUID

from orchestrator.proofs import Loaded
from policy.group_quota import GroupBudget, GroupKind, tightest
from policy.quota import DAY_S, MINUTE_S
from registry.quotas import AtOnce, Limit


def limits_of(loaded: Loaded) -> list[Limit]:
    """Tokens by the minute and by the day. Where a group has no limit, its use is counted all the same."""
    quota, governance = loaded.authorised.quota, loaded.version.governance
    owner, agent = loaded.authorised.owner, loaded.version.agent_id
    limits = [
        Limit("account, per minute", owner, quota.tokens_per_minute, MINUTE_S),
        Limit("account, per day", owner, quota.tokens_per_day, DAY_S),
        Limit("agent, per minute", agent, governance.max_tokens_per_minute, MINUTE_S),
        Limit("agent, per day", agent, governance.max_tokens_per_day, DAY_S),
    ]
    for group in loaded.authorised.facts.groups:
        allowed, scope = group.limits, group.scope
        limits += [
            Limit(f"{_name(group)}, per minute", scope, allowed.tokens_per_minute, MINUTE_S),
            Limit(f"{_name(group)}, per day", scope, allowed.tokens_per_day, DAY_S),
        ]
    return [limit for limit in limits if limit.scope not in _counted(loaded)]


def _counted(loaded: Loaded) -> frozenset[UUID]:
    """What the turn that asks this agent counts on already: its place and its tokens are there."""
    return loaded.delegation.counted if loaded.delegation else frozenset()


def at_once_of(loaded: Loaded) -> list[AtOnce]:
    """Turns at once, the owner's first."""
    authorised, version = loaded.authorised, loaded.version
    found = [
        AtOnce("account", authorised.owner, authorised.quota.max_concurrent),
        AtOnce("agent", version.agent_id, version.governance.max_concurrent),
        *(AtOnce(_name(group), group.scope, group.limits.max_concurrent_requests) for group in authorised.facts.groups),
    ]
    return [one for one in found if one.scope not in _counted(loaded)]


def scopes_of(loaded: Loaded) -> frozenset[UUID]:
    """Every budget that a turn counts on, with those of the turns that ask it."""
    groups = (group.scope for group in loaded.authorised.facts.groups)
    return frozenset((loaded.authorised.owner, loaded.version.agent_id, *groups)) | _counted(loaded)


def worker_ms(loaded: Loaded, hubs: int) -> int:
    """How long a worker may be at this turn; `hubs` is what the hub gives every turn."""
    groups = (group.limits.max_worker_time_ms for group in loaded.authorised.facts.groups)
    own = loaded.authorised.quota.max_worker_ms, loaded.version.governance.max_worker_ms
    return tightest(hubs, *own, *groups) or 0


def _name(group: GroupBudget) -> str:
    """As a refusal says it: who writes may be anybody, so an organisation is not named."""
    return "organisation" if group.kind is GroupKind.ORGANISATION else f"peer {group.name}"
