"""Accounts on the XMPP server, for `aiox up`, the demo and the shell: asked as the stack's own account."""

from __future__ import annotations

import aiohttp

from aiox.cli.stack.home import Home
from aiox.kernel.jid import BareJid
from aiox.runtime.settings import Settings
from aiox.runtime.xmpp_server import STACK_ACCOUNT, XmppServer


class ServerAccounts(XmppServer):
    """The server's accounts, with every account command there is."""

    def __init__(self, home: Home, settings: Settings) -> None:
        super().__init__(settings, home.secrets("stack"), STACK_ACCOUNT)

    async def reload(self) -> None:
        """The server reads its configuration and certificates again; connections stay. Raises XmppServerTrouble."""
        await self.succeed("reload_config", {})


async def answers(home: Home, settings: Settings) -> bool:
    """Whether the account interface is up and knows its password."""
    try:
        status, _ = await ServerAccounts(home, settings).call("status", {})
    except (aiohttp.ClientConnectionError, TimeoutError):  # one that is slow to start may hear and not answer yet
        return False
    return status == 200


async def ensure_account(home: Home, settings: Settings, name: str, password: str) -> None:
    """Makes `name` on the hub's domain with this password, or gives it this password. Raises XmppServerTrouble."""
    server, who = ServerAccounts(home, settings), {"user": name, "host": settings.domain}
    if await server.succeed("check_account", who) == 0:
        await server.set_password(BareJid(f"{name}@{settings.domain}"), password)
    else:
        await server.succeed("register", {**who, "password": password})


async def remove_account(home: Home, settings: Settings, name: str) -> None:
    """Takes the account away, with its archive and roster. Raises XmppServerTrouble."""
    await ServerAccounts(home, settings).succeed("unregister", {"user": name, "host": settings.domain})
