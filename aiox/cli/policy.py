"""`aiox policy ...`: the operator's hand on the hub's policy. Works also when the policy that holds is broken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands import policies, try_policy
from aiox.commands.fields import read
from aiox.commands.hub import Actor, Hub
from aiox.commands.policies import PolicyText, WhichPolicy, WhichVersion
from aiox.commands.try_policy import Question
from aiox.kernel.ids import HUB_OWNER, AgentId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.kernel.tools import known_tools
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import KeyRing
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from policy.cedar.level import MAX_BYTES, Fault
from registry.policies import PolicyVersion


async def show(settings: Settings, version: int | None) -> str:
    """The versions of the hub's policy, or the text of one. Raises CannotGoOn when there is no such version."""
    async with _hub(settings) as (hub, actor):
        found = await policies.show(hub, actor, WhichPolicy())
    if isinstance(found, Refused):
        raise CannotGoOn(found.reason)
    if version is None:
        return "\n".join(_line(one) for one in found) or "The hub has no policy: everything is denied."
    text = next((one.text for one in found if one.version == version), None)
    if text is None:
        raise CannotGoOn(f"the hub's policy has no version {version}. Mend: aiox policy show")
    return text or "# nothing beyond the profiles of docs/actions.md"


async def check(settings: Settings, file: Path) -> str:
    """Says that a text may be published. Raises CannotGoOn with every fault."""
    async with _hub(settings) as (hub, actor):
        found = await policies.check(hub, actor, PolicyText(text=_read(file)))
    if isinstance(found, Refused):
        raise CannotGoOn(found.reason)
    if found.faults:
        raise CannotGoOn(_faults(file, found.faults))
    return f"{file} fits: it may be published."


async def publish(settings: Settings, file: Path) -> str:
    """Makes a text the hub's policy. Raises CannotGoOn."""
    async with _hub(settings) as (hub, actor):
        return _holds(await policies.publish(hub, actor, PolicyText(text=_read(file))))


async def rollback(settings: Settings, version: int) -> str:
    """Makes an older version hold again. Raises CannotGoOn."""
    async with _hub(settings) as (hub, actor):
        return _holds(await policies.rollback(hub, actor, WhichVersion(version=version)))


async def try_out(
    settings: Settings, who: str, action: str, agent: AgentId | None, channel: str, tool: str = ""
) -> str:
    """What would happen, in words. Raises CannotGoOn, also for a question that makes no sense."""
    given = {"actor": who, "action": action, "agent_id": agent, "channel": channel, "tool": tool}
    asked = read(Question, given)
    if isinstance(asked, Refused):
        raise CannotGoOn(f"{asked.reason} Mend: aiox policy try JID ACTION, actions are in docs/actions.md")
    async with _hub(settings) as (hub, actor):
        found = await try_policy.run(hub, actor, asked)
    if isinstance(found, Refused):
        raise CannotGoOn(found.reason)
    return found.sentence


@asynccontextmanager
async def _hub(settings: Settings) -> AsyncIterator[tuple[Hub, Actor]]:
    secrets = Secrets.of(settings.home, "gateway")
    pool = await postgres.connect(settings, secrets, "gateway", size=1)
    try:
        keys = KeyRing.parse(secrets.read("keyring"))
        hub = Hub(pool, keys, SystemClock(), settings.domain, tools=known_tools(settings.tools.test_folder))
        yield hub, Actor(HUB_OWNER, BareJid(f"operator@{settings.domain}"))
    finally:
        await pool.close()


def _read(file: Path) -> str:
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as wrong:
        raise CannotGoOn(f"{file} cannot be read: {wrong}") from wrong
    if len(text) > MAX_BYTES:
        raise CannotGoOn(f"{file} is longer than {MAX_BYTES} characters.")
    return text


def _faults(file: Path, faults: tuple[Fault, ...]) -> str:
    return "\n".join([f"{file} is no policy:", *(f"  {fault.rule or 'text'}: {fault.why}" for fault in faults)])


def _holds(done: PolicyVersion | Refused) -> str:
    if isinstance(done, Refused):
        raise CannotGoOn(f"{done.reason} Mend: aiox policy check FILE, aiox policy show")
    return f"Version {done.version} ({done.digest[:12]}) holds in every process within 5 seconds."


def _line(one: PolicyVersion) -> str:
    when = one.created_at.isoformat(timespec="seconds")
    return f"{'*' if one.active else ' '} {one.version:>4}  {one.digest[:12]}  {when}  {one.author}"
