"""Approvals at the shell: who signs in sees and decides what is theirs, and the operator alone decides nothing."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from aiox.cli import approvals as shell
from aiox.cli.approvals import NOT_DELIVERED, Login
from aiox.cli.groups import approvals as group
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands.hub import Actor
from aiox.commands.passwords import Passwords
from aiox.kernel.ids import TurnId
from aiox.kernel.verdict import Hold
from aiox.runtime.clock import SystemClock
from aiox.runtime.postgres import owner_scope
from policy import approvals as rules
from policy.approvals import Approval, Call
from registry import approvals, tenants
from registry.approvals import Kept
from tests.integration.governance import join, message_event, organisation
from tests.stores import Stores

PASSWORD = "a password for the shell"
FOUR_EYES = Hold("four_eyes", ("hub/two",))


def login_of(actor: Actor, password: str = PASSWORD) -> Login:
    return Login(f"{actor.owner}@example.org", password)


async def people(stores: Stores) -> tuple[Actor, Actor]:
    """An owner, and a colleague who may approve what the owner asks for."""
    hashed = await Passwords().hash(PASSWORD)
    owner, colleague = await stores.account(hashed), await stores.account(hashed)
    await join(stores, await organisation(stores, owner), colleague, "approver")
    async with stores.superuser() as connection:
        await connection.execute(
            "UPDATE users SET confirmed_at = now() WHERE id = ANY($1)", [owner.owner, colleague.owner]
        )
    return owner, colleague


async def waiting(stores: Stores, actor: Actor, terms: Hold = FOUR_EYES) -> Approval:
    agent, pool, now = await stores.agent(actor), stores.pools["orchestrator"], SystemClock().now()
    call = Call(actor.jid, agent, uuid4(), "append_line", b'{"line":"x"}', "p")
    requester = await approvals.find_person(pool, actor.jid, actor.owner)
    new = rules.ask(uuid4(), call, terms, requester, now)
    async with owner_scope(pool, actor.owner) as connection:
        ring = await tenants.ring_of(connection, stores.keys, actor.owner)
        kept = Kept(new, actor.owner, TurnId(uuid4()), message_event(actor.jid, agent, now))
        await approvals.add(connection, ring, kept)
    return new


async def events(stores: Stores, actor: Actor) -> list[str]:
    async with stores.superuser() as connection:
        rows = await connection.fetch(
            "SELECT event_type FROM audit_logs WHERE owner_user_id = $1 AND event_type LIKE 'approval.%' ORDER BY seq",
            actor.owner,
        )
    return [row["event_type"] for row in rows]


async def test_a_colleague_sees_the_call_and_lets_it_run(stores: Stores) -> None:
    owner, colleague = await people(stores)
    name = (await waiting(stores, owner)).digest[:8]
    settings, login, shown = stores.settings, login_of(colleague), list[str]()

    def agrees(text: str) -> bool:
        shown.append(text)
        return True

    assert name in await shell.list_open(settings, login)
    assert "State: pending, 0 of 1 agreed." in await shell.show(settings, login, name)
    assert await shell.decide(settings, login, name, lambda _: False, approves=True) == "Nothing was decided."
    told = await shell.decide(settings, login, name, agrees, approves=True)
    assert told == f"{name} append_line: {NOT_DELIVERED}."
    assert "line: x" in shown[0]
    assert NOT_DELIVERED in await shell.list_open(settings, login_of(owner)), "no bus runs here: it was not delivered"
    assert await events(stores, owner) == ["approval.decided"]


async def test_who_asked_may_only_take_it_back(stores: Stores) -> None:
    owner, _ = await people(stores)
    name = (await waiting(stores, owner)).digest[:8]
    with pytest.raises(CannotGoOn, match="Another person"):
        await shell.decide(stores.settings, login_of(owner), name, lambda _: True, approves=True)
    assert await shell.decide(stores.settings, login_of(owner), name, lambda _: True, approves=False) == (
        f"{name} append_line: denied."
    )
    assert await events(stores, owner) == ["approval.refused", "approval.decided"]


async def test_a_wrong_password_decides_nothing(stores: Stores) -> None:
    owner, colleague = await people(stores)
    name = (await waiting(stores, owner)).digest[:8]
    with pytest.raises(CannotGoOn, match="is wrong"):
        await shell.decide(
            stores.settings, login_of(colleague, "guessed at the shell"), name, lambda _: True, approves=True
        )
    assert await events(stores, owner) == []


async def test_the_sessions_of_the_shell_end_with_it(stores: Stores) -> None:
    owner, _ = await people(stores)
    await shell.list_open(stores.settings, login_of(owner))
    async with stores.superuser() as connection:
        open_ones = await connection.fetchval(
            "SELECT count(*) FROM sessions WHERE owner_user_id = $1 AND revoked_at IS NULL", owner.owner
        )
    assert open_ones == 0


def test_a_password_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    asked = ["list", "--email", "a@b.example", "--password-file", str(tmp_path / "none")]
    result = CliRunner().invoke(group.app, asked)
    assert isinstance(result.exception, CannotGoOn)
    assert "password file" in str(result.exception)
