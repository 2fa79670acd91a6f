"""Long conversations are summed up beside the turns, by the agent's own model, before short-term memory forgets them.

Each summary is a piece of work like a turn: it has its own reservation, its tokens are the owner's, it is on record.
Nobody waits for it: it lets turns go first, and what fails is tried again when the conversation has gone on.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID, uuid4

from aiox.kernel.agent import MemoryConfig
from aiox.kernel.canonical import Json
from aiox.kernel.envelope import HUB
from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Answered
from aiox.runtime.keyring import CannotOpen
from aiox.runtime.logs import Log, describe
from orchestrator.ports import Ports
from orchestrator.proofs import Dispatched, Loaded, Reserved, Stopped, Turn
from orchestrator.spending import Spending
from orchestrator.steps.assign import assign
from orchestrator.steps.dispatch import dispatch
from orchestrator.steps.record import execution_of, outcome_code
from orchestrator.steps.reserve import reserve
from policy.ledger import Record
from policy.tools import AllowedTools
from registry import summaries
from registry.quotas import QuotaUnavailable
from registry.short_term import PastTurn
from registry.summaries import Unsummarised
from registry.turns import Conclusion

TASK: Final = "summary"
SUMMARISED: Final = "conversation.summarised"
OUTCOME: Final = "summarised"
LEAST: Final = 4
"""Turns that are worth a summary, however short short-term memory is."""
MOST: Final = 40
"""Turns in one summary; what is more follows at the next one."""
TOKENS: Final = 400
"""Of a summary at most."""
_BYTES: Final = 1000
"""Of a question and of an answer that the model is shown, at most."""
_BESIDE: Final = 350
"""Tokens of what the model is told to do, and of the summary before."""
AGAIN_S: Final = 61.0
"""When a budget has no room, a window later."""
_AGAIN: Final = 5
_WATCHED: Final = 10_000
_PAUSE_S: Final = 1.0

_Key = tuple[OwnerId, AgentId, BareJid]


@dataclass(slots=True)
class _Watched:
    """A conversation since it was looked at last."""

    turns: int = 0
    again: int = 0
    """How often it was put off since."""


class Summaries:
    """One per orchestrator. `note` is told of every turn, `run` looks at conversations that have become long."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._watched: OrderedDict[_Key, _Watched] = OrderedDict()
        self._due: OrderedDict[_Key, Loaded] = OrderedDict()
        self._woken = asyncio.Event()

    def note(self, ended: Dispatched) -> None:
        """Counts a turn that is concluded. Never waits."""
        loaded, message = ended.loaded, ended.turn.message
        if not isinstance(ended.outcome, Answered) or loaded.delegation is not None or not _wanted(loaded):
            return
        window = max(loaded.version.memory_config.short_term_limit, LEAST)
        key = (ended.owner, message.agent_id, message.sender)
        known = self._watched.get(key)
        if known is None:
            # Of a conversation that this process has not seen, its history says how long it is at least.
            known = self._watched[key] = _Watched(len(ended.assigned.reserved.history))
            if len(self._watched) > _WATCHED:
                self._watched.popitem(last=False)
        self._watched.move_to_end(key)
        known.turns += 1
        if known.turns >= window:
            known.turns = known.again = 0
            self._put(key, loaded)

    def _put(self, key: _Key, loaded: Loaded) -> None:
        self._due[key] = loaded
        self._woken.set()

    async def run(self, ports: Ports) -> None:
        """Sums up one conversation after another until cancelled, while no turn waits for a worker."""
        while True:
            await self._woken.wait()
            if not self._due:
                self._woken.clear()
                continue
            if ports.backlog.added_to(ports.workers.demand()).queued:
                await asyncio.sleep(_PAUSE_S)
                continue
            key, loaded = self._due.popitem(last=False)
            try:
                self._look_again(key, await sum_up(ports, loaded))
            except NoBudget as full:
                self._put_off(key, loaded, full)
            except Exception as broken:  # noqa: BLE001 -- the boundary: the other conversations' time comes too
                self._log.warning("summary_not_made", error=describe(broken))

    def _put_off(self, key: _Key, loaded: Loaded, full: NoBudget) -> None:
        """The budgets of a minute have room again soon; those of a day when the conversation has gone on."""
        known = self._watched.get(key)
        self._log.info("summary_waits", agent_id=str(key[1]), code=str(full))
        if known is not None and known.again < _AGAIN:
            known.again += 1
            asyncio.get_running_loop().call_later(AGAIN_S, self._put, key, loaded)

    def _look_again(self, key: _Key, left: int) -> None:
        """When so many turns that are in no summary have become as many as short-term memory holds."""
        if key in self._watched:
            self._watched[key].turns += left


