"""`aiox quota ...` and `aiox organisation quota`: budgets that many share, from the operator's shell."""

from __future__ import annotations

from typing import Any, Final

from aiox.cli.agents import done
from aiox.cli.organisations import open_desk_of
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.users import open_desk
from aiox.commands import group_quotas
from aiox.commands.fields import Form, read
from aiox.commands.group_quotas import GroupShown, PutGroupQuota, PutOrganisationQuota, WhichGroup
from aiox.commands.organisations import WhichOrganisation
from aiox.kernel.outcome import Refused
from aiox.runtime.settings import Settings
from policy.group_quota import LIMITS, GroupLimits
from registry.group_quotas import GroupUse, OrganisationQuota

NO_LIMIT: Final = "no limit"


async def listed(settings: Settings) -> str:
    """What the hub allows organisations and peers, and what they have used. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        found = done(await group_quotas.list_all(desk.hub, desk.actor))
    return "\n".join(_group(one) for one in found) or "The hub has set no limits of organisations or peers."


async def put(settings: Settings, kind: str, name: str, limits: dict[str, int | None]) -> str:
    """Sets what the hub allows a group, whole. Raises CannotGoOn."""
    fields = _fields(PutGroupQuota, kind=kind, name=name, **limits)
    async with open_desk(settings) as desk:
        return _group(done(await group_quotas.put(desk.hub, desk.actor, fields)))


async def drop(settings: Settings, kind: str, name: str) -> str:
    """Takes away what was set by name. Raises CannotGoOn."""
    fields = _fields(WhichGroup, kind=kind, name=name)
    async with open_desk(settings) as desk:
        no = await group_quotas.drop(desk.hub, desk.actor, fields)
    if no is not None:
        raise CannotGoOn(f"{no.reason} Mend: aiox quota list")
    return f"Nothing is set for {kind} {name} any more; the default holds."


async def of_organisation(settings: Settings, owner: str, organisation: str, limits: dict[str, int | None]) -> str:
    """An organisation's limits; with any, what it allows itself is set, whole. Raises CannotGoOn."""
    wanted = {name: value for name, value in limits.items() if value is not None}
    async with open_desk_of(settings, owner) as desk:
        if wanted:
            fields = _fields(PutOrganisationQuota, organisation_id=organisation, **wanted)
            return _organisation(done(await group_quotas.put_own(desk.hub, desk.actor, fields)))
        which = _fields(WhichOrganisation, organisation_id=organisation)
        return _organisation(done(await group_quotas.show(desk.hub, desk.actor, which)))


def _organisation(found: OrganisationQuota) -> str:
    own, hubs, holding = found.own, found.hubs, found.holding
    lines = [
        f"{one:<24} {_said(getattr(holding, one)):>12}"
        f"   own {_said(getattr(own, one))}, hub {_said(getattr(hubs, one))}"
        for one in LIMITS
    ]
    return "\n".join([*lines, _used(found.used)])


def _group(one: GroupShown) -> str:
    return f"{one.kind} {one.name}: {_limits(one.limits)}; {_used(one.used)}"


def _limits(limits: GroupLimits) -> str:
    said = [f"{one} {value}" for one in LIMITS if (value := getattr(limits, one)) is not None]
    return ", ".join(said) or NO_LIMIT


def _said(limit: int | None) -> str:
    return NO_LIMIT if limit is None else str(limit)


def _used(used: GroupUse) -> str:
    return f"used {used.minute_tokens} tokens in this minute, {used.day_tokens} today (UTC)"


def _fields(form: type[Form], **given: Any) -> Form:
    fields = read(form, given)
    if isinstance(fields, Refused):
        raise CannotGoOn(f"{fields.reason}. Mend: aiox quota set --help")
    return fields
