"""Hidden, forbidden, deleted and unknown things answer alike and as fast (SPEC 3): medians of interleaved requests."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any
from uuid import uuid4

import httpx
import pytest

from aiox.kernel.agent import Visibility
from gateway.limits import Budgets
from setup.prove import note
from tests.integration.gateway.door import HttpDoor, Person

ROUNDS = 1000
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Way:
    """A way to ask for something: `{}` in its path is the id."""

    method: str
    path: str
    body: Any = None


AGENT_WAYS = (
    Way("GET", "/v1/agents/{}"),
    Way("PATCH", "/v1/agents/{}", {"profile": {"description": "mine now"}}),
    Way("POST", "/v1/agents/{}/publish", {}),
    Way("POST", "/v1/agents/{}/messages", {"text": "let me in"}),
    Way("GET", "/v1/agents/{}/history"),
)
TURN_WAYS = (Way("GET", "/v1/turns/{}"), Way("DELETE", "/v1/turns/{}"))


@pytest.fixture
def unlimited(door: HttpDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits stand in front of all this, the same for every kind."""
    monkeypatch.setattr(Budgets, "_per_minute", lambda _self, _action, _otherwise: 10**9)


async def agents_of_another(door: HttpDoor) -> Mapping[str, str]:
    """By what they are to a stranger."""
    ada, guest = await door.person(), await door.person()
    hidden, gone = await door.agent(ada), await door.agent(ada)
    fields = {"profile": {"name": "Ada"}, "visibility": Visibility.SHARED, "shared_with": [guest.account.jid]}
    shared = (await door.client.post("/v1/agents", json=fields, headers=ada.headers)).json()["agent_id"]
    deleted = await door.client.delete(f"/v1/agents/{gone}", headers=ada.headers)
    assert deleted.status_code == 200
    return {"hidden": hidden, "forbidden": shared, "deleted": gone}


async def ask(door: HttpDoor, who: Person, way: Way, thing: str) -> tuple[httpx.Response, float]:
    began = perf_counter()
    answer = await door.client.request(way.method, way.path.format(thing), json=way.body, headers=who.headers)
    return answer, perf_counter() - began


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("way", AGENT_WAYS, ids=lambda way: f"{way.method} {way.path}")
async def test_the_same_words_for_whatever_is_not_for_one(door: HttpDoor, way: Way) -> None:
    eve, things = await door.person(), await agents_of_another(door)
    unknown, _ = await ask(door, eve, way, str(uuid4()))
    assert unknown.status_code == 404
    for kind, thing in things.items():
        answer, _ = await ask(door, eve, way, thing)
        assert (answer.status_code, answer.content) == (404, unknown.content), kind
        assert set(answer.headers) == set(unknown.headers), kind


@pytest.mark.prove
@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("way", AGENT_WAYS, ids=lambda way: f"{way.method} {way.path}")
async def test_and_the_same_time(door: HttpDoor, way: Way) -> None:
    eve, things = await door.person(), dict(await agents_of_another(door))
    await compare(door, eve, way, things)


@pytest.mark.prove
@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("way", TURN_WAYS, ids=lambda way: f"{way.method} {way.path}")
async def test_and_anothers_turn_takes_as_long_as_none(
    door: HttpDoor, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def takes(_envelope: object) -> None:
        """Puts it nowhere."""

    monkeypatch.setattr(door.inner, "resubmit", takes)
    ada, eve = await door.person(), await door.person()
    agent = await door.agent(ada)
    made = await door.client.post(f"/v1/agents/{agent}/messages", json={"text": "hello"}, headers=ada.headers)
    await compare(door, eve, way, {"another's": made.json()["turn_id"]})


async def compare(door: HttpDoor, who: Person, way: Way, things: dict[str, str]) -> None:
    """Each kind in turn, in another order each round; the first tenth warms up and does not count."""
    kinds = [*things, UNKNOWN]
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(ROUNDS + ROUNDS // 10):
        for kind in random.sample(kinds, len(kinds)):
            answer, took = await ask(door, who, way, things.get(kind, str(uuid4())))
            assert answer.status_code == 404
            if number >= ROUNDS // 10:
                times[kind].append(took)
    medians = {kind: median(found) for kind, found in times.items()}
    said = ", ".join(f"{kind} {1000 * seconds:.2f} ms" for kind, seconds in medians.items())
    note(f"{way.method} {way.path}: {said}")
    for seconds in medians.values():
        assert abs(seconds - medians[UNKNOWN]) < max(0.0003, 0.1 * medians[UNKNOWN]), said
