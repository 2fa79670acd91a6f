"""The checker finds each kind of violation in a doctored set of rows, and none in a clean one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aiox.kernel.ids import derived_id, turn_id_of
from tests.chaos.checker import (
    Archived,
    Claim,
    Evidence,
    Execution,
    Fenced,
    InboxRow,
    LedgerRow,
    OutboxRow,
    Quota,
    Said,
    check,
    reply_id,
    summary,
)

OWNER, AGENT = UUID(int=1), UUID(int=2)
USER, AGENT_JID = "ada@localhost", "agent@agents.localhost"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOKENS = 10


def message_id(number: int) -> str:
    return str(UUID(int=100 + number, version=4))


def body(number: int) -> str:
    return f"[{message_id(number)}] question {number}"


def turn(number: int) -> UUID:
    return turn_id_of(USER, AGENT_JID, message_id(number), body(number))


def reply(number: int) -> UUID:
    return reply_id(inbox(number))


def said(number: int, receipted: bool = True) -> Said:
    return Said(message_id(number), USER, turn(number), receipted)


def inbox(number: int, outcome: str = "answered") -> InboxRow:
    return InboxRow(
        turn_id=turn(number),
        owner=OWNER,
        agent_id=AGENT,
        sender=USER,
        message_id=message_id(number),
        outcome=outcome,
        correlation_id=derived_id(turn(number), "correlation"),
        admitted_at=START + timedelta(seconds=number),
    )


def archived(number: int, place: int | None = None, text: str = "") -> Archived:
    at = number if place is None else place
    return Archived(USER, f"{AGENT_JID}/aiox", (at, at), str(reply(number)), text or f"echo: {body(number)}")


def execution(number: int) -> Execution:
    return Execution(derived_id(turn(number), "execution"), OWNER, "answered", TOKENS, START)


def records(number: int) -> list[LedgerRow]:
    correlation = derived_id(turn(number), "correlation")
    details = {"turn_id": str(turn(number)), "outcome": "answered", "tokens_used": TOKENS}
    return [
        LedgerRow("gate.decision", OWNER, correlation, {"decision": "allow"}),
        LedgerRow("turn.concluded", OWNER, correlation, details),
    ]


def clean() -> Evidence:
    """Three answered messages, one that is not receipted, one refused, one merged into the third."""
    refused, joined = 4, 5
    refusal = {"turn_id": str(turn(refused)), "outcome": "QUOTA_EXCEEDED"}
    decided = derived_id(turn(refused), "correlation")
    return Evidence(
        said=[*(said(number) for number in (0, 1, 2, refused, joined)), said(3, receipted=False)],
        inbox=[
            *(inbox(number) for number in range(3)),
            inbox(refused, "QUOTA_EXCEEDED"),
            inbox(joined, f"merged {turn(2)}"),
        ],
        archive=[archived(0), archived(1), archived(2, text=f"echo: {body(2)}\n{body(joined)}")],
        executions=[execution(number) for number in range(3)],
        ledger=[
            *(row for number in range(3) for row in records(number)),
            LedgerRow("gate.decision", OWNER, decided, {}),
            LedgerRow("turn.concluded", OWNER, decided, refusal),
        ],
        quotas=[Quota(OWNER, 3 * TOKENS, START)],
        outbox=[OutboxRow(reply(number), turn(number), sent=True) for number in (0, 1, 2, refused)],
        fences=[Fenced(3, 7, 7)],
    )


Doctor = Callable[[Evidence], Evidence]

DOCTORED: dict[str, tuple[Claim, Doctor]] = {
    "receipted, no outcome": (Claim.NOT_LOST, lambda was: replace(was, inbox=was.inbox[1:], archive=was.archive[1:])),
    "answer not archived": (Claim.NOT_LOST, lambda was: replace(was, archive=was.archive[1:])),
    "answered with somebody else's text": (
        Claim.NOT_LOST,
        lambda was: replace(was, archive=[archived(0, text="echo: nothing"), *was.archive[1:]]),
    ),
    "merged answer without its text": (
        Claim.NOT_LOST,
        lambda was: replace(was, archive=[*was.archive[:2], archived(2)]),
    ),
    "merged into nothing": (
        Claim.NOT_LOST,
        lambda was: replace(was, inbox=[*was.inbox[:4], inbox(5, f"merged {turn(9)}")]),
    ),
    "refused in silence": (Claim.NOT_LOST, lambda was: replace(was, outbox=was.outbox[:3])),
    "two outcomes": (Claim.ONCE, lambda was: replace(was, inbox=[*was.inbox, inbox(1)])),
    "ran twice": (Claim.ONCE, lambda was: replace(was, executions=[*was.executions, execution(1)])),
    "one id archived twice": (Claim.ONCE, lambda was: replace(was, archive=[*was.archive, archived(1, place=9)])),
    "two answers with different ids": (
        Claim.ONCE,
        lambda was: replace(was, archive=[*was.archive, replace(archived(1, place=9), stanza_id="another")]),
    ),
    "an answer out of nothing": (
        Claim.ONCE,
        lambda was: replace(was, archive=[*was.archive, archived(7)]),
    ),
    "answers swapped": (
        Claim.IN_ORDER,
        lambda was: replace(was, archive=[archived(0, place=1), archived(1, place=0), was.archive[2]]),
    ),
    "chain broken": (Claim.CHAINED, lambda was: replace(was, chain_fault="record 3: its hash does not fit")),
    "no outcome row": (Claim.CHAINED, lambda was: replace(was, ledger=[*was.ledger[:1], *was.ledger[2:]])),
    "no decision row": (Claim.CHAINED, lambda was: replace(was, ledger=was.ledger[1:])),
    "outcome row twice": (Claim.CHAINED, lambda was: replace(was, ledger=[*was.ledger, records(1)[1]])),
    "one token too many settled": (
        Claim.COUNTED,
        lambda was: replace(was, quotas=[Quota(OWNER, 3 * TOKENS + 1, START)]),
    ),
    "ledger counts less than the executions": (
        Claim.COUNTED,
        lambda was: replace(was, executions=[replace(was.executions[0], tokens=TOKENS + 1), *was.executions[1:]]),
    ),
    "nothing settled": (Claim.COUNTED, lambda was: replace(was, quotas=[])),
    "reply waits": (
        Claim.SENT,
        lambda was: replace(was, outbox=[replace(was.outbox[0], sent=False), *was.outbox[1:]]),
    ),
    "stale lease": (Claim.FENCED, lambda was: replace(was, fences=[Fenced(3, 7, 8)])),
}


def test_clean_rows_pass() -> None:
    assert check(clean()) == []


@pytest.mark.parametrize(("claim", "doctor"), DOCTORED.values(), ids=DOCTORED)
def test_doctored_rows_are_found(claim: Claim, doctor: Doctor) -> None:
    assert claim in {violation.claim for violation in check(doctor(clean()))}


def test_every_claim_is_doctored() -> None:
    assert {claim for claim, _ in DOCTORED.values()} == set(Claim)


def test_usage_of_the_day_before_is_not_asked_of_today() -> None:
    yesterday = [replace(execution(0), created_at=START - timedelta(days=1)), execution(1), execution(2)]
    assert check(replace(clean(), executions=yesterday, quotas=[Quota(OWNER, 2 * TOKENS, START)])) == []


def test_a_message_that_was_not_receipted_may_be_unanswered() -> None:
    assert not [found for found in check(clean()) if found.about == message_id(3)]


def test_the_summary_counts_and_names() -> None:
    text = summary(check(replace(clean(), archive=[])))
    assert text.startswith("4 x NOT_LOST")
    assert message_id(0) in text
