"""Judges a log of the world by the words of SPEC 6, and by nothing of the code under test."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from aiox.kernel.verdict import Hold
from policy.approvals import Approval, Person
from tests.unit.policy.approval_world import TERMS, Event


class Told(Protocol):
    """A world that keeps a log, and the approvals as they were asked for."""

    log: list[Event]
    rows: list[Approval]


DECIDERS = {"owner", "admin", "approver"}


def harms(world: Told) -> list[str]:
    """What must never happen and did: runs without a live approval, replays, drift, own approvals."""
    found = []
    for place, event in enumerate(world.log):
        if event.what == "run":
            before = [one for one in world.log[:place] if one.approval == event.approval]
            found += _harms_of_run(event, before, world.rows[event.approval].terms)
    return found


def _harms_of_run(run: Event, before: list[Event], terms: Hold) -> list[str]:
    assert terms in TERMS
    asked, found = before[0], []
    if any(one.what == "run" for one in before):
        found.append("replay")
    if run.arguments != asked.arguments or run.policy != asked.policy:
        found.append("drift")
    if any(one.what in {"deny", "blind"} for one in before):
        found.append("ran against a word")
    if run.live["verdict"].jid in {"forbid", "stricter"}:
        found.append("ran against the judge")
    yes = [one for one in before if one.what == "approve"]
    if terms.kind == "four_eyes" and any(_one_person(one.who, asked.who) for one in yes):
        found.append("own approval")
    if len(_live_votes(run, yes, asked, terms)) < terms.quorum:
        found.append("no live approval")
    if not yes or not yes[-1].now <= run.now < yes[-1].now + timedelta(minutes=15):
        found.append("out of time")
    within = timedelta(minutes=15) if terms.kind == "confirm" else timedelta(days=3)
    if any(not asked.now <= one.now < asked.now + within for one in yes):
        found.append("decided out of time")
    return found


def _live_votes(run: Event, yes: list[Event], asked: Event, terms: Hold) -> set[str]:
    """People, not addresses, who were allowed when they said yes and still are when it runs."""
    found = set()
    for one in yes:
        then, now = one.live[one.who], run.live[one.who]
        if _allowed(then, asked, terms) and _allowed(now, asked, terms):
            found.add(str(then.account or then.jid))
    return found


def _allowed(person: Person, asked: Event, terms: Hold) -> bool:
    if terms.kind == "confirm":
        return _one_person(person.jid, asked.who)
    if _one_person(person.jid, asked.who) or (terms.second_factor and not person.second_factor):
        return False
    if terms.approvers:
        return person.jid in terms.approvers
    return person.owns_agent or bool(person.roles & DECIDERS)


def _one_person(one: str, other: str) -> bool:
    """`ada-phone@h` is Ada, `bob-work@h` is Bob."""
    return one.replace("-", "@").split("@")[0] == other.replace("-", "@").split("@")[0]
