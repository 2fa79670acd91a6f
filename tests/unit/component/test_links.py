"""Pings of all links together: the first at once, those behind it gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest

from component import links as module
from component.links import Links
from component.outbox import LinkLost
from component.xmpp import XmppLink


@dataclass
class Link:
    """One that is answered at once."""

    up: bool = True
    pings: list[float] = field(default_factory=list)

    async def confirm(self, _timeout_s: float) -> int:
        self.pings.append(asyncio.get_running_loop().time())
        return 7


def links(**named: Link) -> Links:
    return Links(cast(Mapping[int, XmppLink], dict(enumerate(named.values(), 1))))


async def test_the_first_ping_goes_at_once_and_the_next_ones_are_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_S", 0.05)
    link = Link()
    both, began = links(one=link), asyncio.get_running_loop().time()
    assert [await both.confirm(1.0) for _ in range(3)] == [7, 7, 7]
    first, second, third = link.pings
    assert first - began < 0.05
    assert second - first >= 0.05
    assert third - second >= 0.05


async def test_after_a_pause_a_ping_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_S", 0.0)
    link = Link()
    both = links(one=link)
    await both.confirm(1.0)
    monkeypatch.setattr(module, "GATHER_S", 3600.0)
    await both.confirm(1.0)
    assert len(link.pings) == 2


async def test_a_link_that_is_lost_while_pings_are_gathered_confirms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_S", 0.05)
    link = Link()
    both = links(one=link)
    await both.confirm(1.0)
    waiting = asyncio.ensure_future(both.confirm(1.0))
    await asyncio.sleep(0)
    link.up = False
    with pytest.raises(LinkLost):
        await waiting
    assert len(link.pings) == 1


async def test_the_first_link_that_is_up_is_asked() -> None:
    down, up = Link(up=False), Link()
    await links(down=down, up=up).confirm(1.0)
    assert (len(down.pings), len(up.pings)) == (0, 1)
