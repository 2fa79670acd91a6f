"""Which messages share a turn (SPEC 4). Pure: time comes as an argument.

The first message of an idle conversation is never delayed: its turn starts at once. What arrives within the window,
before anything was shown or done, restarts that turn with both; what arrives later joins the next turn. Messages of
different threads are different lines of talk and stay apart, and so does one that may have been tried before. A message
over HTTP is a request of its own and gets an answer of its own: it is in the same lane, and never merged. So are a
command, a reaction, what is said in a room, what an agent of another hub asks, and a held turn that goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiox.commands.chat_command import parse
from aiox.kernel.envelope import MESSAGE, XMPP
from aiox.kernel.units import MAX_BODY_BYTES
from orchestrator.proofs import Turn

MAX_MERGED = 16
"""Messages in one turn at most."""


def belong_together(turns: Sequence[Turn], another: Turn) -> bool:
    """Whether `another` may share a turn with these, in form and size."""
    first = turns[0]
    bodies = [turn.message.body for turn in (*turns, another)]
    return (
        len(bodies) <= MAX_MERGED
        and first.envelope.channel == another.envelope.channel == XMPP
        and first.envelope.type == another.envelope.type == MESSAGE
        and another.message.stanza_type != "groupchat"
        and not any(parse(body) for body in (first.message.body, another.message.body))
        and another.message.question is None
        and first.message.question is None
        and not another.suspect
        and not first.suspect
        and (another.message.thread, another.message.stanza_type) == (first.message.thread, first.message.stanza_type)
        and another.message.agent_jid == first.message.agent_jid
        and another.fence == first.fence
        and another.message.turn_id not in {turn.message.turn_id for turn in turns}
        and sum(len(body.encode()) + 1 for body in bodies) <= MAX_BODY_BYTES
    )


def may_restart(started_s: float, now_s: float, window_s: float, touched: bool) -> bool:
    """Whether a running turn may still be restarted with one more message. Times on one monotonic clock, in seconds."""
    return not touched and now_s - started_s < window_s


def merged(turns: Sequence[Turn]) -> Turn:
    """One turn for several messages: the first one's id and place, all texts in order, the answer to the last.

    Each message keeps its own inbox row (`Turn.members`).
    """
    first, last = turns[0], turns[-1]
    if len(turns) == 1:
        return first
    message = replace(
        first.message,
        body="\n".join(turn.message.body for turn in turns),
        message_id=last.message.message_id,
        attachments=tuple(file for turn in turns for file in turn.message.attachments),
        sender_full=last.message.sender_full,
    )
    return replace(first, envelope=replace(first.envelope, payload=message), members=tuple(turns))
