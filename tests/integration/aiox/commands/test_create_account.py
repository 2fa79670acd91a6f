"""Creating accounts: server first, hub second, and what broke off in between is mended by the same run again."""

from __future__ import annotations

from uuid import uuid4

import pytest
from argon2 import PasswordHasher

from aiox.commands import create_account
from aiox.commands.create_account import AccountCreated, CreateAccount
from aiox.commands.create_session import NOBODY
from aiox.commands.passwords import Passwords
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from registry import tenants
from tests.integration.gateway.door import XmppServer
from tests.stores import Stores

PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))


def fields(name: str, **changes: str) -> CreateAccount:
    given = {"email": f"{name}@example.org", "password": "correct horse battery", "name": name, **changes}
    return CreateAccount.model_validate(given)


def new_name() -> str:
    return uuid4().hex[:12]


async def run(stores: Stores, asked: CreateAccount, server: XmppServer) -> AccountCreated | Refused:
    return await create_account.run(stores.hub, NOBODY, asked, server, PASSWORDS)


async def test_account_is_in_both_places_with_its_key(stores: Stores) -> None:
    server, name = XmppServer(), new_name()
    made = await run(stores, fields(name), server)
    assert isinstance(made, AccountCreated)
    assert server.accounts == {made.jid: "correct horse battery"}
    await tenants.load_ring(stores.pools["gateway"], stores.keys, made.owner)


async def test_a_run_that_broke_off_is_mended_by_running_again(stores: Stores) -> None:
    server, name = XmppServer(), new_name()
    server.accounts[f"{name}@localhost"] = "correct horse battery"
    assert isinstance(await run(stores, fields(name), server), AccountCreated)


async def test_nothing_is_stored_when_the_server_fails(stores: Stores) -> None:
    class Down(XmppServer):
        async def ensure(self, jid: str, password: str) -> None:
            raise ConnectionError(jid)

    name = new_name()
    with pytest.raises(ConnectionError):
        await run(stores, fields(name), Down())
    assert isinstance(await run(stores, fields(name), XmppServer()), AccountCreated)


async def test_another_persons_jid_is_not_taken_over(stores: Stores) -> None:
    server, name = XmppServer(), new_name()
    await run(stores, fields(name), server)
    refused = await run(stores, fields(name, email=f"{new_name()}@example.org", password="another password"), server)
    assert isinstance(refused, Refused)
    assert refused.code is ErrorCode.CONFLICT
    assert server.accounts[f"{name}@localhost"] == "correct horse battery"


async def test_an_address_is_taken_once(stores: Stores) -> None:
    server, name = XmppServer(), new_name()
    await run(stores, fields(name), server)
    refused = await run(stores, fields(new_name(), email=f"{name}@EXAMPLE.org"), server)
    assert isinstance(refused, Refused)
    assert len(server.accounts) == 1