class NoBudget(Exception):
    """Its tokens could not be reserved; the message is the code."""


async def sum_up(ports: Ports, loaded: Loaded) -> int:
    """Adds to a conversation's summary what is behind it, if that has become long; how many turns are in none now.

    `loaded` is of its newest turn. Raises NoBudget, what the stores raise, and LeaseLost; then nothing was kept.
    """
    config, message, owner = loaded.version.memory_config, loaded.turn.message, loaded.authorised.owner
    found = await summaries.unsummarised(ports.pool, owner, message.agent_id, message.sender, MOST)
    if len(found.turns) < max(config.short_term_limit, LEAST):
        return len(found.turns)
    turns = _opened(ports, loaded, found)
    reserved = await reserve(ports, _background(loaded, _text(turns)))
    if isinstance(reserved, Stopped):
        raise NoBudget(outcome_code(reserved.outcome))
    reserved = replace(reserved, loaded=_with_body(reserved.loaded, ""), history=turns)
    ended = await dispatch(ports, assign(ports, reserved))
    await _conclude(ports, ended, found)
    return 0


def _wanted(loaded: Loaded) -> bool:
    """Whether the agent has its conversations summed up; it needs their texts, and room for the summary."""
    config: MemoryConfig = loaded.version.memory_config
    keeps = config.long_term_enabled and config.type != "short_term" and config.short_term_limit > 0
    stores = loaded.version.governance.audit_log_enabled and not loaded.storage.full
    return config.summaries and keeps and stores


def _opened(ports: Ports, loaded: Loaded, found: Unsummarised) -> tuple[PastTurn, ...]:
    """The texts, each cut to a length of which all fit into the budgets. What cannot be opened is told and left out."""
    turns: list[PastTurn] = []
    most = _bytes(loaded, len(found.turns))
    for turn in found.turns:
        try:
            said, answered = turn.texts(loaded.ring)
        except CannotOpen:
            ports.log.error("past_turn_damaged", execution_id=str(turn.id))
            continue
        turns.append(PastTurn(_cut(said, most), _cut(answered, most)))
    return tuple(turns)


