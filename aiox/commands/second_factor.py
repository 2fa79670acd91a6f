"""The second factor of an account: begin, confirm, remove; and the question at sign-in (RFC 6238)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field, SecretStr

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import MAX_LENGTH
from aiox.commands.people import People
from aiox.commands.recording import happened
from aiox.commands.refusal import refused
from aiox.kernel import totp
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import Connection
from registry import accounts, second_factors, tenants
from registry.second_factors import SecondFactor

RECOVERY_CODES: Final = 10
PATIENCE: Final = 5
"""Wrong codes in a row that cost nothing but the try; each one more doubles the wait, up to an hour."""
LONGEST_WAIT: Final = timedelta(hours=1)
RULE: Final = "S4 second-factor"
NEEDED: Final = Refused(ErrorCode.SECOND_FACTOR_REQUIRED, SENTENCES[ErrorCode.SECOND_FACTOR_REQUIRED], (RULE,))
WRONG: Final = Refused(ErrorCode.SECOND_FACTOR_REQUIRED, "The code is wrong, too old or used already.", (RULE,))
WAIT: Final = Refused(ErrorCode.SECOND_FACTOR_REQUIRED, "Too many wrong codes. Wait before the next try.", (RULE,))
ON_ALREADY: Final = Refused(ErrorCode.CONFLICT, "This account has a second factor already. Remove it first.", (RULE,))
NOT_BEGUN: Final = Refused(ErrorCode.CONFLICT, "Begin with a new secret first.", (RULE,))
PASSWORD_WRONG: Final = Refused(ErrorCode.PASSWORD_WRONG, SENTENCES[ErrorCode.PASSWORD_WRONG], ("A1 password",))


class WithPassword(Fields):
    """What is asked for again where much depends on it."""

    password: SecretStr = Field(min_length=1, max_length=MAX_LENGTH)


class WithCode(Fields):
    """A code of the authenticator."""

    code: str = Field(min_length=totp.DIGITS, max_length=40)


class Removal(WithPassword):
    """Password and a code, or a recovery code."""

    code: str = Field(min_length=totp.DIGITS, max_length=40)


@dataclass(frozen=True, slots=True)
class Begun:
    """A secret for the authenticator, told once: as text, and as the address of a QR code."""

    secret: str
    uri: str


async def begin(hub: Hub, actor: Actor, fields: WithPassword, people: People) -> Begun | Refused:
    """Makes a secret, which does not count until it is confirmed. PASSWORD_WRONG; CONFLICT when there is a factor."""
    no = await refused(hub, actor, Action.SECOND_FACTOR_BEGIN, actor.owner)
    no = no or await password_refused(hub, actor, fields.password, people)
    return no or await new_secret(hub, actor.owner)


async def confirm(hub: Hub, actor: Actor, fields: WithCode) -> Sequence[str] | Refused:
    """Turns the factor on and tells the recovery codes, once. SECOND_FACTOR_REQUIRED for a wrong code, CONFLICT."""
    no = await refused(hub, actor, Action.SECOND_FACTOR_CONFIRM, actor.owner)
    return no or await turn_on(hub, actor, actor.owner, fields.code)


async def remove(hub: Hub, actor: Actor, fields: Removal, people: People) -> Refused | None:
    """Turns it off. PASSWORD_WRONG, SECOND_FACTOR_REQUIRED."""
    no = await refused(hub, actor, Action.SECOND_FACTOR_REMOVE, actor.owner)
    no = no or await password_refused(hub, actor, fields.password, people)
    no = no or await passed(hub, actor, fields.code)
    if no is None:
        await turn_off(hub, actor, actor.owner)
    return no


async def password_refused(hub: Hub, actor: Actor, password: SecretStr, people: People) -> Refused | None:
    """Whether this is not the actor's password."""
    stored = await accounts.load_password(hub.pool, actor.owner)
    fits = await people.passwords.matches(stored, password.get_secret_value())
    return None if fits else PASSWORD_WRONG


