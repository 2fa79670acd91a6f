"""What a held turn has done until then, written down: the hub keeps it sealed until a person has decided (DESIGN 2).

Only workers read it. The call that runs is the one that the hub names, never one that stands here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from ai_worker.words import Acted, Held, ToolCall

VERSION: Final = 1
FIRST: Final = "approved"
"""Id of a call of which nothing else is known."""


def written(acted: Sequence[Acted], place: int) -> bytes:
    """Rounds of a turn, the last with the call that waits at `place`. ASCII, so that any text of a model survives."""
    rounds = [
        {
            "said": one.said,
            "calls": [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in one.calls],
            "shown": list(one.shown),
        }
        for one in acted
    ]
    return json.dumps({"version": VERSION, "place": place, "acted": rounds}, separators=(",", ":")).encode()


def continued(continuation: bytes) -> Held:
    """Where a held turn goes on, as the hub says it. Raises ValueError for what it never made."""
    try:
        value = json.loads(continuation)
        tool, arguments, transcript = str(value["tool"]), str(value["arguments"]), str(value["transcript"])
        held = _read(transcript) if transcript else Held((Acted("", (ToolCall(FIRST, tool, arguments),), ("",)),), 0)
        last, call = held.acted[-1], ToolCall(held.call.id, tool, arguments)
    except (KeyError, IndexError, TypeError) as wrong:
        raise ValueError("this is not the continuation of a turn") from wrong
    calls = (*last.calls[: held.place], call, *last.calls[held.place + 1 :])
    return Held((*held.acted[:-1], Acted(last.said, calls, last.shown)), held.place)


def _read(transcript: str) -> Held:
    value = json.loads(transcript)
    if value["version"] != VERSION or type(value["place"]) is not int or value["place"] < 0:
        raise ValueError("this transcript is of another release")
    return Held(tuple(_round(one) for one in value["acted"]), value["place"])


def _round(value: Any) -> Acted:
    calls = tuple(ToolCall(str(call["id"]), str(call["name"]), str(call["arguments"])) for call in value["calls"])
    shown = tuple(str(one) for one in value["shown"])
    if len(shown) != len(calls):
        raise ValueError("a call without a result, or a result without a call")
    return Acted(str(value["said"]), calls, shown)
