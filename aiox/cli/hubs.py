"""`aiox hub ...`: the keys by which hubs know each other, from the operator's shell."""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping
from typing import Final

from aiox.cli.agents import done
from aiox.cli.stack.containers import hand_on
from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.users import open_desk
from aiox.commands import hub_keys, hub_trust
from aiox.commands.fields import read
from aiox.commands.hub_trust import WhichHub
from aiox.kernel.outcome import Refused
from aiox.runtime.keyring import parse_keys
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from policy.notes import SignerKey

NAME: Final = "hub_keys"
"""The secret of the component: lines `number:seed in hex`."""


async def keys(settings: Settings) -> str:
    """Our keys, and those that are pinned of other hubs. Raises CannotGoOn, SecretMissing."""
    own = [str(SignerKey(f"{settings.domain}/hub", seed).verifier) for seed in _read(_secrets(settings)).values()]
    async with open_desk(settings) as desk:
        found = done(await hub_trust.list_pinned(desk.hub, desk.actor))
    lines = ["This hub signs with:", *own]
    for pinned in found:
        lines.append(f"{pinned.document.domain}, pinned {pinned.pinned_at:%Y-%m-%d %H:%M}:")
        lines += [f"  hub      {key}" for key in pinned.document.keys]
        lines += [f"  witness  {key}" for key in pinned.document.witnesses]
        lines += [f"  ledger   {key}" for key in pinned.document.ledger]
    return "\n".join(lines)


async def unpin(settings: Settings, domain: str) -> str:
    """Begins anew with a hub. Raises CannotGoOn."""
    fields = read(WhichHub, {"domain": domain.lower()})
    if isinstance(fields, Refused):
        raise CannotGoOn(fields.reason)
    async with open_desk(settings) as desk:
        no = await hub_trust.unpin(desk.hub, desk.actor, fields)
    if no is not None:
        raise CannotGoOn(f"{no.reason} Mend: aiox hub keys")
    told = f"The keys of {fields.domain} are taken anew, as at introduction."
    return f"{told} If it is frozen: aiox peer allow {fields.domain}"


async def rotate_key(settings: Settings) -> str:
    """Lets a new key sign beside the old one. Raises CannotGoOn."""
    secrets = _secrets(settings)
    async with open_desk(settings) as desk:
        found = done(await hub_keys.rotate(desk.hub, desk.actor, _read(secrets), lambda: random.token_bytes(32)))
    _write(settings, secrets, found)
    return f"Key {max(found)} signs beside the old one. Other hubs see both within minutes; then: aiox hub retire-key"


async def retire_key(settings: Settings) -> str:
    """Lets the newest key sign alone. Raises CannotGoOn."""
    secrets = _secrets(settings)
    async with open_desk(settings) as desk:
        found = done(await hub_keys.retire(desk.hub, desk.actor, _read(secrets)))
    _write(settings, secrets, found)
    return f"Key {max(found)} signs alone. A hub that was away since it joined freezes us: its admin unpins us then."


def _secrets(settings: Settings) -> Secrets:
    return Home(settings.home).secrets("component")


def _read(secrets: Secrets) -> Mapping[int, bytes]:
    return dict(sorted(parse_keys(secrets.read(NAME)).items(), reverse=True))


def _write(settings: Settings, secrets: Secrets, seeds: Mapping[int, bytes]) -> None:
    secrets.write(NAME, "".join(f"{number}:{seed.hex()}\n" for number, seed in seeds.items()))
    hand_on(Home(settings.home), "component", NAME)
