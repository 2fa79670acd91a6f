"""`aiox peer ...`: other servers, from the operator's shell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiox.cli.agents import done
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.users import open_desk
from aiox.commands import peers
from aiox.commands.fields import Form, read
from aiox.commands.peers import AcceptIntroduction, AllowPeer, PeerShown, PutPeer, WhichIntroduction, WhichPeer
from aiox.kernel.outcome import Refused
from aiox.runtime.settings import Settings
from policy.peers import Standing

NOTHING: Final = "nothing"
SOON: Final = "It holds everywhere within a few seconds."


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed about a peer."""

    see: bool
    invoke: bool
    spend: bool
    minute: int | None
    day: int | None
    certificate: Path | None
    dialback: bool
    note: str

    def fields(self) -> dict[str, Any]:
        """As the command names it. Raises CannotGoOn for a file that cannot be read."""
        return {
            "see": self.see,
            "invoke": self.invoke,
            "spend": self.spend,
            "tokens_per_minute": self.minute,
            "tokens_per_day": self.day,
            "certificate": _text(self.certificate),
            "dialback": self.dialback,
            "note": self.note,
        }


async def add(settings: Settings, name: str, given: Given) -> str:
    """Adds a peer or writes its entry anew. Raises CannotGoOn."""
    fields = _fields(PutPeer, name=name, **given.fields())
    async with open_desk(settings) as desk:
        return f"{_line(done(await peers.put(desk.hub, desk.actor, fields)))}\n{SOON}"


async def listed(settings: Settings) -> str:
    """One line per peer. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        found = done(await peers.list_all(desk.hub, desk.actor))
    return "\n".join(map(_line, found)) or "There is no peer yet: nobody elsewhere may talk to this hub's agents."


async def show(settings: Settings, name: str) -> str:
    """All of one peer. Raises CannotGoOn."""
    fields = _fields(WhichPeer, name=name)
    async with open_desk(settings) as desk:
        one = done(await peers.show(desk.hub, desk.actor, fields))
    facts = {
        "name": one.name,
        "standing": one.standing,
        "may": _may(one),
        "proof": one.proof,
        "certificate": one.certificate or "none pinned",
        "tokens a minute": f"{_limit(one.limits.tokens_per_minute)}, used {one.used.minute_tokens}",
        "tokens a day": f"{_limit(one.limits.tokens_per_day)}, used {one.used.day_tokens}",
        "turns at once": _limit(one.limits.max_concurrent_requests),
        "since": one.created_at.isoformat(timespec="seconds"),
        "changed": one.changed_at.isoformat(timespec="seconds"),
        "note": one.note or "-",
    }
    return "\n".join(f"{name:<16} {value}" for name, value in facts.items())


async def allow(settings: Settings, name: str, change: dict[str, Any]) -> str:
    """Changes what a peer may, and lifts a block. Raises CannotGoOn."""
    fields = _fields(AllowPeer, name=name, **change)
    async with open_desk(settings) as desk:
        return f"{_line(done(await peers.allow(desk.hub, desk.actor, fields)))}\n{SOON}"


async def block(settings: Settings, name: str) -> str:
    """Takes and answers nothing of a peer any more. Raises CannotGoOn."""
    fields = _fields(WhichPeer, name=name)
    async with open_desk(settings) as desk:
        return f"{_line(done(await peers.block(desk.hub, desk.actor, fields)))}\n{SOON}"


async def remove(settings: Settings, name: str) -> str:
    """Takes an entry away. Raises CannotGoOn."""
    fields = _fields(WhichPeer, name=name)
    async with open_desk(settings) as desk:
        no = await peers.remove(desk.hub, desk.actor, fields)
    if no is not None:
        raise CannotGoOn(no.reason)
    return f"{fields.name} is a stranger again. {SOON}"


async def introductions(settings: Settings) -> str:
    """Who waits to be introduced. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        found = done(await peers.introductions(desk.hub, desk.actor))
    lines = [f"{one.domain}  asked {one.asked_at:%Y-%m-%d %H:%M}" for one in found]
    return "\n".join(lines) or "Nobody waits to be introduced."


async def accept(settings: Settings, domain: str, given: Given) -> str:
    """Makes a peer of who has asked. Raises CannotGoOn."""
    fields = _fields(AcceptIntroduction, domain=domain, **given.fields())
    async with open_desk(settings) as desk:
        return f"{_line(done(await peers.accept(desk.hub, desk.actor, fields)))}\n{SOON}"


async def decline(settings: Settings, domain: str) -> str:
    """Forgets a request. Raises CannotGoOn."""
    fields = _fields(WhichIntroduction, domain=domain)
    async with open_desk(settings) as desk:
        no = await peers.decline(desk.hub, desk.actor, fields)
    if no is not None:
        raise CannotGoOn(f"{no.reason} Mend: aiox peer introductions")
    return f"The request of {fields.domain} is forgotten. To hear nothing more of it: aiox peer block {fields.domain}"


def _line(one: PeerShown) -> str:
    standing = "" if one.standing is Standing.ALLOWED else f", {one.standing}"
    return f"{one.name}: {_may(one)} ({one.proof}{standing}); used {one.used.day_tokens} tokens today (UTC)"


def _may(one: PeerShown) -> str:
    return ", ".join(name for name in ("see", "invoke", "spend") if getattr(one, name)) or NOTHING


def _limit(limit: int | None) -> str:
    return "no limit" if limit is None else str(limit)


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as wrong:
        raise CannotGoOn(f"cannot read {path}: {wrong}. Mend: name a PEM file") from wrong


def _fields(form: type[Form], **given: Any) -> Form:
    fields = read(form, given)
    if isinstance(fields, Refused):
        raise CannotGoOn(f"{fields.reason}. Mend: aiox peer --help")
    return fields
