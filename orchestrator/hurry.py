"""`/cancel` does not wait in its lane for what it is to stop: that is stopped when the message comes, if it may be."""

from __future__ import annotations

from collections.abc import Sequence

from aiox.commands.chat import CANCEL, COMMANDS
from aiox.commands.chat_command import parse
from aiox.kernel.verdict import Allow
from aiox.runtime.postgres import StoreTrouble
from orchestrator.ports import Ports
from orchestrator.proofs import Identified, Turn
from orchestrator.steps.command import judged
from registry.turns import find_turn


def is_cancel(turn: Turn) -> bool:
    """Whether a message is the command that stops what is ahead of it."""
    said = parse(turn.message.body)
    return said is not None and said.name == CANCEL


async def stop_ahead(ports: Ports, turn: Turn, ahead: Sequence[Turn]) -> None:
    """Stops the turns of the same conversation that came before `turn`, when its sender may say so.

    The decision is recorded when the command's own turn comes. A store that is away stops nothing, and is said.
    """
    message = turn.message
    try:
        facts = await find_turn(ports.pool, message.agent_id, message.sender, message.turn_id)
        if facts.concluded or facts.owner is None:
            return
        decided = await judged(ports, Identified(turn.with_agent(facts.agent), facts), COMMANDS[CANCEL])
    except StoreTrouble as away:
        ports.log.warning("cancel_not_judged", turn_id=str(message.turn_id), error=repr(away))
        return
    if decided is not None and isinstance(decided.verdict, Allow):
        ports.cancels.stop(ahead)
