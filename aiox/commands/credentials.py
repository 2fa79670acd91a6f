"""Credentials for providers: an account's own, its organisations', and the hub's for all (SPEC 5).

Tested on save, never given back.

An account speaks for itself; with the id of an organisation as `scope`, its owners and admins speak for that. The
operator at the shell and a hub_admin speak for the hub with `scope` hub.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID, uuid4

from pydantic import Field, SecretStr, StringConstraints, model_validator

from aiox.commands import gate
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import hidden, refusal_of
from aiox.commands.users import relation_to_hub
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.kernel.outcome import Refused
from aiox.runtime.provider_check import ENDPOINTS, Checked
from policy.access import Relation
from policy.credentials import Kind, Level, Mode, Status
from policy.ledger import Record
from registry import credentials, ledger, organisations, tenants
from registry.credentials import Binding, NewBinding

Scope = Literal["own", "hub"] | UUID
"""Whose: one's own, the hub's, or those of the organisation with this id."""
ProviderName = Annotated[str, StringConstraints(max_length=60, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
ApiBase = Annotated[str, StringConstraints(max_length=500, pattern=r"^(https?://[^\s?#@]+)?$")]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=4096)]

RULE_BASE: Final = "C0 endpoint-not-listed"
NOT_HERE: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ("C1 unknown",))
MOST: Final = 100
"""Providers about which one account, or one organisation, may say something: each is asked once a day."""
ENOUGH: Final = Refused(ErrorCode.CONFLICT, f"There are {MOST} credentials already. Delete one first.", ("C2 many",))
_PRINTABLE: Final = frozenset(map(chr, range(0x21, 0x7F)))


class ListCredentials(Fields):
    """Whose."""

    scope: Scope = "own"


@dataclass(frozen=True, slots=True)
class _Whose:
    """The tenant that credentials belong to, its level, and who stands behind what is recorded of them."""

    owner: OwnerId
    level: Level
    recorded: OwnerId


class WhichCredential(Fields):
    """One provider's."""

    kind: Kind
    provider: ProviderName
    scope: Scope = "own"


class CredentialText(Fields):
    """What is said about a provider: an own key (custom), whatever the hub has (global), or not at all (disabled)."""

    mode: Mode
    api_base: ApiBase = ""
    secret: Secret | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> CredentialText:
        if self.mode is not Mode.CUSTOM and (self.secret is not None or self.api_base):
            raise ValueError("secret and api_base belong to mode custom")
        if self.secret is not None and not set(self.secret.get_secret_value()) <= _PRINTABLE:
            raise ValueError("a secret has printable ASCII characters only, and no spaces")
        return self


class PutCredential(CredentialText, WhichCredential):
    """The same, for one provider."""


@dataclass(frozen=True, slots=True)
class CredentialShown:
    """A binding without its secret."""

    kind: Kind
    provider: str
    level: Level
    organisation_id: UUID | None
    mode: Mode
    api_base: str
    status: Status
    reason: str
    checked_at: datetime | None
    updated_at: datetime


async def list_all(hub: Hub, actor: Actor, fields: ListCredentials) -> Sequence[CredentialShown] | Refused:
    """What this account says, and what its organisations and the hub have for it; else what that scope says alone."""
    whose, no = await _admitted(hub, actor, Action.CREDENTIAL_LIST, fields.scope)
    if no is not None:
        return no
    found = [_shown(one) for one in await credentials.list_of(hub.pool, whose.owner)]
    if whose.level is Level.OWNER:
        for one in await organisations.list_of(hub.pool, actor.owner):
            found += [_foreign(said) for said in await credentials.list_of(hub.pool, OwnerId(one.id))]
        found += [_foreign(said) for said in await credentials.list_of(hub.pool, HUB_OWNER)]
    return found


async def put(hub: Hub, actor: Actor, fields: PutCredential) -> CredentialShown | Refused:
    """Tests a credential and stores it with what was found. PROVIDER_NOT_ALLOWED for an endpoint nobody has allowed,
    CONFLICT when there are MOST of others.
    """
    whose, no = await _admitted(hub, actor, Action.CREDENTIAL_PUT, fields.scope)
    if no is not None:
        return no
    if whose.level is not Level.HUB and not _may_be_sent_to(hub, fields.api_base):
        reason = "The hub's operator has not allowed this api_base (setting providers.api_bases)."
        return Refused(ErrorCode.PROVIDER_NOT_ALLOWED, reason, (RULE_BASE,))
    others = [
        one
        for one in await credentials.list_of(hub.pool, whose.owner)
        if (one.kind, one.provider) != (fields.kind, fields.provider)
    ]
    if len(others) >= MOST:
        return ENOUGH
    secret = fields.secret.get_secret_value() if fields.secret else ""
    checked = await _check(hub, fields.kind, fields.provider, fields.api_base, secret, fields.mode)
    now = hub.clock.now()
    stored = await credentials.put(
        hub.pool,
        hub.keys,
        NewBinding(
            id=uuid4(),
            owner=whose.owner,
            level=whose.level,
            kind=fields.kind,
            provider=fields.provider,
            mode=fields.mode,
            api_base=fields.api_base,
            secret=secret,
            status=Status(checked.status),
            reason=checked.reason,
            checked_at=now if fields.mode is Mode.CUSTOM else None,
            now=now,
        ),
    )
    await _record(hub, actor, "credential.put", stored, whose)
    return _shown(stored)


