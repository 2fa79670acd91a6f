"""Who may do what to other people's accounts: the operator all, a hub_admin close and look, everybody else nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from aiox.commands import users
from aiox.commands.hub import Actor
from aiox.commands.passwords import Passwords
from aiox.commands.people import HouseRules, People
from aiox.kernel.account import HubRole
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from registry import accounts
from registry.accounts import AccountRow
from tests.integration.gateway.door import Letterbox, XmppServer
from tests.stores import Stores

OPERATOR = Actor(HUB_OWNER, BareJid("operator@localhost"))
LOOK = {"list", "show"}
CLOSE = {"sessions", "end sessions", "deactivate", "activate"}
TAKE_OVER = {"role", "password", "begin factor", "remove factor"}


def people() -> People:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
    return People(passwords, XmppServer(), Letterbox().put, HouseRules(), b"")


def asked(stores: Stores, actor: Actor, email: str) -> dict[str, Callable[[], Awaitable[object]]]:
    hub, which, helpers = stores.hub, users.WhichUser(email=email), people()
    role = users.PutRole(email=email, role=HubRole.AUDITOR)
    password = users.PutPassword.model_validate({"email": email, "password": "another horse battery"})
    return {
        "list": lambda: users.list_all(hub, actor),
        "show": lambda: users.show(hub, actor, which),
        "sessions": lambda: users.list_sessions(hub, actor, which, helpers),
        "end sessions": lambda: users.end_all_sessions(hub, actor, which, helpers),
        "deactivate": lambda: users.deactivate(hub, actor, which, helpers),
        "activate": lambda: users.activate(hub, actor, which, helpers),
        "role": lambda: users.put_role(hub, actor, role),
        "password": lambda: users.put_password(hub, actor, password, helpers),
        "begin factor": lambda: users.begin_second_factor(hub, actor, which),
        "remove factor": lambda: users.remove_second_factor(hub, actor, which),
    }


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("operator", LOOK | CLOSE | TAKE_OVER),
        (HubRole.ADMIN, LOOK | CLOSE),
        (HubRole.AUDITOR, LOOK),
        (None, set()),
    ],
)
async def test_who_may(stores: Stores, role: HubRole | str | None, may: set[str]) -> None:
    target, person = await stores.account(), await stores.account()
    actor = replace(person, hub_role=role) if not isinstance(role, str) or isinstance(role, HubRole) else OPERATOR
    found = set()
    for name, ask in asked(stores, actor, f"{target.owner}@example.org").items():
        result = await ask()
        if isinstance(result, Refused):
            assert result.code is ErrorCode.ACCESS_DENIED, name
        else:
            found.add(name)
    assert found == may


async def test_nobody_may_pretend_to_be_the_hub(stores: Stores) -> None:
    """The hub's own tenant without the operator's address is nobody: who asks before the hub knows who it is."""
    assert isinstance(await users.list_all(stores.hub, Actor(HUB_OWNER, BareJid(""))), Refused)


async def test_a_role_is_stored_and_taken_away(stores: Stores) -> None:
    email = f"{(await stores.account()).owner}@example.org"
    for role in (HubRole.ADMIN, None):
        await users.put_role(stores.hub, OPERATOR, users.PutRole(email=email, role=role))
        shown = await users.show(stores.hub, OPERATOR, users.WhichUser(email=email))
        assert isinstance(shown, AccountRow)
        assert shown.hub_role is role


async def test_a_deactivated_account_is_still_found(stores: Stores) -> None:
    actor = await stores.account()
    which = users.WhichUser(email=f"{actor.owner}@example.org")
    helpers = people()
    await users.deactivate(stores.hub, OPERATOR, which, helpers)
    assert await accounts.find_login(stores.pools["gateway"], which.email) is None
    shown = await users.show(stores.hub, OPERATOR, which)
    assert isinstance(shown, AccountRow)
    assert shown.deactivated_at is not None
    await users.activate(stores.hub, OPERATOR, which, helpers)
    assert await accounts.find_login(stores.pools["gateway"], which.email) is not None


async def test_an_unknown_address_is_said(stores: Stores) -> None:
    answer = await users.show(stores.hub, OPERATOR, users.WhichUser(email="nobody@example.org"))
    assert isinstance(answer, Refused)
    assert answer.code is ErrorCode.NOT_FOUND
