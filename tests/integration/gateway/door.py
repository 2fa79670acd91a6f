"""The HTTP door on real stores, with people who can sign in."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import httpx

from aiox.commands import create_account
from aiox.commands.create_account import AccountCreated, CreateAccount
from aiox.commands.create_session import NOBODY
from aiox.kernel.jid import BareJid
from aiox.runtime.mail import Letter
from aiox.runtime.xmpp_server import XmppAccountTaken, XmppServerTrouble
from gateway.access import Door
from tests.stores import Stores

PASSWORD = "correct horse battery"


class XmppServer:
    """The accounts of an XMPP server, in dictionaries. `away` makes every call fail, as a server that is down."""

    def __init__(self) -> None:
        self.accounts: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.kicked: list[str] = []
        self.shut: set[str] = set()
        self.away = False

    async def ensure(self, jid: BareJid, password: str) -> None:
        self._answer()
        if self.accounts.setdefault(jid, password) != password:
            raise XmppAccountTaken(jid)

    async def set_password(self, jid: BareJid, password: str) -> None:
        self._answer()
        self.accounts[jid] = password

    async def end_sessions(self, jid: BareJid) -> None:
        self._answer()
        self.kicked.append(jid)

    async def shut_out(self, jid: BareJid) -> None:
        self._answer()
        self.kicked.append(jid)
        self.shut.add(jid)

    async def let_in(self, jid: BareJid) -> None:
        self._answer()
        self.shut.discard(jid)

    async def remove(self, jid: BareJid) -> None:
        self._answer()
        self.accounts.pop(jid, None)

    async def issue_token(self, jid: BareJid) -> str:
        self._answer()
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = jid
        return token

    async def revoke_token(self, token: str) -> None:
        self._answer()
        self.tokens.pop(token, None)

    def _answer(self) -> None:
        if self.away:
            raise XmppServerTrouble("the XMPP server does not answer")


class Letterbox:
    """Letters that would have been sent."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def put(self, letter: Letter) -> None:
        self.letters.append(letter)

    def token_for(self, address: str) -> str:
        """The token in the link of the newest letter to this address."""
        letter = next(one for one in reversed(self.letters) if one.to == address)
        return letter.text.split("#token=")[1].split()[0]


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
    xmpp: XmppServer
    letters: Letterbox

    async def person(self) -> Person:
        """A new account, signed in."""
        name = uuid4().hex[:12]
        fields = CreateAccount.model_validate({"email": f"{name}@example.org", "password": PASSWORD, "name": name})
        made = await create_account.run(self.stores.hub, NOBODY, fields, self.xmpp, self.inner.passwords)
        assert isinstance(made, AccountCreated)
        answer = await self.client.post("/v1/sessions", json={"email": fields.email, "password": PASSWORD})
        assert answer.status_code == 201
        return Person(fields.email, made, {"Authorization": f"Bearer {answer.json()['access_token']}"})

    async def agent(self, person: Person, name: str = "Ada") -> str:
        answer = await self.client.post("/v1/agents", json={"profile": {"name": name}}, headers=person.headers)
        assert answer.status_code == 201, answer.text
        agent_id: str = answer.json()["agent_id"]
        return agent_id
