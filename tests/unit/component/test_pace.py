"""Nobody is flooded: what may be left out is, what may not waits, and others are served all the same."""

from __future__ import annotations

from uuid import uuid4

from component.letters import Letter, Letters
from component.metrics import LEFT_OUT
from component.pace import Pace
from component.stanza_xml import stanza
from tests.unit.component.fakes import FakeLink, HandClock
from tests.unit.component.stanzas import AGENT
from tests.unit.component.test_outbox import envelope

OWN = "hub.test"


def test_an_account_is_a_peer_and_so_is_another_server() -> None:
    pace = Pace(OWN, 60, HandClock())
    assert all(pace.lets_out("alice@hub.test/phone") for _ in range(120))
    assert not pace.lets_out("alice@hub.test/laptop")
    assert pace.lets_out("bob@hub.test")
    assert all(pace.lets_out(f"{number}@far.example") for number in range(120))
    assert not pace.lets_out("new@far.example")


def test_what_may_be_left_out_is_and_is_counted() -> None:
    clock, link = HandClock(), FakeLink()
    send = Pace(OWN, 60, clock).paced(link.send)
    before = LEFT_OUT._value.get()
    sent = [send(stanza("presence", AGENT, "alice@hub.test")) for _ in range(130)]
    assert sum(sent) == len(link.sent) == 120
    assert LEFT_OUT._value.get() - before == 10
    clock.seconds += 2
    assert send(stanza("presence", AGENT, "alice@hub.test"))


def test_an_answer_waits_and_others_go() -> None:
    letters, clock = Letters(), HandClock()
    pace = Pace(OWN, 60, clock)
    for _ in range(120):
        pace.lets_out("alice@hub.test")
    hers, his = (
        Letter(uuid4(), n, uuid4(), envelope(n, to_jid=to), False)
        for n, to in ((1, "alice@hub.test"), (2, "bob@hub.test"))
    )
    for one in (hers, his):
        letters.put(one)
    assert letters.take(0.0, 10, lambda ready: pace.lets_out(ready.to_jid)) == [his]
    clock.seconds += 1
    assert letters.take(0.0, 10, lambda ready: pace.lets_out(ready.to_jid)) == [hers]
