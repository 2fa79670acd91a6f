"""The turns of a conversation, from the lane to the acknowledgement. The boundary where a turn's failure ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from enum import Enum
from typing import TypeVar

from nats.errors import Error as NatsError

from aiox.kernel.envelope import HTTP
from aiox.runtime.crash import CrashPoint
from aiox.runtime.logs import describe
from aiox.runtime.postgres import is_away
from orchestrator.burial import bury
from orchestrator.debounce import merged
from orchestrator.deliveries import Delivery
from orchestrator.lanes import Group
from orchestrator.pipeline import accept, conclude
from orchestrator.ports import Ports
from orchestrator.proofs import Accepted, Repeated, Turn
from orchestrator.spending import Spending
from orchestrator.steps.reply import known_of
from registry import attempts
from registry.turns import AlreadyConcluded, LeaseLost

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 3.0

Result = TypeVar("Result")


class _End(Enum):
    WRITTEN = "written"
    KNOWN = "known"
    """One of its messages had its outcome already."""
    LOST = "lost"
    """The partition belongs to another orchestrator now, and so do its messages."""


async def handle(ports: Ports, group: Group[Delivery]) -> None:
    """Accepts, concludes and acknowledges, last. A lost lease leaves the messages to the new owner."""
    if group.items[0].turn.suspect:
        await _handle_suspect(ports, group.items[0])
        return
    ended = await _accept_group(ports, group)
    await _finish(ports, ended, group.items)


async def _accept_group(ports: Ports, group: Group[Delivery]) -> Accepted | Repeated:
    """Starts the turn at once, and anew with each message that joins it in time. The group is sealed then."""
    spending = Spending()
    while True:
        members = len(group.items)
        turn = replace(merged([delivery.turn for delivery in group.items]), seal=group.seal, spending=spending)
        try:
            async with asyncio.timeout(None) as scope:
                with group.noticing(scope):
                    ended = await _accept(ports, turn)
        except TimeoutError:
            if not scope.expired():
                raise
            continue
        if len(group.items) == members:  # one may have joined when the turn was over, but not yet back here
            group.seal()
            return ended


async def _handle_suspect(ports: Ports, delivery: Delivery) -> None:
    """A message that may have been tried before a crash: counted before it runs, alone from its second time on.

    So a message that kills the orchestrator each time is counted to its limit, and its neighbours are not.
    """
    turn = delivery.turn
    if not await _patiently(ports, lambda: attempts.counted(ports.pool, turn.message.turn_id)):
        await _patiently(ports, lambda: attempts.count(ports.pool, turn.message.turn_id))
        await _finish(ports, await _accept(ports, turn), [delivery])
        return
    async with ports.quarantine:
        failed = await _patiently(ports, lambda: attempts.count(ports.pool, turn.message.turn_id))
        if failed < ports.settings.limits.attempts:
            await _finish(ports, await _accept(ports, turn), [delivery])
            return
    stopped = await _patiently(ports, lambda: bury(ports, turn, failed, "the orchestrator died with it"))
    await _finish(ports, stopped, [delivery])


async def _accept(ports: Ports, turn: Turn) -> Accepted | Repeated:
    """Tries as often as the limit says, then buries the turn. A store that is away does not count: it is waited for."""
    try:
        return await _tried(ports, turn, lambda: accept(ports, turn))
    except _GivenUp as given_up:
        failed, reason = given_up.args
        return await _patiently(ports, lambda: bury(ports, turn, failed, reason))


async def _finish(ports: Ports, ended: Accepted | Repeated, deliveries: Sequence[Delivery]) -> None:
    end = _End.KNOWN if isinstance(ended, Repeated) else await _conclude(ports, ended)
    if end is _End.LOST:
        return
    if end is _End.KNOWN and len(deliveries) > 1:
        # A member of the group was answered before: each message for itself then, the known ones fall out.
        for delivery in deliveries:
            await _finish(ports, await _accept(ports, delivery.turn), [delivery])
        return
    if isinstance(ended, Repeated):
        await _say_known(ports, ended.turn)
    for delivery in deliveries:
        await _acknowledge(ports, delivery)


async def _say_known(ports: Ports, turn: Turn) -> None:
    """Nothing more will come of this message: whoever shows that it is being worked on is told."""
    if turn.envelope.channel != HTTP:
        await ports.announce(known_of(turn, ports.clock.now()))


async def _conclude(ports: Ports, ended: Accepted) -> _End:
    """Tries until it is written or belongs to somebody else: what a model answered is not thrown away."""

    async def once() -> _End:
        try:
            await conclude(ports, ended)
        except AlreadyConcluded:
            return _End.KNOWN
        except LeaseLost:
            ports.log.warning("lease_lost", turn_id=str(ended.turn.message.turn_id))
            return _End.LOST
        return _End.WRITTEN

    try:
        return await _tried(ports, ended.turn, once)
    except _GivenUp as given_up:
        failed, reason = given_up.args
        stopped = await _patiently(ports, lambda: bury(ports, ended.turn, failed, reason))
        return await _conclude(ports, stopped)


async def _acknowledge(ports: Ports, delivery: Delivery) -> None:
    turn = delivery.turn
    try:
        await delivery.message.ack()
    except NatsError as gone:
        ports.log.warning("ack_not_sent", turn_id=str(turn.message.turn_id), error=repr(gone))
        return
    ports.crash(CrashPoint.AFTER_ACK, turn.message.body)


class _GivenUp(Exception):
    """Failed as often as the limit says; carries the number and the last reason."""


async def _tried(ports: Ports, turn: Turn, work: Callable[[], Awaitable[Result]]) -> Result:
    """Repeats a failing step up to the limit; waits for a store that is away. Raises _GivenUp."""
    failed = 0
    pause = _FIRST_PAUSE_S
    while True:
        try:
            return await work()
        except Exception as broken:  # noqa: BLE001 -- counted and tried again; neighbours go on
            failed += 0 if is_away(broken) else 1
            reason = describe(broken)
            ports.log.error("turn_failed", turn_id=str(turn.message.turn_id), attempt=failed, error=reason)
        if failed >= ports.settings.limits.attempts:
            raise _GivenUp(failed, reason)
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


async def _patiently(ports: Ports, work: Callable[[], Awaitable[Result]]) -> Result:
    """Repeats until it succeeds: the store may be restarting, and the lease bounds the wait."""
    pause = _FIRST_PAUSE_S
    while True:
        try:
            return await work()
        except Exception as broken:  # noqa: BLE001 -- said each time, and tried again
            ports.log.error("tried_again", error=describe(broken))
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)
