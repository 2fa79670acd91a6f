"""`aiox chat`: an agent in the terminal."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from aiox.cli.chat.access import Access, Options, find_access
from aiox.cli.chat.client import ChatClient
from aiox.cli.chat.conversation import ANSWER_S, QUIT, Conversation
from aiox.cli.chat.keyboard import keyboard
from aiox.cli.chat.screen import printable, unsendable
from aiox.cli.chat.stream import ChatTrouble
from aiox.runtime.settings import load_settings


def chat(
    agent: Annotated[str | None, typer.Argument(help="JID or name of the agent; the demo agent when left out")] = None,
    jid: Annotated[str | None, typer.Option(help="your XMPP address")] = None,
    password_file: Annotated[Path | None, typer.Option(help="file that holds your password")] = None,
    host: Annotated[str | None, typer.Option(help="where the XMPP server listens")] = None,
    port: Annotated[int | None, typer.Option(help="its port for clients")] = None,
    ca: Annotated[Path | None, typer.Option(help="PEM file its certificate is checked against")] = None,
    once: Annotated[str | None, typer.Option(help="ask this, print only the answer, and leave")] = None,
) -> None:
    """Chat with an agent over real XMPP."""
    try:
        access = find_access(load_settings().home, Options(agent, jid, password_file, host, port, ca))
        asyncio.run(_ask_once(access, once) if once is not None else _converse(access))
    except ChatTrouble as trouble:
        print(trouble, file=sys.stderr)
        raise typer.Exit(1) from trouble
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _client(access: Access) -> ChatClient:
    return ChatClient(access.jid, access.password, access.host, access.port, access.ca_file)


async def _ask_once(access: Access, text: str) -> None:
    if trouble := unsendable(text):
        raise ChatTrouble(trouble)
    async with _client(access) as client:
        exchange = await client.ask(access.agent_jid, text, ANSWER_S)
    if exchange.error_code:
        raise ChatTrouble(f"{printable(exchange.text)} ({exchange.error_code})")
    print(printable(exchange.text))


async def _converse(access: Access) -> None:
    keys = keyboard()
    async with _client(access) as client:
        with keys.around_output():
            console = Console()
            greeting = f"You are {access.jid}, talking to {access.agent_jid}. {QUIT} ends."
            console.print(greeting, style="dim", markup=False, highlight=False)
            await Conversation(client, access.agent_jid, keys, console).hold()
