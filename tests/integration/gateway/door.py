"""The HTTP door on real stores, with people who can sign in."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import httpx

from aiox.commands import create_account
from aiox.commands.create_account import AccountCreated, CreateAccount
from aiox.commands.create_session import NOBODY
from aiox.kernel.jid import BareJid
from aiox.runtime.xmpp_server import XmppAccountTaken
from gateway.access import Door
from tests.stores import Stores

PASSWORD = "correct horse battery"


class XmppServer:
    """The accounts of an XMPP server, in a dictionary."""

    def __init__(self) -> None:
        self.accounts: dict[str, str] = {}

    async def ensure(self, jid: BareJid, password: str) -> None:
        if self.accounts.setdefault(jid, password) != password:
            raise XmppAccountTaken(jid)


@dataclass(frozen=True)
class Person:
    email: str
    account: AccountCreated
    headers: dict[str, str]


@dataclass(frozen=True)
class HttpDoor:
    client: httpx.AsyncClient
    stores: Stores
    inner: Door

    async def person(self) -> Person:
        """A new account, signed in."""
        name = uuid4().hex[:12]
        fields = CreateAccount.model_validate({"email": f"{name}@example.org", "password": PASSWORD, "name": name})
        made = await create_account.run(self.stores.hub, NOBODY, fields, XmppServer(), self.inner.passwords)
        assert isinstance(made, AccountCreated)
        answer = await self.client.post("/v1/sessions", json={"email": fields.email, "password": PASSWORD})
        assert answer.status_code == 201
        return Person(fields.email, made, {"Authorization": f"Bearer {answer.json()['access_token']}"})

    async def agent(self, person: Person, name: str = "Ada") -> str:
        answer = await self.client.post("/v1/agents", json={"name": name}, headers=person.headers)
        assert answer.status_code == 201, answer.text
        agent_id: str = answer.json()["agent_id"]
        return agent_id
