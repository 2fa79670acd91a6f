"""Accounts on the XMPP server, through its HTTP interface on loopback, as the hub's own account."""

from __future__ import annotations

import ssl
from typing import Any, Final

import aiohttp

from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands.create_account import XmppAccountTaken
from aiox.kernel.jid import BareJid, domain
from aiox.runtime.settings import Settings

API_ACCOUNT: Final = "hub-api"
"""May use the account commands and nothing else; it cannot log in to chat."""
_BUDGET: Final = aiohttp.ClientTimeout(total=10)


async def answers(home: Home, settings: Settings) -> bool:
    """Whether the account interface is up and knows its password."""
    try:
        status, _ = await _call(home, settings, "status", {})
    except aiohttp.ClientConnectionError:
        return False
    return status == 200


class ServerAccounts:
    """The server's accounts, as `aiox.commands.create_account` wants them."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._settings = settings

    async def ensure(self, jid: BareJid, password: str) -> None:
        """Creates the account, or finds it there with this very password. Raises XmppAccountTaken, CannotGoOn."""
        who = {"user": jid.split("@")[0], "host": domain(jid)}
        if await _succeed(self._home, self._settings, "check_account", who) != 0:
            await _succeed(self._home, self._settings, "register", {**who, "password": password})
        elif await _succeed(self._home, self._settings, "check_password", {**who, "password": password}) != 0:
            raise XmppAccountTaken(jid)


async def ensure_account(home: Home, settings: Settings, name: str, password: str) -> None:
    """Makes `name` on the hub's domain with this password, or gives it this password. Raises CannotGoOn."""
    who = {"user": name, "host": settings.domain}
    if await _succeed(home, settings, "check_account", who) == 0:
        await _succeed(home, settings, "change_password", {**who, "newpass": password})
    else:
        await _succeed(home, settings, "register", {**who, "password": password})


async def remove_account(home: Home, settings: Settings, name: str) -> None:
    """Takes the account away, with its archive and roster. Raises CannotGoOn."""
    await _succeed(home, settings, "unregister", {"user": name, "host": settings.domain})


async def _succeed(home: Home, settings: Settings, command: str, arguments: dict[str, str]) -> Any:
    status, body = await _call(home, settings, command, arguments)
    if status != 200:
        raise CannotGoOn(f"ejabberd refused {command}: {body}. Mend: see {home.logs / 'ejabberd.log'}")
    return body


async def _call(home: Home, settings: Settings, command: str, arguments: dict[str, str]) -> tuple[int, Any]:
    """One command of mod_http_api: HTTP status and answer."""
    secrets = home.secrets("stack")
    who = aiohttp.encode_basic_auth(f"{API_ACCOUNT}@{settings.domain}", secrets.read("xmpp_api"))
    tls = ssl.create_default_context(cafile=str(secrets.path("ca.crt")))
    url = f"https://127.0.0.1:{settings.ports.xmpp_http}/api/{command}"
    headers = {"Host": settings.domain, "Authorization": who}
    async with (
        aiohttp.ClientSession(timeout=_BUDGET) as session,
        session.post(url, json=arguments, ssl=tls, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)
