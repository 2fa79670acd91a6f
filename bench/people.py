"""Accounts with an agent each, made through the hub's own commands, with quotas that never bind."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiox.cli.stack.home import Home
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
from aiox.runtime.settings import Settings
from bench.light_client import Login

MANY: Final = 10**9
"""Tokens a minute and a day."""
MANY_TURNS: Final = 1000
"""Of one account or agent at once."""


class NotMade(Exception):
    """The hub refused an account or an agent."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account and the addresses of its agents."""

    login: Login
    agents: Sequence[str]
    owner: UUID

    @property
    def agent(self) -> str:
        """The first of its agents."""
        return self.agents[0]


async def people(
    home: Home, settings: Settings, count: int, agents: int = 1, name: str = "load", **fields: object
) -> list[Person]:
    """Makes `count` of them with so many agents each; `fields` are further ones of an agent. Raises NotMade."""
    pool = await postgres.connect(settings, home.secrets("gateway"), "gateway")
    try:
        hub = Hub(pool, KeyRing.parse(home.secrets("stack").read("keyring")), SystemClock(), settings.domain)
        made = []
        for number in range(count):
            login, actor = await _account(home, settings, hub, f"{name}{number}")
            made.append(Person(login, [await _agent(hub, actor, fields) for _ in range(agents)], actor.owner))
    finally:
        await pool.close()
    return made


async def _account(home: Home, settings: Settings, hub: Hub, name: str) -> tuple[Login, Actor]:
    jid = BareJid(f"{name}@{settings.domain}")
    password = secrets.token_urlsafe(15)
    quota = {"tokens_per_minute": MANY, "tokens_per_day": MANY, "max_concurrent_requests": MANY_TURNS}
    fields = create_account.CreateAccount.model_validate(
        {"email": f"{name}@example.org", "password": password, "name": name, "quota": quota}
    )
    made = await create_account.run(hub, Actor(HUB_OWNER, jid), fields, ServerAccounts(home, settings), Passwords())
    if isinstance(made, Refused):
        raise NotMade(f"no account for {name}: {made.reason}")
    ca_file = home.secrets("xmpp").path("ca.crt")
    return Login(jid, password, settings.ports.xmpp_client, ca_file), Actor(made.owner, jid)


async def _agent(hub: Hub, actor: Actor, fields: Mapping[str, object]) -> str:
    limits = {"max_tokens_per_minute": MANY, "max_tokens_per_day": MANY, "max_concurrent": MANY_TURNS}
    asked = {"profile": {"name": "Bench", "system_prompt": "Answer."}, "governance": limits, **fields}
    agent = await create_agent.run(hub, actor, create_agent.CreateAgent.model_validate(asked))
    if isinstance(agent, Refused):
        raise NotMade(f"no agent for {actor.jid}: {agent.reason}")
    return agent.jid