def _bytes(loaded: Loaded, turns: int) -> int:
    """Of each question and each answer: together they take a third of the tokens of a minute, three bytes each."""
    allowed = min(loaded.authorised.quota.tokens_per_minute, loaded.version.governance.max_tokens_per_minute)
    return max(20, min(_BYTES, allowed // (2 * turns)))


def _cut(text: str | None, most: int) -> str:
    return (text or "").encode()[:most].decode(errors="ignore")


def _text(turns: Sequence[PastTurn]) -> str:
    """What is to be reserved for: the turns, and as much as stands beside them."""
    return "\n".join(f"{one.user}\n{one.assistant}" for one in turns) + " " * (3 * _BESIDE)


def _background(loaded: Loaded, text: str) -> Loaded:
    """What a turn would be that asks for the summary: of the same version, with no prompt, tools, history or form."""
    spec = loaded.version.spec
    memory = spec.memory_config.model_copy(update={"short_term_limit": 0})
    model = {"max_tokens": min(TOKENS, spec.llm_config.max_tokens), "response_schema": None}
    changed = {"memory_config": memory, "llm_config": spec.llm_config.model_copy(update=model)}
    version = replace(loaded.version, spec=spec.model_copy(update=changed))
    plain = replace(
        loaded, version=version, system_prompt="", tools=AllowedTools((), ()), mcp={}, approved=None, task=TASK
    )
    return _with_body(plain, text, TurnId(uuid4()))


def _with_body(loaded: Loaded, text: str, turn_id: TurnId | None = None) -> Loaded:
    """The same with another text as its message, in an envelope of the hub's own."""
    turn = loaded.turn
    message = replace(turn.message, body=text, response_schema="", turn_id=turn_id or turn.message.turn_id)
    envelope = replace(turn.envelope, payload=message, channel=HUB, traceparent="")
    alone = Turn(
        envelope, turn.partition, turn.fence, turn.sequence, spending=turn.spending if not turn_id else Spending()
    )
    return replace(loaded, authorised=replace(loaded.authorised, turn=alone))


async def _conclude(ports: Ports, ended: Dispatched, found: Unsummarised) -> None:
    """Paid and on record first, then kept: a crash in between costs a summary, and hides no cost."""
    message, now, summary = ended.turn.message, ports.clock.now(), uuid4()
    reserved: Reserved = ended.assigned.reserved
    try:
        await ports.quotas.settle(reserved.conversation, message.turn_id, ended.tokens, b"")
    except QuotaUnavailable as gone:
        ports.log.error("settlement_late", turn_id=str(message.turn_id), tokens=ended.tokens, error=str(gone))
    paid = replace(execution_of(ended, now, ended.outcome.worker_ms), sealed_input=None, sealed_output=None)
    if isinstance(ended.outcome, Answered):
        paid = replace(paid, outcome=OUTCOME)
    record = _record(ports, ended, summary, len(found.turns))
    await ports.commits.add(
        Conclusion(ended.turn.partition, ended.turn.fence, inbox=(), records=(record,), executions=(paid,))
    )
    ports.turn_metrics.used(str(ended.loaded.version.agent_id), str(ended.owner), ended.tokens)
    if not isinstance(ended.outcome, Answered):
        ports.log.info("summary_not_made", agent_id=str(message.agent_id), code=str(ended.outcome.code))
        return
    where = ended.owner, message.agent_id, message.sender
    if not await summaries.keep(ports.pool, *where, summary, ended.outcome.text, found):
        ports.log.info("summary_not_kept", agent_id=str(message.agent_id))


def _record(ports: Ports, ended: Dispatched, summary: UUID, turns: int) -> Record:
    """Ids and figures, no text."""
    version, outcome = ended.loaded.version, ended.outcome
    details: dict[str, Json] = {
        "turn_id": str(ended.turn.message.turn_id),
        "agent_id": str(version.agent_id),
        "version_id": str(version.id),
        "policy_hash": version.policy_hash,
        "turns": turns,
        "worker_id": outcome.worker_id,
        "tokens_used": ended.tokens,
        "model": outcome.model,
        "cost_nanousd": ended.cost_nanousd,
        "credentials": [str(used) for used in ended.credentials],
        "outcome": OUTCOME if isinstance(outcome, Answered) else str(outcome.code),
    }
    if isinstance(outcome, Answered):
        details |= {"memory_id": str(summary), "recalled": [str(one) for one in outcome.recalled]}
    return Record(
        id=uuid4(),
        owner=ended.owner,
        event_type=SUMMARISED,
        severity="info" if isinstance(outcome, Answered) else "warning",
        details=details,
        created_at=ports.clock.now(),
        actor="",
        correlation_id=ended.turn.envelope.correlation_id,
        request_id=ended.turn.message.turn_id,
        organisation_id=ended.decision.organisation_id,
    )
