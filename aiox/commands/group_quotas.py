"""Budgets that many share: what the hub allows organisations and peers, and how an organisation narrows its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from aiox.commands import organisations
from aiox.commands.fields import Fields
from aiox.commands.gate import authorise_related
from aiox.commands.hub import Actor, Hub
from aiox.commands.organisations import WhichOrganisation
from aiox.commands.recording import happened
from aiox.commands.refusal import refusal_of
from aiox.commands.users import relation_to_hub
from aiox.kernel.actions import Action
from aiox.kernel.canonical import Json
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import Connection, owner_scope
from policy.group_quota import EVERY, LIMITS, GroupKind, GroupLimits, too_wide
from registry import group_quotas
from registry.group_quotas import GroupQuota, GroupUse, OrganisationQuota, SetBy

EVERYONE: Final = "default"
"""In place of a name: all groups of the kind for which nothing was set by name."""
NOT_SET: Final = Refused(ErrorCode.NOT_FOUND, "The hub has set nothing by this name.", ("G0 not-set",))
RULE_WIDER: Final = "G1 narrows-only"

Tokens = Annotated[int, Field(ge=0, le=10**12)]


class Limits(Fields):
    """All limits of a group; one that is left out is none."""

    tokens_per_minute: Tokens | None = None
    tokens_per_day: Tokens | None = None
    max_concurrent_requests: Annotated[int, Field(ge=0, le=10**6)] | None = None
    max_memory_mb: Annotated[int, Field(ge=0, le=10**6)] | None = None
    max_worker_time_ms: Annotated[int, Field(ge=100, le=600_000)] | None = None

    @property
    def limits(self) -> GroupLimits:
        """In the judge's words."""
        return GroupLimits(*(getattr(self, one) for one in LIMITS))


class PutOrganisationQuota(WhichOrganisation, Limits):
    """What an organisation allows itself."""


