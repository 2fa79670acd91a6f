"""The story of a turn: `accept` takes it in, `conclude` brings it to an end (SPEC 4, DESIGN 2)."""

from __future__ import annotations

from aiox.runtime.crash import CrashPoint
from orchestrator.ports import Ports
from orchestrator.proofs import Accepted, Dispatched, Repeated, Stopped, Turn
from orchestrator.steps.answer import answer
from orchestrator.steps.assign import assign
from orchestrator.steps.attach import attach
from orchestrator.steps.authorise import authorise
from orchestrator.steps.command import command
from orchestrator.steps.dispatch import dispatch
from orchestrator.steps.held_call import lost_approval
from orchestrator.steps.identify import identify
from orchestrator.steps.interrupted import unfinished_calls
from orchestrator.steps.load import load
from orchestrator.steps.react import react
from orchestrator.steps.record import record
from orchestrator.steps.reserve import reserve
from orchestrator.steps.room import room
from orchestrator.steps.settle import settle


async def accept(ports: Ports, turn: Turn) -> Accepted | Repeated:
    """From an admitted message to what came of it. Raises only when infrastructure fails; then it can be repeated."""
    ports.crash(CrashPoint.TURN_TAKEN, turn.message.body)
    async with ports.backlog.passed(turn):
        return await _think(ports, turn)


async def _think(ports: Ports, turn: Turn) -> Accepted | Repeated:
    identified = await identify(ports, turn)
    if isinstance(identified, Repeated):
        return identified
    beside = await react(ports, identified) or await room(ports, identified)
    if beside is not None:
        return beside
    commanded = await command(ports, identified)
    if commanded is not None:
        return commanded
    authorised = await authorise(ports, identified)
    if isinstance(authorised, Stopped):
        return authorised
    loaded = await load(ports, authorised)
    interrupted = await unfinished_calls(ports, loaded)
    if interrupted is not None:
        return interrupted
    lost = lost_approval(loaded)
    if lost is not None:
        return lost
    attached = await attach(ports, loaded)
    if isinstance(attached, Stopped):
        return attached
    reserved = await reserve(ports, attached)
    if isinstance(reserved, Stopped):
        return reserved
    ports.crash(CrashPoint.AFTER_RESERVE, turn.message.body)
    assigned = assign(ports, reserved)
    dispatched = await dispatch(ports, assigned)
    ports.crash(CrashPoint.AFTER_ANSWER, turn.message.body)
    return dispatched


async def conclude(ports: Ports, ended: Accepted) -> None:
    """Settles, records and answers: one commit with the outbox row. Raises LeaseLost, AlreadyConcluded."""
    await settle(ports, ended)
    ports.crash(CrashPoint.AFTER_SETTLE, ended.turn.message.body)
    recorded = await record(ports, ended)
    ports.crash(CrashPoint.AFTER_COMMIT, ended.turn.message.body)
    await answer(ports, recorded)
    ports.crash(CrashPoint.AFTER_ANNOUNCE, ended.turn.message.body)
    if isinstance(ended, Dispatched):
        ports.concluded(ended)
