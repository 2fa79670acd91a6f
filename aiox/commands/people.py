"""What the commands about accounts need beside the hub: passwords, the XMPP server, mail, and the house rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from aiox.commands.passwords import Passwords
from aiox.kernel.jid import BareJid
from aiox.runtime.mail import Letter
from aiox.runtime.settings import Settings

SendLetter = Callable[[Letter], Awaitable[None]]
"""Takes a letter to be sent soon; does not wait for the mail server. Raises MailTrouble when it cannot take it."""


class XmppDirectory(Protocol):
    """The XMPP server's accounts (aiox.runtime.xmpp_server). Every method raises XmppServerTrouble."""

    async def ensure(self, jid: BareJid, password: str) -> None:
        """Creates the account, or finds it there with this very password. Raises XmppAccountTaken."""
        ...

    async def set_password(self, jid: BareJid, password: str) -> None:
        """Gives an account another password."""
        ...

    async def end_sessions(self, jid: BareJid) -> None:
        """Ends all connections; clients that know the password come back."""
        ...

    async def shut_out(self, jid: BareJid) -> None:
        """Ends all connections and lets nobody in by password until `let_in`."""
        ...

    async def let_in(self, jid: BareJid) -> None:
        """Takes `shut_out` back."""
        ...

    async def remove(self, jid: BareJid) -> None:
        """Takes an account away with its archive, roster and vCard; again is a no-op."""
        ...

    async def issue_token(self, jid: BareJid) -> str:
        """A token for one login over XMPP, valid for minutes."""
        ...

    async def revoke_token(self, token: str) -> None:
        """Makes a token worthless."""
        ...


@dataclass(frozen=True, slots=True)
class HouseRules:
    """What the operator has set. `public_url` is where links in letters lead, without a slash at the end.

    `steady_s` is how long an answer takes that must not tell, by its time, whether an address has an account.
    """

    sign_up: Literal["open", "invite", "closed"] = "closed"
    session_idle: timedelta = timedelta(days=30)
    session_longest: timedelta = timedelta(days=180)
    public_url: str = "http://127.0.0.1:8080"
    steady_s: float = 0.5

    @classmethod
    def of(cls, settings: Settings) -> HouseRules:
        """From the settings."""
        own = settings.accounts
        here = f"http://127.0.0.1:{settings.ports.gateway}"
        return cls(
            own.sign_up,
            timedelta(days=own.session_idle_days),
            timedelta(days=own.session_days),
            own.public_url.rstrip("/") or here,
        )


async def keeps_no_letters(_to: str, _jid: str) -> None:
    """Of a post that hands every letter on."""


@dataclass(frozen=True, slots=True)
class People:
    """All of it. `reserve` is the secret from which passwords of accounts that nobody uses yet are made."""

    passwords: Passwords
    xmpp: XmppDirectory
    send: SendLetter
    rules: HouseRules
    reserve: bytes
    forget_letters: Callable[[str, str], Awaitable[None]] = keeps_no_letters
    """Deletes letters kept here that go to an e-mail address, or name a JID. Raises OSError."""