async def new_secret(hub: Hub, owner: OwnerId) -> Begun | Refused:
    """Past the gate, for commands that passed it."""
    account = await accounts.load(hub.pool, owner)
    secret = secrets.token_bytes(totp.SECRET_BYTES)
    async with second_factors.locked(hub.pool, owner) as (connection, factor):
        if account is None or (factor is not None and factor.confirmed):
            return ON_ALREADY
        ring = await tenants.ring_of(connection, hub.keys, owner)
        sealed = ring.seal(secret, second_factors.place(owner))
        await second_factors.begin(connection, owner, sealed, hub.clock.now())
    return Begun(totp.as_text(secret), totp.as_uri(secret, account.email, f"AIOX {hub.domain}"))


async def turn_on(hub: Hub, actor: Actor, owner: OwnerId, code: str) -> Sequence[str] | Refused:
    """Past the gate, for commands that passed it."""
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    async with second_factors.locked(hub.pool, owner) as (connection, factor):
        if factor is None or factor.confirmed:
            return NOT_BEGUN if factor is None else ON_ALREADY
        step = await _step(hub, connection, owner, factor, code)
        if step is None:
            return WRONG
        digests = [_digest(one) for one in codes]
        await second_factors.confirm(connection, owner, step, digests, hub.clock.now())
    await happened(hub, actor, "account.second_factor", about=owner, outcome="on")
    return codes


async def turn_off(hub: Hub, actor: Actor, owner: OwnerId) -> None:
    """Past the gate, for commands that passed it."""
    async with second_factors.locked(hub.pool, owner) as (connection, _):
        await second_factors.remove(connection, owner)
    await happened(hub, actor, "account.second_factor", "warning", about=owner, outcome="off")


async def passed(hub: Hub, person: Actor, code: str) -> Refused | None:
    """Whether the code is not good enough; None for an account without a factor. A good code is used up.

    Asked only once the password was right: a stranger cannot make an account wait.
    """
    now = hub.clock.now()
    async with second_factors.locked(hub.pool, person.owner) as (connection, factor):
        if factor is None or not factor.confirmed:
            return None
        if not code:
            return NEEDED
        if factor.blocked_until is not None and factor.blocked_until > now:
            return WAIT
        if await _use(hub, connection, person.owner, factor, code):
            return None
        await second_factors.failed(connection, person.owner, _wait_until(factor.failures + 1, now))
        return WRONG


async def _use(hub: Hub, connection: Connection, owner: OwnerId, factor: SecondFactor, code: str) -> bool:
    step = await _step(hub, connection, owner, factor, code)
    if step is not None:
        await second_factors.passed(connection, owner, step)
        return True
    used = await second_factors.use_recovery(connection, owner, _digest(code), hub.clock.now())
    if used:
        await second_factors.passed(connection, owner, factor.last_step)
    return used


async def _step(hub: Hub, connection: Connection, owner: OwnerId, factor: SecondFactor, code: str) -> int | None:
    ring = await tenants.ring_of(connection, hub.keys, owner)
    secret = ring.open(factor.sealed, second_factors.place(owner))
    return totp.step_of(secret, code.replace(" ", ""), int(hub.clock.now().timestamp()), factor.last_step)


def _wait_until(failures: int, now: datetime) -> datetime | None:
    if failures < PATIENCE:
        return None
    doubled: int = 2 ** min(failures - PATIENCE, 10)
    return now + min(LONGEST_WAIT, timedelta(seconds=30) * doubled)


def _new_recovery_code() -> str:
    """80 random bits, in groups that a person can copy."""
    text = totp.as_text(secrets.token_bytes(10)).lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _digest(code: str) -> bytes:
    return hashlib.sha256("".join(code.lower().split()).replace("-", "").encode("utf-8", "surrogatepass")).digest()
