"""Credentials for providers: an account's own, and the hub's for all (SPEC 5). Tested on save, never given back.

An account speaks for itself. The operator at the shell and a hub_admin speak for the hub with `scope` hub.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import uuid4

from pydantic import Field, SecretStr, StringConstraints, model_validator

from aiox.commands import gate
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refusal_of
from aiox.commands.users import relation_to_hub
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.kernel.outcome import Refused
from aiox.runtime.provider_check import ENDPOINTS, Checked
from policy.access import Relation
from policy.credentials import Kind, Level, Mode, Status
from policy.ledger import Record
from registry import credentials, ledger, tenants
from registry.credentials import Binding, NewBinding

Scope = Literal["own", "hub"]
ProviderName = Annotated[str, StringConstraints(max_length=60, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
ApiBase = Annotated[str, StringConstraints(max_length=500, pattern=r"^(https?://[^\s?#@]+)?$")]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=4096)]

RULE_BASE: Final = "C0 endpoint-not-listed"
NOT_HERE: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ("C1 unknown",))
_PRINTABLE: Final = frozenset(map(chr, range(0x21, 0x7F)))


class ListCredentials(Fields):
    """Whose."""

    scope: Scope = "own"


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
    mode: Mode
    api_base: str
    status: Status
    reason: str
    checked_at: datetime | None
    updated_at: datetime


async def list_all(hub: Hub, actor: Actor, fields: ListCredentials) -> Sequence[CredentialShown] | Refused:
    """What this account says, and what the hub has for it; with scope hub the hub's alone."""
    owner, no = await _admitted(hub, actor, Action.CREDENTIAL_LIST, fields.scope)
    if no is not None:
        return no
    found = [] if owner == HUB_OWNER else list(await credentials.list_of(hub.pool, owner))
    shared = await credentials.list_of(hub.pool, HUB_OWNER)
    return [_shown(one, actor_is_hub=owner == HUB_OWNER) for one in (*found, *shared)]


async def put(hub: Hub, actor: Actor, fields: PutCredential) -> CredentialShown | Refused:
    """Tests a credential and stores it with what was found. PROVIDER_NOT_ALLOWED for an endpoint nobody has allowed."""
    owner, no = await _admitted(hub, actor, Action.CREDENTIAL_PUT, fields.scope)
    if no is not None:
        return no
    if owner != HUB_OWNER and not _may_be_sent_to(hub, fields.api_base):
        reason = "The hub's operator has not allowed this api_base (setting providers.api_bases)."
        return Refused(ErrorCode.PROVIDER_NOT_ALLOWED, reason, (RULE_BASE,))
    secret = fields.secret.get_secret_value() if fields.secret else ""
    checked = await _check(hub, fields.kind, fields.provider, fields.api_base, secret, fields.mode)
    now = hub.clock.now()
    stored = await credentials.put(
        hub.pool,
        hub.keys,
        NewBinding(
            id=uuid4(),
            owner=owner,
            level=Level.HUB if owner == HUB_OWNER else Level.OWNER,
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
    await _record(hub, actor, "credential.put", stored)
    return _shown(stored, actor_is_hub=True)


async def test(hub: Hub, actor: Actor, fields: WhichCredential) -> CredentialShown | Refused:
    """Asks the provider again, and stores what was found. NOT_FOUND without a credential of one's own."""
    owner, no = await _admitted(hub, actor, Action.CREDENTIAL_TEST, fields.scope)
    if no is not None:
        return no
    stored = await credentials.load(hub.pool, owner, fields.kind, fields.provider)
    if stored is None or stored.mode is not Mode.CUSTOM:
        return NOT_HERE
    secret = stored.open(await tenants.load_ring(hub.pool, hub.keys, owner))
    checked = await _check(hub, stored.kind, stored.provider, stored.api_base, secret, stored.mode)
    await credentials.mark(hub.pool, stored, Status(checked.status), checked.reason, hub.clock.now())
    await _record(hub, actor, "credential.tested", stored, checked.status)
    again = await credentials.load(hub.pool, owner, fields.kind, fields.provider)
    return NOT_HERE if again is None else _shown(again, actor_is_hub=True)


async def delete(hub: Hub, actor: Actor, fields: WhichCredential) -> CredentialShown | Refused:
    """Forgets what is said about a provider; from then on the level above decides. NOT_FOUND when nothing is said."""
    owner, no = await _admitted(hub, actor, Action.CREDENTIAL_DELETE, fields.scope)
    if no is not None:
        return no
    stored = await credentials.load(hub.pool, owner, fields.kind, fields.provider)
    if stored is None or not await credentials.delete(hub.pool, owner, stored.id):
        return NOT_HERE
    await _record(hub, actor, "credential.deleted", stored)
    return _shown(stored, actor_is_hub=True)


async def _admitted(hub: Hub, actor: Actor, action: Action, scope: Scope) -> tuple[OwnerId, Refused | None]:
    """Passes the gate. Whose credentials these are: the actor's own, or the hub's."""
    if actor.owner == HUB_OWNER or scope == "hub":
        verdict = await gate.authorise_related(hub, actor, action, relation_to_hub(actor), HUB_OWNER)
        return HUB_OWNER, refusal_of(verdict)
    return actor.owner, refusal_of(await gate.authorise_related(hub, actor, action, Relation.OWNER, actor.owner))


def _may_be_sent_to(hub: Hub, api_base: str) -> bool:
    """An account may not have the hub ask any address it likes: the hub stands inside networks that it does not."""
    known = {endpoint.base for name, endpoint in ENDPOINTS.items() if name != "ollama"}
    return not api_base or api_base.rstrip("/") in {*known, *(base.rstrip("/") for base in hub.providers.api_bases)}


async def _check(hub: Hub, kind: Kind, provider: str, api_base: str, secret: str, mode: Mode) -> Checked:
    if mode is not Mode.CUSTOM or kind is not Kind.LLM:
        return Checked("untested")
    return await hub.providers.check(provider, api_base, secret)


def _shown(stored: Binding, *, actor_is_hub: bool) -> CredentialShown:
    """Of the hub's own an account sees that it is there and how it is, not where it leads."""
    foreign = stored.level is Level.HUB and not actor_is_hub
    return CredentialShown(
        kind=stored.kind,
        provider=stored.provider,
        level=stored.level,
        mode=stored.mode,
        api_base="" if foreign else stored.api_base,
        status=stored.status,
        reason="" if foreign else stored.reason,
        checked_at=stored.checked_at,
        updated_at=stored.updated_at,
    )


async def _record(hub: Hub, actor: Actor, event: str, stored: Binding, status: str = "") -> None:
    """Who changed what: ids and codes, nothing of the secret, not even its length."""
    record = Record(
        id=uuid4(),
        owner=stored.owner,
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
    )
    await ledger.append(hub.pool, [record])