async def test(hub: Hub, actor: Actor, fields: WhichCredential) -> CredentialShown | Refused:
    """Asks the provider again, and stores what was found. NOT_FOUND without a credential of one's own."""
    whose, no = await _admitted(hub, actor, Action.CREDENTIAL_TEST, fields.scope)
    if no is not None:
        return no
    stored = await credentials.load(hub.pool, whose.owner, fields.kind, fields.provider)
    if stored is None or stored.mode is not Mode.CUSTOM:
        return NOT_HERE
    secret = stored.open(await tenants.load_ring(hub.pool, hub.keys, whose.owner))
    checked = await _check(hub, stored.kind, stored.provider, stored.api_base, secret, stored.mode)
    await credentials.mark(hub.pool, stored, Status(checked.status), checked.reason, hub.clock.now())
    await _record(hub, actor, "credential.tested", stored, whose, checked.status)
    again = await credentials.load(hub.pool, whose.owner, fields.kind, fields.provider)
    return NOT_HERE if again is None else _shown(again)


async def delete(hub: Hub, actor: Actor, fields: WhichCredential) -> CredentialShown | Refused:
    """Forgets what is said about a provider; from then on the level above decides. NOT_FOUND when nothing is said."""
    whose, no = await _admitted(hub, actor, Action.CREDENTIAL_DELETE, fields.scope)
    if no is not None:
        return no
    stored = await credentials.load(hub.pool, whose.owner, fields.kind, fields.provider)
    if stored is None or not await credentials.delete(hub.pool, whose.owner, stored.id):
        return NOT_HERE
    await _record(hub, actor, "credential.deleted", stored, whose)
    return _shown(stored)


async def _admitted(hub: Hub, actor: Actor, action: Action, scope: Scope) -> tuple[_Whose, Refused | None]:
    """Passes the gate. Whose credentials these are: the actor's own, an organisation's, or the hub's."""
    if isinstance(scope, UUID):
        role = await organisations.role_in(hub.pool, actor.owner, scope)
        relation = Relation(f"org_{role}") if role else Relation.NONE
        verdict = await gate.authorise_related(
            hub, actor, action, relation, actor.owner if role else None, scope if role else None
        )
        no = refusal_of(verdict)
        return _Whose(OwnerId(scope), Level.ORGANISATION, actor.owner), no if role else hidden(no)
    if actor.owner == HUB_OWNER or scope == "hub":
        verdict = await gate.authorise_related(hub, actor, action, relation_to_hub(actor), HUB_OWNER)
        return _Whose(HUB_OWNER, Level.HUB, HUB_OWNER), refusal_of(verdict)
    verdict = await gate.authorise_related(hub, actor, action, Relation.OWNER, actor.owner)
    return _Whose(actor.owner, Level.OWNER, actor.owner), refusal_of(verdict)


def _may_be_sent_to(hub: Hub, api_base: str) -> bool:
    """An account may not have the hub ask any address it likes: the hub stands inside networks that it does not."""
    known = {endpoint.base for name, endpoint in ENDPOINTS.items() if name != "ollama"}
    return not api_base or api_base.rstrip("/") in {*known, *(base.rstrip("/") for base in hub.providers.api_bases)}


async def _check(hub: Hub, kind: Kind, provider: str, api_base: str, secret: str, mode: Mode) -> Checked:
    if mode is not Mode.CUSTOM or kind is not Kind.LLM:
        return Checked("untested")
    return await hub.providers.check(provider, api_base, secret)


def _foreign(stored: Binding) -> CredentialShown:
    """Of what others have for it an account sees that it is there and how it is, not where it leads."""
    return replace(_shown(stored), api_base="", reason="")


def _shown(stored: Binding) -> CredentialShown:
    return CredentialShown(
        kind=stored.kind,
        provider=stored.provider,
        level=stored.level,
        organisation_id=stored.owner if stored.level is Level.ORGANISATION else None,
        mode=stored.mode,
        api_base=stored.api_base,
        status=stored.status,
        reason=stored.reason,
        checked_at=stored.checked_at,
        updated_at=stored.updated_at,
    )


async def _record(hub: Hub, actor: Actor, event: str, stored: Binding, whose: _Whose, status: str = "") -> None:
    """Who changed what: ids and codes, nothing of the secret, not even its length."""
    record = Record(
        id=uuid4(),
        owner=whose.recorded,
        event_type=event,
        severity="info",
        details={
            "credential_id": str(stored.id),
            "kind": str(stored.kind),
            "provider": stored.provider,
            "mode": str(stored.mode),
            "status": status or str(stored.status),
        },
        created_at=hub.clock.now(),
        actor=actor.jid,
        organisation_id=whose.owner if whose.level is Level.ORGANISATION else None,
    )
    await ledger.append(hub.pool, [record])
