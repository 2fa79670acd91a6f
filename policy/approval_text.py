"""What an approver reads. Made from the canonical call and the tool's description, never from a model's words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiox.kernel.tools import ToolDescription
from aiox.kernel.verdict import Hold
from policy.approvals import Call
from policy.cedar.explain import approval_needed

MAX_VALUE: Final = 2000
"""Characters of one argument that are shown; how many there are is always said."""
_HOST: Final = re.compile(r"\bhttps?://(?:[^/\s]*@)?(\[[0-9a-fA-F:.]+\]|[^/\s:?#\"'<>\\]+)", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[^\s@<>,;:/\"'()]{1,64}@[A-Za-z0-9.-]{1,253}")
_DOMAIN_FIELDS: Final = frozenset({"host", "hostname", "domain", "server"})


@dataclass(frozen=True, slots=True)
class Shown:
    """What the call would do. Computed from the call; `recipients` are hosts and addresses found in its arguments."""

    tool: str
    arguments: tuple[tuple[str, str], ...]
    risk: str
    reversible: str
    leaving: str
    recipients: tuple[str, ...]
    cost: str


def recipients_of(arguments: bytes) -> tuple[str, ...]:
    """Hosts of URLs, e-mail addresses and XMPP addresses anywhere in the arguments, in alphabetical order."""
    found: set[str] = set()
    for name, text in _texts("", json.loads(arguments)):
        found |= {host.lower().rstrip(".") for host in _HOST.findall(text)}
        found |= {address.lower().rstrip(".") for address in _ADDRESS.findall(_HOST.sub(" ", text))}
        if name.lower() in _DOMAIN_FIELDS and text:
            found.add(text.lower())
    return tuple(sorted(found))


def shown(call: Call, tool: ToolDescription | None, turn_tokens: int = 0) -> Shown:
    """All that is known of the call. A tool that the hub does not know has the highest risk."""
    value = json.loads(call.arguments)
    recipients = recipients_of(call.arguments)
    reads = tool is not None and tool.read_only
    return Shown(
        tool=call.tool,
        arguments=tuple((visible(name), visible(_value(one))) for name, one in sorted(value.items())),
        risk=tool.risk if tool is not None else "critical",
        reversible="it changes nothing" if reads else "the hub cannot undo it",
        leaving=f"{len(call.arguments)} bytes may leave the hub" if recipients else "no recipient is named in the call",
        recipients=tuple(visible(one) for one in recipients),
        cost=f"at most {turn_tokens} tokens to go on" if turn_tokens else "tokens to go on, within the agent's limits",
    )


def as_text(found: Shown, actor: str, terms: Hold, expires_at: datetime, name: str) -> str:
    """The lines that a person reads before they decide. `name` is how they name the approval in their answer."""
    lines = [
        f"Approval {name}: {found.tool}, asked for by {visible(actor)}",
        *(f"  {key}: {value}" for key, value in found.arguments),
        f"Risk: {found.risk}; {found.reversible}.",
        f"Data: {found.leaving}; to: {', '.join(found.recipients) or 'nobody outside'}.",
        f"Cost: {found.cost}.",
        f"It runs when {approval_needed(terms)}, until {expires_at.isoformat(sep=' ', timespec='minutes')}.",
        f"Answer /approve {name} or /deny {name}",
    ]
    return "\n".join(lines)


def visible(text: str) -> str:
    """One line in which nothing hides: control, format and direction characters are written out."""
    return "".join(one if one.isprintable() else f"\\u{{{ord(one):x}}}" for one in text)


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}... ({len(text)} characters)"


def _texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield "", key
            yield from _texts(key, one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(name, one)
