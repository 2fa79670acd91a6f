"""`aiox chat`: an agent in the terminal."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.status import Status

from aiox.cli.chat.access import Access, Options, find_access
from aiox.cli.chat.client import ChatClient, Exchange, Sign
from aiox.cli.chat.screen import printable
from aiox.cli.chat.stream import ChatTrouble
from aiox.runtime.settings import load_settings

ANSWER_S: Final = 120.0
QUIT: Final = "/quit"


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
        asyncio.run(_ask_once(access, once) if once is not None else _converse(access, Console()))
    except ChatTrouble as trouble:
        print(trouble, file=sys.stderr)
        raise typer.Exit(1) from trouble
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _client(access: Access) -> ChatClient:
    return ChatClient(access.jid, access.password, access.host, access.port, access.ca_file)


async def _ask_once(access: Access, text: str) -> None:
    async with _client(access) as client:
        exchange = await client.ask(access.agent_jid, text, ANSWER_S)
    if exchange.error_code:
        raise ChatTrouble(f"{printable(exchange.text)} ({exchange.error_code})")
    print(printable(exchange.text))


async def _converse(access: Access, console: Console) -> None:
    async with _client(access) as client:
        console.print(f"You are {access.jid}, talking to {access.agent_jid}. {QUIT} ends.", style="dim", markup=False)
        while True:
            line = await _read_line("you> ")
            if line is None or line.strip() == QUIT:
                return
            if line.strip():
                await _exchange(client, access.agent_jid, line, console)


async def _exchange(client: ChatClient, agent_jid: str, text: str, console: Console) -> None:
    with console.status("sent") as status:
        exchange = await client.ask(agent_jid, text, ANSWER_S, lambda sign: _show(sign, status))
    receipt = "" if exchange.receipt_ms is None else f"✓ received after {exchange.receipt_ms:.0f} ms, "
    _render(exchange, console)
    console.print(f"{receipt}answered after {exchange.answer_ms:.0f} ms", style="dim", highlight=False)


def _show(sign: Sign, status: Status) -> None:
    status.update({"receipt": "✓ received", "composing": "✓ typing…", "paused": "✓ received"}[sign])


def _render(exchange: Exchange, console: Console) -> None:
    text = printable(exchange.text)
    if exchange.error_code:
        console.print(f"{text} ({exchange.error_code})", style="red", markup=False, highlight=False)
    else:
        console.print(Markdown(text))


async def _read_line(prompt: str) -> str | None:
    """One line from the person; None at the end of input. The stream stays alive meanwhile."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str | None] = loop.create_future()

    def typed(found: str | None) -> None:
        if not line.done():
            line.set_result(found)

    def read() -> None:
        try:
            found = input(prompt)
        except EOFError:
            found = None
        loop.call_soon_threadsafe(typed, found)

    # A daemon thread: Ctrl-C must not wait for a line that never comes.
    threading.Thread(target=read, daemon=True).start()
    return await line
