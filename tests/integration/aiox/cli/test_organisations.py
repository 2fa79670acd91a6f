"""`aiox organisation ...`: from founding to an invitation that was taken back, in the name of one account."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from aiox.cli import organisations
from aiox.cli.stack.trouble import CannotGoOn
from aiox.kernel.account import OrgRole
from tests.stores import NOW, Stores


async def test_what_members_do_over_http_the_shell_does_in_their_name(stores: Stores) -> None:
    settings, founder, other = stores.settings, await stores.account(), await stores.account()
    assert "in no organisation" in await organisations.list_mine(settings, founder.jid)
    made = await organisations.create(settings, founder.jid, "House")
    which = made.split()[0]
    assert made.split()[1:] == ["House", "owner"]
    assert which in await organisations.list_mine(settings, founder.jid)
    assert "Home" in await organisations.rename(settings, founder.jid, which, "Home")
    async with stores.superuser() as root:
        await root.execute(
            "INSERT INTO memberships (organisation_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)",
            UUID(which),
            other.owner,
            OrgRole.MEMBER,
            NOW,
        )
    assert "admin" in await organisations.put_role(settings, founder.jid, which, other.jid, "admin")
    shown = await organisations.show(settings, other.jid, which)
    assert shown.splitlines()[0] == "Home"
    assert f"{other.jid}  admin" in shown
    email = f"{uuid4().hex[:8]}@example.org"
    sent = await organisations.invite(settings, other.jid, which, email, "member")
    invitation = sent.split()[0]
    assert invitation in await organisations.invitations(settings, founder.jid, which)
    assert invitation in await organisations.withdraw(settings, founder.jid, which, invitation)
    assert "No invitation" in await organisations.invitations(settings, founder.jid, which)
    assert "no member" in await organisations.remove(settings, founder.jid, which, other.jid)
    async with stores.superuser() as root:
        actors = await root.fetch("SELECT DISTINCT actor FROM audit_logs WHERE organisation_id = $1", UUID(which))
    assert {row["actor"] for row in actors} == {"operator@localhost"}


async def test_what_a_member_may_not_the_shell_does_not_do_either(stores: Stores) -> None:
    settings, founder, eve = stores.settings, await stores.account(), await stores.account()
    which = (await organisations.create(settings, founder.jid, "House")).split()[0]
    for refused in (
        organisations.show(settings, eve.jid, which),
        organisations.rename(settings, eve.jid, which, "Mine"),
        organisations.put_role(settings, eve.jid, which, eve.jid, "owner"),
        organisations.remove(settings, founder.jid, which, founder.jid),
        organisations.show(settings, founder.jid, "no-id"),
        organisations.show(settings, "nobody@localhost", which),
    ):
        with pytest.raises(CannotGoOn):
            await refused
