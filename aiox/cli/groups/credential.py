"""`aiox credential`: what the whole hub asks providers with."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from aiox.runtime.settings import load_settings

app = typer.Typer(
    help="The hub's own credentials for providers. Secrets go in and never come out.", no_args_is_help=True
)

Provider = Annotated[str, typer.Argument(help="name of the provider: openai, mistral, ollama, ...")]
Kind = Annotated[str, typer.Option(help="what it is for: llm, smtp or search")]


@app.command("list")
def credential_list() -> None:
    """Providers, with what the last test found."""
    from aiox.cli.credentials import list_all

    print(asyncio.run(list_all(load_settings())))


@app.command("set")
def credential_set(
    provider: Provider,
    kind: Kind = "llm",
    api_base: Annotated[str, typer.Option(help="endpoint, when it is not the provider's own")] = "",
    *,
    no_secret: Annotated[bool, typer.Option("--no-secret", help="the endpoint wants no key")] = False,
    disable: Annotated[bool, typer.Option("--disable", help="nobody is to use this provider through the hub")] = False,
) -> None:
    """Test a key, which is asked for, and store it for the whole hub."""
    from aiox.cli.credentials import put

    secret = None if no_secret or disable else typer.prompt("Key", hide_input=True)
    mode = "disabled" if disable else "custom"
    print(asyncio.run(put(load_settings(), kind=kind, provider=provider, mode=mode, api_base=api_base, secret=secret)))


@app.command("test")
def credential_test(provider: Provider, kind: Kind = "llm") -> None:
    """Ask the provider again whether it takes the key."""
    from aiox.cli.credentials import test

    print(asyncio.run(test(load_settings(), kind=kind, provider=provider)))


@app.command("delete")
def credential_delete(provider: Provider, kind: Kind = "llm") -> None:
    """Forget what is said about a provider."""
    from aiox.cli.credentials import delete

    print(asyncio.run(delete(load_settings(), kind=kind, provider=provider)))