class WhichGroup(Fields):
    """An organisation by its id, a peer by its domain, or EVERYONE of a kind."""

    kind: Literal["organisation", "peer"]
    name: Annotated[
        str, StringConstraints(to_lower=True, max_length=253, pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")
    ]

    @model_validator(mode="after")
    def _is_one(self) -> WhichGroup:
        if self.kind == "organisation" and self.name != EVERYONE:
            UUID(self.name)
        return self

    @property
    def group(self) -> GroupKind:
        """Its kind."""
        return GroupKind(self.kind)

    @property
    def stored_name(self) -> str:
        """As the registry names it."""
        if self.name == EVERYONE:
            return EVERY
        return str(UUID(self.name)) if self.group is GroupKind.ORGANISATION else self.name


class PutGroupQuota(WhichGroup, Limits):
    """What the hub allows a group."""

    @model_validator(mode="after")
    def _stores_nothing(self) -> PutGroupQuota:
        if self.group is GroupKind.PEER and self.max_memory_mb is not None:
            raise ValueError("max_memory_mb: a peer stores nothing of its own; its guests' memories are the owner's")
        return self


@dataclass(frozen=True, slots=True)
class GroupShown:
    """What the hub has set, and what is used; of EVERYONE nothing is counted."""

    kind: GroupKind
    name: str
    limits: GroupLimits
    used: GroupUse


async def show(hub: Hub, actor: Actor, fields: WhichOrganisation) -> OrganisationQuota | Refused:
    """An organisation's limits and what it has used, for its members. NOT_FOUND for unknown and foreign ones alike."""
    role = await organisations.role_of(hub, actor, Action.ORGANISATION_QUOTA_READ, fields.organisation_id)
    return role if isinstance(role, Refused) else await _of_organisation(hub, actor, fields.organisation_id)


async def put_own(hub: Hub, actor: Actor, fields: PutOrganisationQuota) -> OrganisationQuota | Refused:
    """Sets what an organisation allows itself. NOT_FOUND, ACCESS_DENIED; BODY_INVALID for more than the hub allows."""
    organisation = fields.organisation_id
    role = await organisations.role_of(hub, actor, Action.ORGANISATION_QUOTA_PUT, organisation)
    if isinstance(role, Refused):
        return role
    before = await _of_organisation(hub, actor, organisation)
    if wide := too_wide(fields.limits, before.hubs):
        said = ", ".join(f"{one} {getattr(before.hubs, one)}" for one in wide)
        return Refused(ErrorCode.BODY_INVALID, f"The hub allows this organisation {said}; ask for less.", (RULE_WIDER,))
    kind, name = GroupKind.ORGANISATION, str(organisation)
    async with owner_scope(hub.pool, actor.owner) as connection:
        await group_quotas.put(connection, kind, name, SetBy.ORGANISATION, fields.limits, hub.clock.now())
    await happened(hub, actor, "quota.set", "warning", organisation=organisation, kind=str(kind), name=name,
                   set_by=str(SetBy.ORGANISATION), limits=_said(fields.limits))  # fmt: skip
    return OrganisationQuota(fields.limits, before.hubs, before.used)


async def list_all(hub: Hub, actor: Actor) -> Sequence[GroupShown] | Refused:
    """All that the hub has set, with what is used."""
    no = await _refused(hub, actor, Action.QUOTA_LIST)
    if no is not None:
        return no
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        found = await group_quotas.list_of_hub(connection)
        return [_shown(one, await _used(hub, connection, one)) for one in found]


async def put(hub: Hub, actor: Actor, fields: PutGroupQuota) -> GroupShown | Refused:
    """Sets what the hub allows a group. It holds for every turn that begins later, and no organisation can widen it."""
    no = await _refused(hub, actor, Action.QUOTA_PUT)
    if no is not None:
        return no
    kind, name, now = fields.group, fields.stored_name, hub.clock.now()
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        await group_quotas.put(connection, kind, name, SetBy.HUB, fields.limits, now)
        one = GroupQuota(kind, name, fields.limits, now)
        shown = _shown(one, await _used(hub, connection, one))
    await _happened(hub, actor, fields, "quota.set", fields.limits)
    return shown


async def drop(hub: Hub, actor: Actor, fields: WhichGroup) -> Refused | None:
    """Takes away what the hub has set by name: what is set for EVERYONE holds again. NOT_FOUND."""
    no = await _refused(hub, actor, Action.QUOTA_DELETE)
    if no is not None:
        return no
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        if not await group_quotas.drop(connection, fields.group, fields.stored_name):
            return NOT_SET
    await _happened(hub, actor, fields, "quota.dropped", GroupLimits())
    return None


async def _of_organisation(hub: Hub, actor: Actor, organisation: UUID) -> OrganisationQuota:
    kind, name = GroupKind.ORGANISATION, str(organisation)
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        hubs = await group_quotas.limits_of(connection, kind, name, SetBy.HUB)
    async with owner_scope(hub.pool, actor.owner) as connection:
        own = await group_quotas.limits_of(connection, kind, name, SetBy.ORGANISATION)
        return OrganisationQuota(own, hubs, await group_quotas.used(connection, kind, name, hub.clock.now()))


async def _used(hub: Hub, connection: Connection, one: GroupQuota) -> GroupUse:
    if one.name == EVERY:
        return GroupUse()
    return await group_quotas.used(connection, one.kind, one.name, hub.clock.now())


def _shown(one: GroupQuota, used: GroupUse) -> GroupShown:
    return GroupShown(one.kind, EVERYONE if one.name == EVERY else one.name, one.limits, used)


async def _refused(hub: Hub, actor: Actor, action: Action) -> Refused | None:
    return refusal_of(await authorise_related(hub, actor, action, relation_to_hub(actor), HUB_OWNER))


async def _happened(hub: Hub, actor: Actor, fields: WhichGroup, event: str, limits: GroupLimits) -> None:
    about = UUID(fields.name) if fields.group is GroupKind.ORGANISATION and fields.name != EVERYONE else None
    await happened(hub, actor, event, "warning", about=HUB_OWNER, organisation=about, kind=fields.kind,
                   name=fields.name, set_by=str(SetBy.HUB), limits=_said(limits))  # fmt: skip


def _said(limits: GroupLimits) -> dict[str, Json]:
    return {one: getattr(limits, one) for one in LIMITS}
