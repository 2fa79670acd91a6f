"""Playbooks of presence: what a contact's server sends, what the contact is shown, and when nothing is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest
import structlog

from aiox.kernel.avatar import Image
from aiox.kernel.ids import AgentId, agent_id_of
from aiox.kernel.jid import BareJid
from component import watchers as room
from component.features.avatar import picture_hash
from component.shown import Pair
from component.watchers import Watchers
from registry.cards import Card
from tests.integration.component.door import card_of
from tests.unit.component.fakes import FakeLink, HandClock, settle
from tests.unit.component.stanzas import AGENT, parse

SEEN = agent_id_of(AGENT.partition("@")[0])
PAIR = Pair(AGENT, "alice@hub.test")
PICTURE = Image("image/png", b"a picture")


@dataclass
class Registry:
    card: Card | None = field(default_factory=lambda: card_of(SEEN))
    asked: list[int] = field(default_factory=list)
    pictures: int = 0
    away: bool = False

    async def find(self, asked: Sequence[tuple[AgentId, BareJid]]) -> list[Card | None]:
        self.asked.append(len(asked))
        if self.away:
            raise OSError("the registry is away")
        return [self.card if one == (SEEN, "alice@hub.test") else None for one in asked]

    async def portrait(self, _agent: AgentId, _asker: BareJid) -> Image | None:
        self.pictures += 1
        return PICTURE


@dataclass
class Scene:
    registry: Registry
    watchers: Watchers
    link: FakeLink

    async def hears(self, kind: str, sender: str = "alice@hub.test", to: str = AGENT) -> list[str]:
        """What goes out for one presence."""
        self.watchers.receive(parse(f'<presence from="{sender}" to="{to}" type="{kind}"/>'))
        return await self.said()

    async def said(self) -> list[str]:
        await settle()
        sent, self.link.sent[:] = [*self.link.sent], []
        return [_short(one) for one in sent]


def _short(text: str) -> str:
    """The kind of stanza, its type, to whom, and its status."""
    element = parse(text)
    name = element.tag.rpartition("}")[2]
    status = element.findtext("{*}status") or ""
    return " ".join(one for one in (name, element.get("type", ""), element.get("to", ""), status) if one)


@asynccontextmanager
async def scene(registry: Registry | None = None) -> AsyncIterator[Scene]:
    registry, link = registry or Registry(), FakeLink()
    watchers = Watchers(registry.find, registry.portrait, link.send, HandClock(), structlog.get_logger())
    task = asyncio.ensure_future(watchers.work())
    try:
        yield Scene(registry, watchers, link)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


HERE = "presence alice@hub.test AI agent"


async def test_a_contact_subscribes_leaves_and_comes_back() -> None:
    async with scene() as played:
        new = ["presence subscribed alice@hub.test", HERE, "message chat alice@hub.test"]
        assert await played.hears("subscribe") == new
        assert await played.hears("probe", "alice@hub.test/phone") == ["presence alice@hub.test/phone AI agent"]
        assert await played.hears("subscribe") == new[:2], "who is greeted already is not greeted again"
        gone = ["presence unsubscribed alice@hub.test", "presence unavailable alice@hub.test"]
        assert await played.hears("unsubscribe") == gone
        played.watchers.look_again(*PAIR)
        assert await played.said() == [], "who has left is left alone"
        assert await played.hears("subscribe") == new


async def test_presence_goes_out_only_when_it_changes() -> None:
    async with scene() as played:
        await played.hears("probe")
        card = card_of(SEEN)
        for change, said in [
            (card, []),
            (replace(card, waits=True), ["waiting for approval"]),
            (replace(card, waits=True), []),
            (replace(card, waits=True, spent=True), ["quota used up"]),
            (card, [HERE]),
            (replace(card, version=2, name="Bea"), [HERE]),
        ]:
            played.registry.card = change
            played.watchers.look_again(*PAIR)
            got = await played.said()
            assert len(got) == len(said)
            assert all(part in one for part, one in zip(said, got, strict=True))


async def test_long_work_shows_as_busy_to_who_asked_for_it() -> None:
    async with scene() as played:
        await played.hears("probe")
        played.watchers.busy_with({PAIR, Pair(AGENT, "bob@hub.test")})
        assert await played.said() == [f"{HERE}, busy with your message"]
        played.watchers.busy_with(set())
        assert await played.said() == [HERE]


async def test_an_agent_that_is_hidden_now_is_gone() -> None:
    async with scene() as played:
        await played.hears("probe")
        played.registry.card = None
        played.watchers.look_again(*PAIR)
        assert await played.said() == ["presence unavailable alice@hub.test"]
        played.watchers.look_again(*PAIR)
        assert await played.hears("probe") == []


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
    async with scene() as played:
        assert await played.hears(kind, sender, to) == []


@pytest.mark.parametrize("to", [AGENT, "nobody@agents.hub.test"])
async def test_unsubscribing_is_the_same_everywhere(to: str) -> None:
    async with scene() as played:
        assert await played.hears("unsubscribe", "mallory@hub.test", to) == [
            "presence unsubscribed mallory@hub.test",
            "presence unavailable mallory@hub.test",
        ]


@pytest.mark.parametrize("kind", ["", "unavailable", "subscribed", "unsubscribed", "error"])
async def test_other_presence_is_taken_in_silence(kind: str) -> None:
    async with scene() as played:
        assert await played.hears(kind) == []
        assert played.registry.asked == []


async def test_a_picture_is_read_once_and_told_once() -> None:
    registry = Registry(card_of(SEEN, avatar=PICTURE.ref))
    async with scene(registry) as played:
        assert await played.hears("probe") == [HERE, "message headline alice@hub.test"]
        for _ in range(3):
            assert await played.hears("probe") == [HERE]
        assert registry.pictures == 2
        played.watchers.receive(parse(f'<presence from="alice@hub.test" to="{AGENT}" type="probe"/>'))
        await settle()
        assert f"<photo>{picture_hash(PICTURE)}</photo>" in played.link.sent[0]


async def test_many_probes_are_one_question() -> None:
    async with scene() as played:
        for _ in range(100):
            played.watchers.receive(parse(f'<presence from="alice@hub.test/x" to="{AGENT}" type="probe"/>'))
        await settle()
        assert played.registry.asked == [100]
        assert len(played.link.sent) == 100


async def test_a_registry_that_is_away_shows_nothing_and_the_work_goes_on() -> None:
    async with scene() as played:
        played.registry.away = True
        assert await played.hears("probe") == []
        played.registry.away = False
        assert await played.hears("probe") == [HERE]


async def test_changed_agents_are_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "NEWS_S", 0)
    async with scene() as played:
        await played.hears("probe")
        positions: list[int] = []

        async def end() -> int:
            return 7

        async def news(after: int, _limit: int) -> tuple[int, frozenset[AgentId]]:
            positions.append(after)
            if len(positions) == 2:
                raise OSError("the registry is away")
            return after + 1, frozenset({SEEN} if len(positions) == 3 else ())

        played.registry.card = card_of(SEEN, version=2)
        following = asyncio.ensure_future(played.watchers.follow(end, news))
        assert await played.said() == [HERE]
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        assert positions[:4] == [7, 8, 8, 9]


async def test_ends_of_turns_are_one_question_for_each_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "NEWS_S", 0)
    async with scene() as played:
        await played.hears("probe")
        played.registry.asked.clear()

        async def none(after: int = 0, _limit: int = 0) -> tuple[int, frozenset[AgentId]]:
            return after, frozenset()

        async def end() -> int:
            return 0

        for _ in range(50):
            played.watchers.look_again_soon(*PAIR)
        await settle()
        assert played.registry.asked == []
        played.registry.card = replace(card_of(SEEN), spent=True)
        following = asyncio.ensure_future(played.watchers.follow(end, none))
        assert [one.partition("alice")[0] for one in await played.said()] == ["presence "]
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        assert played.registry.asked == [1]
