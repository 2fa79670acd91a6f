"""The XMPP server's accounts, through its HTTP interface on loopback (ejabberd's mod_http_api)."""

from __future__ import annotations

from typing import Any, Final

import aiohttp

from aiox.kernel.jid import BareJid, domain, local_part
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from aiox.runtime.xmpp_hosts import XmppHosts
from aiox.runtime.xmpp_tls import trust

STACK_ACCOUNT: Final = "hub-api"
"""The account `aiox up` speaks as: all account commands. None of the hub's accounts can log in to chat."""
GATEWAY_ACCOUNT: Final = "hub-gateway"
"""The account the gateway speaks as: what people may ask for themselves."""
COMPONENT_ACCOUNT: Final = "hub-component"
"""The account the component speaks as: it puts agents into rosters, and nothing else."""
TOKEN_S: Final = 300
"""How long a token for the web's XMPP connection is valid, in seconds."""
_BUDGET: Final = aiohttp.ClientTimeout(total=10)
_SCOPE: Final = "sasl_auth"


class XmppAccountTaken(Exception):
    """The XMPP server has this account already, with another password."""


class XmppServerTrouble(Exception):
    """The XMPP server did not answer, or refused. The message says what, and never a password."""


class XmppServer:
    """The accounts of one server, asked as `account` of the hub with the secret `xmpp_api` of `secrets`."""

    def __init__(self, settings: Settings, secrets: Secrets, account: str) -> None:
        self._settings = settings
        self._domain = settings.domain
        self._hosts = XmppHosts(settings.hosts.xmpp)
        self._secrets = secrets
        self._account = account

    async def ensure(self, jid: BareJid, password: str) -> None:
        """Creates the account, or finds it there with this very password.

        Raises XmppAccountTaken, XmppServerTrouble.
        """
        who = _who(jid)
        if await self.succeed("check_account", who) != 0:
            await self.succeed("register", {**who, "password": password})
        elif await self.succeed("check_password", {**who, "password": password}) != 0:
            raise XmppAccountTaken(jid)

    async def set_password(self, jid: BareJid, password: str) -> None:
        """Gives an account another password; who is connected stays so. Raises XmppServerTrouble."""
        await self.succeed("change_password", {**_who(jid), "newpass": password})

    async def end_sessions(self, jid: BareJid) -> None:
        """Ends all connections of an account; clients that know the password come back. Raises XmppServerTrouble."""
        await self.succeed("kick_user", _who(jid))

    async def shut_out(self, jid: BareJid) -> None:
        """Ends all connections of an account and lets its password open nothing until `let_in`.

        Tokens outlast it (ejabberd 24.12): revoke them first. Raises XmppServerTrouble.
        """
        await self.succeed("ban_account", {**_who(jid), "reason": "deactivated"})

    async def let_in(self, jid: BareJid) -> None:
        """Takes `shut_out` back. Raises XmppServerTrouble."""
        await self.succeed("unban_account", _who(jid))

    async def remove(self, jid: BareJid) -> None:
        """Takes an account away with its connections, roster, vCard, archive; again is a no-op.

        Raises XmppServerTrouble.
        """
        await self.succeed("unregister", _who(jid))
        # What the connections of an account still stored while it was being removed.
        await self.succeed("remove_mam_for_user", {"user": local_part(jid), "host": domain(jid)})

    async def add_contact(self, jid: BareJid, contact: BareJid, name: str, group: str) -> None:
        """Puts a contact into an account's roster, each seeing the other. Raises XmppServerTrouble."""
        entry = {"user": local_part(contact), "host": domain(contact), "nick": name, "groups": [group], "subs": "both"}
        await self.succeed("add_rosteritem", {"localuser": local_part(jid), "localhost": domain(jid), **entry})

    async def issue_token(self, jid: BareJid) -> str:
        """A token with which an XMPP client logs in (SASL X-OAUTH2) for TOKEN_S. Raises XmppServerTrouble."""
        asked = {"jid": jid, "ttl": TOKEN_S, "scopes": [_SCOPE]}
        said = await self.succeed("oauth_issue_token", asked)
        return str(said["token"])

    async def revoke_token(self, token: str) -> None:
        """Makes a token worthless before its time. Raises XmppServerTrouble."""
        await self.succeed("oauth_revoke_token", {"token": token})

    async def succeed(self, command: str, arguments: dict[str, Any]) -> Any:
        """The answer of a command that must not fail. Raises XmppServerTrouble."""
        try:
            status, body = await self.call(command, arguments)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as gone:
            raise XmppServerTrouble(f"the XMPP server does not answer {command}: {type(gone).__name__}") from gone
        if status != 200:
            raise XmppServerTrouble(f"the XMPP server refused {command}: {body}")
        return body

    async def call(self, command: str, arguments: dict[str, Any]) -> tuple[int, Any]:
        """One command: HTTP status and answer. Raises aiohttp.ClientError, OSError, TimeoutError.

        Of several servers the next is asked when one cannot be reached; never after it may have heard the command.
        """
        *others, last = self._hosts.round()
        for host in others:
            try:
                return await self._call(host, command, arguments)
            except aiohttp.ClientConnectorError:
                self._hosts.pass_over(host)
            except (aiohttp.ClientError, OSError, TimeoutError):
                self._hosts.pass_over(host)
                raise
        return await self._call(last, command, arguments)

    async def _call(self, host: str, command: str, arguments: dict[str, Any]) -> tuple[int, Any]:
        url = f"https://{host}:{self._settings.ports.xmpp_http}/api/{command}"
        who = aiohttp.encode_basic_auth(f"{self._account}@{self._domain}", self._secrets.read("xmpp_api"))
        tls = trust(self._settings, self._secrets.path("ca.crt"))
        headers = {"Host": self._domain, "Authorization": who}
        async with (
            aiohttp.ClientSession(timeout=_BUDGET) as session,
            session.post(url, json=arguments, ssl=tls, headers=headers, server_hostname=self._domain) as answer,
        ):
            return answer.status, await answer.json(content_type=None)


def _who(jid: BareJid) -> dict[str, Any]:
    return {"user": local_part(jid), "host": domain(jid)}
