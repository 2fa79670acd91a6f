"""Which credentials a turn is given: resolved for its owner at dispatch, and tested again when a provider refuses one.

Workers cannot read them from the store; they come along inside the request, over mutual TLS.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import uuid4

from aiox.kernel.agent import Fallback, LlmConfig
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.runtime.clock import Clock
from aiox.runtime.keyring import CannotOpen, KeyRing
from aiox.runtime.logs import Log, describe
from aiox.runtime.postgres import Pool, StoreTrouble
from aiox.runtime.provider_check import ProviderCheck
from aiox.runtime.settings import Model, Providers
from aiox.wire.v1 import worker_pb2 as pb
from policy.credentials import Kind, Level, Mode, Status, Why, choose, is_allowed
from policy.ledger import Record
from registry import credentials, ledger
from registry.credentials import Binding

CACHE_S: Final = 5.0
"""How long what was read of an owner's bindings is taken to be true; a change is heeded after that."""
REMEMBERED: Final = 2048
"""Accounts and organisations of which what was read is kept."""
POLL_S: Final = 10.0
RETEST: Final = timedelta(days=1)
_BATCH: Final = 20
_CODES: Final = {
    Why.DISABLED: ErrorCode.PROVIDER_NOT_ALLOWED,
    Why.REFUSED: ErrorCode.AUTH_ERROR,
}


@dataclass(frozen=True, slots=True)
class Granted:
    """What a turn may ask its models with. `used` names the stored credentials, for the ledger and for doubts."""

    config: LlmConfig
    credentials: tuple[pb.Credential, ...]
    used: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class _Opened:
    binding: Binding
    secret: str


class Credentials:
    """Resolves owner -> organisation -> hub. The hub's settings (`model`) stand in where the hub has stored nothing."""

    def __init__(
        self, pool: Pool, ring_of: Callable[[OwnerId], Awaitable[KeyRing]], model: Model, providers: Providers
    ) -> None:
        self._pool = pool
        self._ring_of = ring_of
        self._model = model
        self._allowed = providers.allowed
        self._known: OrderedDict[OwnerId, tuple[float, Sequence[_Opened]]] = OrderedDict()
        self._joined: OrderedDict[OwnerId, tuple[float, Sequence[OwnerId]]] = OrderedDict()

    async def grant(self, owner: OwnerId, wanted: LlmConfig) -> Granted | ErrorCode:
        """Credentials for the agent's model and for those of its fallbacks that it may use.

        PROVIDER_NOT_ALLOWED when the model is not on the hub's list or the provider is disabled, AUTH_ERROR when its
        credential is known to be refused and no fallback is left. An agent that names no provider has the hub's, or
        none: the offline responder.
        """
        known = list(await self._of(owner))
        for organisation in await self._organisations(owner):
            known += await self._of(organisation)
        known += await self._of(HUB_OWNER)
        main = self._resolve(known, wanted.provider or self._model.provider, wanted.model or self._model.name)
        if main is ErrorCode.PROVIDER_NOT_ALLOWED:
            # Whoever disabled the hub's own model, and named no other, is answered offline.
            return main if wanted.provider else _granted(wanted, [_Found("", "", None, None)])
        tried = [main, *(self._resolve(known, other.provider, other.model) for other in wanted.fallbacks)]
        usable = [found for found in tried if isinstance(found, _Found)]
        return _granted(wanted, usable) if usable else ErrorCode.AUTH_ERROR

    async def doubt(self, owner: OwnerId, used: Sequence[Binding]) -> None:
        """A provider refused one of these: they are tested again soon. Until then they are used."""
        for binding in used:
            await credentials.mark(self._pool, binding, binding.status, binding.reason, None)
            self._known.pop(binding.owner, None)
        self._known.pop(owner, None)

    def forget(self) -> None:
        """What was read is read again."""
        self._known.clear()
        self._joined.clear()

    def _resolve(self, known: Sequence[_Opened], provider: str, model: str) -> _Found | ErrorCode:
        if not provider:
            return _Found("", model, None, None)
        if not is_allowed(provider, model, self._allowed):
            return ErrorCode.PROVIDER_NOT_ALLOWED
        of_provider = [one for one in known if one.binding.provider == provider]
        chosen = choose([one.binding.said for one in of_provider])
        if chosen is Why.MISSING:
            return self._from_settings(provider, model)
        if isinstance(chosen, Why):
            return _CODES[chosen]
        opened = next(one for one in of_provider if one.binding.said == chosen)
        given = pb.Credential(provider=provider, api_base=opened.binding.api_base, api_key=opened.secret)
        return _Found(provider, model, given, opened.binding)

    def _from_settings(self, provider: str, model: str) -> _Found:
        """Without a stored credential, the one in the hub's settings, if it is for this provider; else none at all."""
        hub = self._model
        if provider != hub.provider:
            return _Found(provider, model, None, None)
        given = pb.Credential(provider=provider, api_base=hub.api_base, api_key=hub.api_key)
        return _Found(provider, model, given, None)

    async def _organisations(self, owner: OwnerId) -> Sequence[OwnerId]:
        now = asyncio.get_running_loop().time()
        at, known = self._joined.get(owner, (0.0, ()))
        if owner not in self._joined or now - at >= CACHE_S:
            known = await credentials.organisations_of(self._pool, owner)
            self._joined[owner] = (now, known)
            self._joined.move_to_end(owner)
            if len(self._joined) > REMEMBERED:
                self._joined.popitem(last=False)
        return known

    async def _of(self, owner: OwnerId) -> Sequence[_Opened]:
        now = asyncio.get_running_loop().time()
        at, known = self._known.get(owner, (0.0, ()))
        if owner in self._known and now - at < CACHE_S:
            return known
        found = [one for one in await credentials.list_of(self._pool, owner) if one.kind is Kind.LLM]
        ring = await self._ring_of(owner) if any(one.sealed for one in found) else None
        opened = [_opened(one, ring) for one in found]
        self._known[owner] = (now, opened)
        self._known.move_to_end(owner)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return opened


