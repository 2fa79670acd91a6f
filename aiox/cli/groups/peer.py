"""`aiox peer`: other servers, and what each may do here."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from aiox.runtime.settings import load_settings

app = typer.Typer(help="Other servers: what each may see, ask and spend here.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="domain of the server, or the bare JID of one person there")]
Where = Annotated[str, typer.Argument(help="domain of the server that asked")]
See = Annotated[bool, typer.Option("--see", help="directory, discovery and presence of agents shared with it")]
Invoke = Annotated[bool, typer.Option("--invoke", help="messages to agents shared with it")]
Spend = Annotated[bool, typer.Option("--spend", help="tokens, as many as its budget says")]
MaybeSee = Annotated[bool | None, typer.Option("--see/--no-see")]
MaybeInvoke = Annotated[bool | None, typer.Option("--invoke/--no-invoke")]
MaybeSpend = Annotated[bool | None, typer.Option("--spend/--no-spend")]
Minute = Annotated[int | None, typer.Option("--tokens-per-minute", min=0, help="left out: as for every peer")]
Day = Annotated[int | None, typer.Option("--tokens-per-day", min=0, help="left out: as for every peer")]
Certificate = Annotated[
    Path | None,
    typer.Option(
        "--certificate", help="PEM file: what its server shows, or what signed that; nothing else is believed"
    ),
]
Dialback = Annotated[
    bool, typer.Option("--dialback", help="its name server is proof enough: only where it has no certificate")
]
Note = Annotated[str, typer.Option("--note", help="for admins")]


@app.command("add")
def peer_add(
    name: Name,
    *,
    see: See = False,
    invoke: Invoke = False,
    spend: Spend = False,
    minute: Minute = None,
    day: Day = None,
    certificate: Certificate = None,
    dialback: Dialback = False,
    note: Note = "",
) -> None:
    """Add a peer, or write its entry anew. What is not said is off."""
    from aiox.cli.peers import Given, add

    given = Given(see, invoke, spend, minute, day, certificate, dialback, note)
    print(asyncio.run(add(load_settings(), name, given)))


@app.command("list")
def peer_list() -> None:
    """List all peers."""
    from aiox.cli.peers import listed

    print(asyncio.run(listed(load_settings())))


@app.command("show")
def peer_show(name: Name) -> None:
    """Show one peer: what it may, how it proves who it is, what it has spent."""
    from aiox.cli.peers import show

    print(asyncio.run(show(load_settings(), name)))


@app.command("allow")
def peer_allow(
    name: Name,
    *,
    see: MaybeSee = None,
    invoke: MaybeInvoke = None,
    spend: MaybeSpend = None,
    minute: Minute = None,
    day: Day = None,
) -> None:
    """Change what a peer may; what is not said stays. Lifts a block or a freeze."""
    from aiox.cli.peers import allow

    change = {"see": see, "invoke": invoke, "spend": spend, "tokens_per_minute": minute, "tokens_per_day": day}
    print(asyncio.run(allow(load_settings(), name, change)))


@app.command("block")
def peer_block(name: Name) -> None:
    """Take and answer nothing of a peer any more."""
    from aiox.cli.peers import block

    print(asyncio.run(block(load_settings(), name)))


@app.command("remove")
def peer_remove(name: Name) -> None:
    """Take an entry away: its people are strangers again."""
    from aiox.cli.peers import remove

    print(asyncio.run(remove(load_settings(), name)))


@app.command("introductions")
def peer_introductions() -> None:
    """List the domains that have asked to be introduced."""
    from aiox.cli.peers import introductions

    print(asyncio.run(introductions(load_settings())))


@app.command("accept")
def peer_accept(
    domain: Where,
    *,
    see: See = False,
    invoke: Invoke = False,
    spend: Spend = False,
    minute: Minute = None,
    day: Day = None,
    certificate: Certificate = None,
    dialback: Dialback = False,
    note: Note = "",
) -> None:
    """Make a peer of a domain that has asked. What is not said is off."""
    from aiox.cli.peers import Given, accept

    given = Given(see, invoke, spend, minute, day, certificate, dialback, note)
    print(asyncio.run(accept(load_settings(), domain, given)))


@app.command("decline")
def peer_decline(domain: Where) -> None:
    """Forget a request to be introduced; the domain may ask again."""
    from aiox.cli.peers import decline

    print(asyncio.run(decline(load_settings(), domain)))
