"""Proves from the stores that nothing was lost, doubled, reordered or miscounted. Pure: rows in, violations out.

What a client believes does not count, but for one thing that only it can know: which of its messages were receipted.
The claims are those of docs/durability.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

from aiox.kernel.ids import derived_id
from bench.load.plan import marks

ANSWERED: Final = "answered"
MERGED: Final = "merged "
CONCLUDED: Final = "turn.concluded"
PAID: Final = frozenset({CONCLUDED, "conversation.summarised"})
"""Ledger records of work that has an execution: turns, and the summaries of long conversations."""

Key = TypeVar("Key", bound=Hashable)


class Claim(StrEnum):
    """What is claimed, in one sentence each."""

    NOT_LOST = "every receipted message has its outcome, and its answer is in the user's archive"
    ONCE = "no message has two outcomes or two answers, and no answer is archived twice"
    IN_ORDER = "within a conversation answers are archived in admission order"
    CHAINED = "the ledger's chain is valid, and every concluded turn has its decision and its outcome in it"
    COUNTED = "settled usage equals the executions' usage to the token"
    SENT = "nothing waits in the outbox at the end"
    FENCED = "nothing was written under a lease that had been lost"


@dataclass(frozen=True, slots=True)
class Violation:
    """A claim that does not hold: about which message or row, and what was found."""

    claim: Claim
    about: str
    what: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message that was sent. `turn_id` follows from sender, agent, id and body (SPEC 4).

    `marked` says that its text carries its id, so that the answer must echo it.
    """

    message_id: str
    sender: str
    turn_id: UUID
    receipted: bool
    marked: bool = True


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A message that has had its outcome. Times order admission."""

    turn_id: UUID
    owner: UUID
    agent_id: UUID
    sender: str
    message_id: str
    outcome: str
    correlation_id: UUID
    admitted_at: datetime


@dataclass(frozen=True, slots=True)
class Archived:
    """A message in a user's archive that came from an agent. `place` orders the archive."""

    user: str
    sender: str
    place: tuple[int, int]
    stanza_id: str
    body: str


@dataclass(frozen=True, slots=True)
class Execution:
    """A turn that ran."""

    id: UUID
    owner: UUID
    outcome: str
    tokens: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A record of the chain about turns."""

    event_type: str
    owner: UUID
    correlation_id: UUID | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Quota:
    """What the hub has settled for an owner on the day of `last_reset`."""

    owner: UUID
    tokens_today: int
    last_reset: datetime


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A stanza to send."""

    id: UUID
    turn_id: UUID
    sent: bool


@dataclass(frozen=True, slots=True)
class Fenced:
    """A partition written to: the token that was shown, and the lease's token at that moment."""

    partition: int
    shown: int
    held: int


@dataclass(frozen=True)
class Evidence:
    """Everything the stores say. `chain_fault` is empty for a valid chain."""

    said: Sequence[Said]
    inbox: Sequence[InboxRow]
    archive: Sequence[Archived]
    executions: Sequence[Execution]
    ledger: Sequence[LedgerRow]
    quotas: Sequence[Quota]
    outbox: Sequence[OutboxRow]
    chain_fault: str = ""
    fences: Sequence[Fenced] = field(default=())


def check(found: Evidence) -> list[Violation]:
    """Every violation of every claim; an empty list is the proof."""
    return [
        *_lost(found),
        *_doubled(found),
        *_reordered(found),
        *_unchained(found),
        *_miscounted(found),
        *_unsent(found),
        *_unfenced(found),
    ]


def summary(violations: Iterable[Violation], limit: int = 5) -> str:
    """How many of each claim, with the first few of each."""
    of: dict[Claim, list[Violation]] = defaultdict(list)
    for violation in violations:
        of[violation.claim].append(violation)
    return "\n".join(
        f"{len(those)} x {claim.name}: {claim}\n" + "\n".join(f"    {one.about}: {one.what}" for one in those[:limit])
        for claim, those in of.items()
    )


def reply_id(row: InboxRow) -> UUID:
    """The id of the reply to a turn: derived from the message and the moment of its admission."""
    return derived_id(derived_id(row.turn_id, row.admitted_at.isoformat()), "reply:0")


def answering_turn(row: InboxRow) -> UUID:
    """The turn whose reply answers this message: its own, or the one it was merged into."""
    return UUID(row.outcome.removeprefix(MERGED)) if row.outcome.startswith(MERGED) else row.turn_id


def _turns(found: Evidence) -> dict[UUID, InboxRow]:
    return {row.turn_id: row for row in found.inbox}


def _lost(found: Evidence) -> Iterator[Violation]:
    rows = _turns(found)
    archived = {(stanza.user, stanza.stanza_id, mark) for stanza in found.archive for mark in ("", *marks(stanza.body))}
    errors = {row.id for row in found.outbox if row.sent}
    for message in found.said:
        if not message.receipted:
            continue
        row = rows.get(message.turn_id)
        if row is None:
            yield Violation(Claim.NOT_LOST, message.message_id, "receipted, but it has no outcome")
            continue
        turn = rows.get(answering_turn(row))
        if turn is None:
            yield Violation(Claim.NOT_LOST, message.message_id, f"{row.outcome}, which has no outcome")
        elif turn.outcome == ANSWERED:
            mark = message.message_id if message.marked else ""
            if (message.sender, str(reply_id(turn)), mark) not in archived:
                yield Violation(Claim.NOT_LOST, message.message_id, f"answered by {turn.turn_id}, but not archived")
        elif reply_id(turn) not in errors:
            # Error stanzas are not archived; the outbox row says that the server has taken it.
            yield Violation(Claim.NOT_LOST, message.message_id, f"ended as {turn.outcome}, but no error was sent")


