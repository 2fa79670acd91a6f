"""Where a turn's tool calls are asked for: the port between the link and the step that judges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from aiox.wire.v1 import worker_pb2 as pb


class Desk(Protocol):
    """One per turn. Called by one task, one message after the other."""

    @property
    def has_calls(self) -> bool:
        """Whether any call was let through: then the turn may not be asked anew, here or elsewhere."""
        ...

    def begin(self) -> None:
        """A worker begins with the turn: it counts its calls from the first."""
        ...

    def said(self, text: str) -> None:
        """Takes a piece of the answer as it comes. Never waits; may drop it."""
        ...

    async def asked(self, call: pb.ToolAsked) -> pb.ToolAllowed | pb.ToolHeld | pb.ToolRefused:
        """Judges a call; an allowed one is on record as started. Raises what the store raised; then it is not."""
        ...

    async def held(self, held: pb.TurnHeld) -> None:
        """Puts down a call that waits, with all that its turn needs to go on. Raises what the store raised."""
        ...

    async def done(self, call: pb.ToolDone) -> None:
        """Records how a call ended. Raises what the store raised."""
        ...

    def cut_off(self) -> Callable[[int], None]:
        """The attempt ended early: it has cost its input and what was said. Returns what takes the worker's count."""
        ...


class CallsInterrupted(Exception):
    """The worker was lost after a tool was let through: nobody knows, so nothing is repeated."""
