"""`aiox credential`: what providers are asked with: the hub's for all, an organisation's, an account's own."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from aiox.runtime.settings import load_settings

app = typer.Typer(
    help="Credentials for providers: the hub's, or whose you name. Secrets go in and never come out.",
    no_args_is_help=True,
)

Provider = Annotated[str, typer.Argument(help="name of the provider: openai, mistral, ollama, ...")]
Kind = Annotated[str, typer.Option(help="what it is for: llm, smtp or search")]
Owner = Annotated[str, typer.Option(help="the account: e-mail address or JID; left out: the hub")]
Organisation = Annotated[str, typer.Option(help="id of an organisation that --owner rules")]


@app.command("list")
def credential_list(owner: Owner = "", organisation: Organisation = "") -> None:
    """Providers, with what the last test found."""
    from aiox.cli.credentials import Whose, list_all

    print(asyncio.run(list_all(load_settings(), Whose(owner, organisation))))


@app.command("set")
def credential_set(
    provider: Provider,
    kind: Kind = "llm",
    api_base: Annotated[str, typer.Option(help="endpoint, when it is not the provider's own")] = "",
    owner: Owner = "",
    organisation: Organisation = "",
    *,
    no_secret: Annotated[bool, typer.Option("--no-secret", help="the endpoint wants no key")] = False,
    disable: Annotated[bool, typer.Option("--disable", help="this provider is not to be used")] = False,
) -> None:
    """Test a key, which is asked for, and store it: for the whole hub, an organisation or an account."""
    from aiox.cli.credentials import Whose, put

    secret = None if no_secret or disable else typer.prompt("Key", hide_input=True)
    mode = "disabled" if disable else "custom"
    said = {"kind": kind, "provider": provider, "mode": mode, "api_base": api_base, "secret": secret}
    print(asyncio.run(put(load_settings(), Whose(owner, organisation), **said)))


@app.command("test")
def credential_test(provider: Provider, kind: Kind = "llm", owner: Owner = "", organisation: Organisation = "") -> None:
    """Ask the provider again whether it takes the key."""
    from aiox.cli.credentials import Whose, test

    print(asyncio.run(test(load_settings(), Whose(owner, organisation), kind=kind, provider=provider)))


@app.command("delete")
def credential_delete(
    provider: Provider, kind: Kind = "llm", owner: Owner = "", organisation: Organisation = ""
) -> None:
    """Forget what is said about a provider."""
    from aiox.cli.credentials import Whose, delete

    print(asyncio.run(delete(load_settings(), Whose(owner, organisation), kind=kind, provider=provider)))
