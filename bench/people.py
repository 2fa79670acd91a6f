"""Accounts with an agent each, made through the hub's own commands, with quotas that never bind."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from aiox.cli.stack.xmpp_accounts import ServerAccounts
from aiox.commands import create_account, create_agent
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import Passwords
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import KeyRing
from bench.light_client import Login
from bench.throwaway import Bench

MANY: Final = 10**9
"""Tokens a minute and a day."""


class NotMade(Exception):
    """The hub refused an account or an agent."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account and the address of its agent."""

    login: Login
    agent: str


async def people(bench: Bench, count: int) -> list[Person]:
    """Makes `count` of them. Raises NotMade when the hub refuses one."""
    pool = await postgres.connect(bench.settings, bench.home.secrets("gateway"), "gateway")
    try:
        keys = KeyRing.parse(bench.home.secrets("stack").read("keyring"))
        hub = Hub(pool, keys, SystemClock(), bench.settings.domain)
        return [await _person(bench, hub, f"load{number}") for number in range(count)]
    finally:
        await pool.close()


async def _person(bench: Bench, hub: Hub, name: str) -> Person:
    jid = BareJid(f"{name}@{bench.settings.domain}")
    password = secrets.token_urlsafe(15)
    account = create_account.CreateAccount.model_validate(
        {
            "email": f"{name}@example.org",
            "password": password,
            "name": name,
            "quota": {"tokens_per_minute": MANY, "tokens_per_day": MANY},
        }
    )
    xmpp = ServerAccounts(bench.home, bench.settings)
    made = await create_account.run(hub, Actor(HUB_OWNER, jid), account, xmpp, Passwords())
    if isinstance(made, Refused):
        raise NotMade(f"no account for {name}: {made.reason}")
    limits = {"max_tokens_per_minute": MANY, "max_tokens_per_day": MANY}
    fields = create_agent.CreateAgent.model_validate(
        {"name": "Bench", "system_prompt": "Answer.", "governance": limits}
    )
    agent = await create_agent.run(hub, Actor(made.owner, jid), fields)
    if isinstance(agent, Refused):
        raise NotMade(f"no agent for {name}: {agent.reason}")
    login = Login(jid, password, bench.settings.ports.xmpp_client, bench.ca_file)
    return Person(login, agent.jid)
