"""`aiox ledger list`: everybody's records for the operator, one account's by name, filtered as over HTTP."""

from __future__ import annotations

from aiox.cli.agents import create
from aiox.cli.ledger_lists import listed
from tests.stores import Stores


async def test_records_are_listed_by_owner_kind_and_number(stores: Stores) -> None:
    settings, ada, eve = stores.settings, await stores.account(), await stores.account()
    made = await create(settings, ada.jid, "", None, {"profile": {"name": "Ada"}})
    agent = made.split()[1]
    mine = await listed(settings, ada.jid, event_type="agent.created", limit=50)
    assert "agent.created" in mine
    assert agent in mine
    assert agent not in await listed(settings, eve.jid, limit=50)
    assert agent in await listed(settings, "", limit=50), "the operator sees everybody's"
    newest = await listed(settings, ada.jid, limit=1)
    number = int(newest.split()[0])
    assert newest.splitlines()[-1] == f"Older ones: --below {number}"
    assert int((await listed(settings, ada.jid, limit=1, below=number)).split()[0]) < number
    assert await listed(settings, ada.jid, event_type="nothing.such", limit=5) == "No record fits."
