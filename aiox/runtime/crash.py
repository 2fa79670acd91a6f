"""Crash hooks before and after every durable step, so that each can be tried (docs/durability.md lists them).

Off unless `AIOX_CRASH__POINT` names a point. The process then kills itself there with SIGKILL, as a power cut would.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from enum import StrEnum

from aiox.runtime.settings import Crash


class CrashPoint(StrEnum):
    """Where a process may be made to die. The value's first word is the service."""

    BEFORE_PUBLISH = "component: before the message is stored on the bus"
    AFTER_PUBLISH = "component: stored on the bus, not receipted"
    AFTER_RECEIPT = "component: receipted"
    BEFORE_SEND = "component: an outbox row is taken, not sent"
    AFTER_SEND = "component: the stanza is written, not confirmed"
    AFTER_PONG = "component: confirmed by the server, not marked"
    AFTER_MARK = "component: the outbox row is marked as sent"
    TURN_TAKEN = "orchestrator: the turn is taken from the bus"
    AFTER_RESERVE = "orchestrator: tokens are reserved"
    AFTER_TOOL_STARTED = "orchestrator: a tool call is recorded as started, not allowed yet"
    AFTER_ANSWER = "orchestrator: the worker has answered"
    AFTER_SETTLE = "orchestrator: quota and short-term memory are settled"
    AFTER_COMMIT = "orchestrator: the turn is committed, not announced"
    AFTER_ANNOUNCE = "orchestrator: the outbox row is announced, the bus not acknowledged"
    AFTER_ACK = "orchestrator: the bus message is acknowledged"
    BEFORE_FACT = "ai_worker: before a fact is stored"
    AFTER_FACT = "ai_worker: a fact is stored, the turn not answered"
    AFTER_EFFECT = "ai_worker: a tool has had its effect, nobody was told"
    BEFORE_DONE = "ai_worker: the answer is there, not sent"


Hook = Callable[[CrashPoint, str], None]
"""Called with the point and the text of the message that passes it (empty where there is none)."""


def no_hook(_point: CrashPoint, _text: str = "") -> None:
    """What runs in production: nothing."""


def crash_hook(settings: Crash) -> Hook:
    """The hook these settings ask for: dies at the n-th passage of the point, by messages that contain the text."""
    if not settings.point:
        return no_hook
    point = CrashPoint[settings.point]
    left = settings.passage

    def hook(here: CrashPoint, text: str = "") -> None:
        nonlocal left
        if here is not point or settings.text not in text:
            return
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return hook
