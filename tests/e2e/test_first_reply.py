"""The shortest walk through the whole hub: an owner asks, the agent answers."""

from __future__ import annotations

from tests.stack import RunningHub


async def test_an_owner_gets_a_receipt_and_an_answer(hub: RunningHub) -> None:
    owner = await hub.account()
    agent = await hub.agent(owner)
    async with hub.client(owner) as client:
        exchange = await client.ask(agent.jid, "Good morning", 60)
    assert exchange.error_code == ""
    assert exchange.text
    assert exchange.receipt_ms is not None
    assert exchange.receipt_ms <= exchange.answer_ms
