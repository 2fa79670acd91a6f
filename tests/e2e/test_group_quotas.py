"""A budget that an organisation shares: what one member's agent has used is missing to the other's, at both doors."""

from __future__ import annotations

from aiox.commands import group_quotas, organisations
from aiox.commands.group_quotas import PutOrganisationQuota
from aiox.commands.organisations import Found, WhichOrganisation
from aiox.kernel.outcome import Refused
from tests.e2e.database import superuser
from tests.e2e.over_http import signed_in, until_ended
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, online, shape
from tests.stack import RunningHub


async def test_members_spend_one_budget_and_read_which_limit_it_was(hub: RunningHub) -> None:
    ada, bob = await hub.account(quota=ROOMY_ACCOUNT), await hub.account(quota=ROOMY_ACCOUNT)
    hers, his = await hub.agent(ada, governance=ROOMY), await hub.agent(bob, governance=ROOMY)
    async with hub.commands() as desk:
        house = await organisations.found(desk, ada.actor, Found(name="House"))
        assert not isinstance(house, Refused)
    async with superuser(hub) as connection:
        await connection.execute("INSERT INTO memberships VALUES ($1, $2, 'member', now())", house.id, bob.actor.owner)
    async with online(hub, ada) as person:
        assert await answer_to(person, hers.jid, "hello")
    which = WhichOrganisation(organisation_id=house.id)
    async with hub.commands() as desk:
        shown = await group_quotas.show(desk, ada.actor, which)
        assert not isinstance(shown, Refused)
        used = shown.used.day_tokens
        assert used > 0, "counted where no limit is set, too"
        asked = PutOrganisationQuota(organisation_id=house.id, tokens_per_day=used + 1)
        assert not isinstance(await group_quotas.put_own(desk, ada.actor, asked), Refused)
    async with online(hub, bob) as person, signed_in(hub, bob) as client:
        error = shape(await person.error_for(person.say(his.jid, "hello there, whoever you are")), hide=())
        assert "QUOTA_EXCEEDED" in error
        assert f"The limit of {used + 1} tokens (organisation, per day) is used up. It resets in" in error
        posted = await client.post(f"/v1/agents/{his.agent_id}/messages", json={"text": "hello there, whoever you are"})
        turn = await until_ended(client, posted.headers["location"])
        assert (turn["state"], turn["error"]["code"]) == ("failed", "QUOTA_EXCEEDED")
    async with superuser(hub) as connection:
        row = await connection.fetchrow("SELECT * FROM quota_usage WHERE scope_id = $1", house.id)
    assert row is not None
    assert row["day_tokens"] == used, "a refusal costs nothing"
