"""What comes back for good, from where it went, twice: that and nothing else is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from component import bounces as module
from component import outbox
from component.bounces import Bounces
from registry.archive import Kept
from tests.unit.component.stanzas import ALICE, parse
from tests.unit.component.test_outbox import Room, passes, room

BARE = "alice@hub.test"
UNAVAILABLE = '<service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>'


def back(
    bounces: Bounces, one: str, sender: str = ALICE, kind: str = "cancel", name: str = "message", of: str = "error"
) -> None:
    error = f'<error type="{kind}">{UNAVAILABLE}</error>'
    stanza = parse(f'<{name} from="{sender}" to="a@agents.hub.test" type="{of}" id="{one}">{error}</{name}>')
    assert not bounces.heard(stanza), "others hear it, too"


def test_twice_is_enough_and_once_is_not() -> None:
    bounces = Bounces()
    back(bounces, "s1")
    assert not bounces.refused(BARE, ["s1"])
    back(bounces, "s1", sender=BARE)
    assert bounces.refused(ALICE, ["s0", "s1"])
    assert not bounces.refused(BARE, ["s2"])


@pytest.mark.parametrize(
    "other",
    [
        {"sender": "eve@hub.test"},
        {"kind": "wait"},
        {"name": "iq"},
        {"of": "chat"},
        {"one": "s2"},
    ],
)
def test_what_is_no_such_thing_counts_for_nothing(other: dict[str, str]) -> None:
    bounces = Bounces()
    for _ in range(3):
        back(bounces, **{"one": "s1", **other})
    assert not bounces.refused(BARE, ["s1"])


def test_so_many_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 10)
    bounces = Bounces()
    for number in range(12):
        back(bounces, f"s{number}")
        back(bounces, f"s{number}")
    assert not bounces.refused(BARE, ["s0", "s1"])
    assert bounces.refused(BARE, ["s11"])


async def tries(folder: Path, monkeypatch: pytest.MonkeyPatch, heard: Callable[[Bounces, str], None]) -> Room:
    """An answer that each time comes back, and what is behind it in its conversation."""
    monkeypatch.setattr(outbox, "GATHER_S", 0.0)
    monkeypatch.setattr(outbox, "LOOK_AGAIN_S", (0.0,))
    monkeypatch.setattr(outbox, "RETRY_S", 0.005)
    bounces = Bounces()
    async with room(folder) as it:
        it.outbox._refused = bounces.refused
        it.table.otherwise = Kept.NOT_YET
        it.link.pong.set()
        it.announce(1, conversation=7)
        it.announce(2, conversation=7, kind="error", error_code="TIMEOUT")
        for sent in range(1, outbox.TRIES + 1):
            await passes(0.02)
            if it.sent.count("s1") == sent:
                heard(bounces, "s1")
            it.clock.seconds += outbox.ABSENT_S
        await passes()
        return it


async def test_an_answer_that_comes_back_is_sent_twice_and_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = await tries(tmp_path, monkeypatch, back)
    assert (it.sent.count("s1"), it.table.marked) == (2, [1, 2])


@pytest.mark.control
async def test_control_not_heard_it_is_sent_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    it = await tries(tmp_path, monkeypatch, lambda *_: None)
    assert it.sent.count("s1") == outbox.TRIES