def _opened(binding: Binding, ring: KeyRing | None) -> _Opened:
    try:
        return _Opened(binding, "" if ring is None else binding.open(ring))
    except CannotOpen:  # as good as refused; the daily test says so to its owner
        return _Opened(replace(binding, status=Status.INVALID), "")


def _granted(wanted: LlmConfig, usable: Sequence[_Found]) -> Granted:
    """The first of them answers, the others follow."""
    first, *others = usable
    fallbacks = tuple(Fallback(provider=found.provider, model=found.model) for found in others)
    given = {found.provider: found.credential for found in usable if found.credential is not None}
    used = {found.binding.id: found.binding for found in usable if found.binding is not None}
    config = wanted.model_copy(update={"provider": first.provider, "model": first.model, "fallbacks": fallbacks})
    return Granted(config, tuple(given.values()), tuple(used.values()))


@dataclass(frozen=True, slots=True)
class _Found:
    provider: str
    model: str
    credential: pb.Credential | None
    binding: Binding | None


@dataclass(frozen=True, slots=True)
class Retests:
    """Tests stored credentials once a day, and soon after a provider refused one. Any number of orchestrators may."""

    pool: Pool
    ring_of: Callable[[OwnerId], Awaitable[KeyRing]]
    check: ProviderCheck
    clock: Clock
    log: Log

    async def run(self) -> None:
        """Until cancelled; what breaks is tried again."""
        while True:
            try:
                await self.round()
            except StoreTrouble as away:
                self.log.warning("credential_tests_wait", error=repr(away))
            await asyncio.sleep(POLL_S)

    async def round(self) -> int:
        """One look at what is due. Returns how many were tested."""
        due = await credentials.find_due(self.pool, self.clock.now() - RETEST, _BATCH)
        for credential, owner in due:
            binding = next((one for one in await credentials.list_of(self.pool, owner) if one.id == credential), None)
            if binding is not None and binding.mode is Mode.CUSTOM:
                await self._test(owner, binding)
        return len(due)

    async def _test(self, owner: OwnerId, binding: Binding) -> None:
        status, reason = binding.status, binding.reason
        if binding.kind is Kind.LLM:
            try:
                secret = binding.open(await self.ring_of(owner))
            except CannotOpen as wrong:
                self.log.error("credential_damaged", credential_id=str(binding.id), error=describe(wrong))
                status, reason = Status.INVALID, "The stored key is damaged. Put it again."
            else:
                checked = await self.check(binding.provider, binding.api_base, secret)
                if checked.status != "untested":  # a provider that is away says nothing about a key that was good
                    status, reason = Status(checked.status), checked.reason
        marked = await credentials.mark(self.pool, binding, status, reason, self.clock.now())
        if marked and status is not binding.status:
            self.log.warning("credential_status", credential_id=str(binding.id), status=str(status))
            await ledger.append(self.pool, [self._record(binding, status)])

    def _record(self, binding: Binding, status: Status) -> Record:
        return Record(
            id=uuid4(),
            owner=HUB_OWNER if binding.level is Level.ORGANISATION else binding.owner,
            event_type="credential.tested",
            severity="info" if status is Status.VALID else "warning",
            details={
                "credential_id": str(binding.id),
                "kind": str(binding.kind),
                "provider": binding.provider,
                "mode": str(binding.mode),
                "status": str(status),
            },
            created_at=self.clock.now(),
            actor="",
            organisation_id=binding.owner if binding.level is Level.ORGANISATION else None,
        )