def _doubled(found: Evidence) -> Iterator[Violation]:
    for turn, count in _several(row.turn_id for row in found.inbox):
        yield Violation(Claim.ONCE, str(turn), f"{count} outcomes of one message")
    for execution, count in _several(row.id for row in found.executions):
        yield Violation(Claim.ONCE, str(execution), f"the turn ran to its end {count} times")
    for (user, stanza_id), count in _several((row.user, row.stanza_id) for row in found.archive):
        yield Violation(Claim.ONCE, stanza_id, f"{count} times in the archive of {user}")
    yield from _answered_twice(found.archive)
    expected = {str(reply_id(row)) for row in found.inbox}
    for row in found.archive:
        if marks(row.body) and row.stanza_id not in expected:
            yield Violation(Claim.ONCE, row.stanza_id, "an answer that belongs to no outcome")


def _several(keys: Iterable[Key]) -> Iterator[tuple[Key, int]]:
    return ((key, count) for key, count in Counter(keys).items() if count > 1)


def _answered_twice(archive: Iterable[Archived]) -> Iterator[Violation]:
    answers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in archive:
        for mark in marks(row.body):
            answers[row.user, mark].add(row.stanza_id)
    for (user, mark), ids in answers.items():
        if len(ids) > 1:
            yield Violation(Claim.ONCE, mark, f"{user} has {len(ids)} different answers")


def _reordered(found: Evidence) -> Iterator[Violation]:
    places: dict[str, tuple[int, int]] = {}
    for stanza in sorted(found.archive, key=lambda row: row.place):
        places.setdefault(stanza.stanza_id, stanza.place)
    turns = _turns(found)
    conversations: dict[tuple[str, UUID], list[InboxRow]] = defaultdict(list)
    for row in found.inbox:
        conversations[row.sender, row.agent_id].append(row)
    for rows in conversations.values():
        latest: tuple[tuple[int, int], str] | None = None
        for row in sorted(rows, key=lambda one: one.admitted_at):
            turn = turns.get(answering_turn(row))
            place = places.get(str(reply_id(turn))) if turn is not None and turn.outcome == ANSWERED else None
            if place is None:
                continue
            if latest is not None and place < latest[0]:
                yield Violation(Claim.IN_ORDER, row.message_id, f"answered before {latest[1]}, admitted after it")
            latest = max(latest, (place, row.message_id)) if latest is not None else (place, row.message_id)


def _unchained(found: Evidence) -> Iterator[Violation]:
    if found.chain_fault:
        yield Violation(Claim.CHAINED, "chain", found.chain_fault)
    concluded = Counter(str(row.details.get("turn_id")) for row in found.ledger if row.event_type == CONCLUDED)
    decided = {row.correlation_id for row in found.ledger if row.event_type != CONCLUDED}
    for row in found.inbox:
        if row.outcome.startswith(MERGED):
            continue
        rows = concluded[str(row.turn_id)]
        if rows != 1:
            yield Violation(Claim.CHAINED, str(row.turn_id), f"{rows} outcome rows in the ledger")
        if row.correlation_id not in decided:
            yield Violation(Claim.CHAINED, str(row.turn_id), "no decision in the ledger")


def _miscounted(found: Evidence) -> Iterator[Violation]:
    settled = {quota.owner: quota for quota in found.quotas}
    ledger: Counter[UUID] = Counter()
    executed: Counter[UUID] = Counter()
    today: Counter[UUID] = Counter()
    for row in found.ledger:
        if row.event_type in PAID:
            ledger[row.owner] += int(row.details.get("tokens_used", 0))
    for execution in found.executions:
        executed[execution.owner] += execution.tokens
        quota = settled.get(execution.owner)
        if quota is None or _day(execution.created_at) == _day(quota.last_reset):
            today[execution.owner] += execution.tokens
    for owner in {*ledger, *executed, *settled}:
        if ledger[owner] != executed[owner]:
            yield Violation(Claim.COUNTED, str(owner), f"ledger {ledger[owner]}, executions {executed[owner]} tokens")
        booked = settled[owner].tokens_today if owner in settled else 0
        if booked != today[owner]:
            yield Violation(Claim.COUNTED, str(owner), f"settled {booked}, executions of the day {today[owner]} tokens")


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _unsent(found: Evidence) -> Iterator[Violation]:
    for row in found.outbox:
        if not row.sent:
            yield Violation(Claim.SENT, str(row.turn_id), "its reply was not confirmed")


def _unfenced(found: Evidence) -> Iterator[Violation]:
    for write in found.fences:
        if write.shown != write.held:
            yield Violation(
                Claim.FENCED, f"partition {write.partition}", f"written with token {write.shown}, held by {write.held}"
            )
