from __future__ import annotations

import pytest

from aiox.kernel.ids import AgentId, agent_id_of
from aiox.kernel.jid import BareJid
from component.features.presence import answer_presence, asks_to_see
from component.stanza_xml import to_text
from tests.unit.component.stanzas import AGENT, ALICE, parse

SEEN = agent_id_of(AGENT.partition("@")[0])


async def may_see(agent: AgentId, asker: BareJid) -> bool:
    return agent == SEEN and asker == "alice@hub.test"


async def answers(kind: str, sender: str = ALICE, to: str = AGENT) -> list[str]:
    presence = parse(f'<presence from="{sender}" to="{to}" type="{kind}"/>')
    return [to_text(answer) for answer in await answer_presence(presence, may_see)]


async def test_subscription_of_one_who_may_see_is_accepted_and_shown() -> None:
    assert await answers("subscribe", "alice@hub.test") == [
        f'<presence from="{AGENT}" to="alice@hub.test" type="subscribed"/>',
        f'<presence from="{AGENT}/aiox" to="alice@hub.test"/>',
    ]


async def test_probe_is_answered_where_it_came_from() -> None:
    assert await answers("probe") == [f'<presence from="{AGENT}/aiox" to="{ALICE}"/>']


@pytest.mark.parametrize("kind", ["subscribe", "probe"])
@pytest.mark.parametrize(
    ("sender", "to"),
    [
        ("mallory@hub.test", AGENT),
        ("alice@hub.test", "nobody@agents.hub.test"),
        ("alice@hub.test", "agents.hub.test"),
        ("hub.test", AGENT),
        ("@", AGENT),
    ],
    ids=["forbidden", "unknown", "component", "no person", "no address"],
)
async def test_all_others_hear_nothing(kind: str, sender: str, to: str) -> None:
    assert await answers(kind, sender, to) == []


@pytest.mark.parametrize("to", [AGENT, "nobody@agents.hub.test"])
async def test_unsubscribing_is_the_same_everywhere(to: str) -> None:
    assert await answers("unsubscribe", "mallory@hub.test", to) == [
        f'<presence from="{to}" to="mallory@hub.test" type="unsubscribed"/>',
        f'<presence from="{to}/aiox" to="mallory@hub.test" type="unavailable"/>',
    ]


@pytest.mark.parametrize("kind", ["", "unavailable", "subscribed", "unsubscribed", "error"])
async def test_other_presence_is_taken_in_silence(kind: str) -> None:
    assert await answers(kind) == []
    assert not asks_to_see(parse(f'<presence type="{kind}"/>'))
