"""`aiox user`: accounts."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from aiox.runtime.settings import load_settings

app = typer.Typer(help="Accounts of this hub.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(help="e-mail address of the account", metavar="EMAIL")]
PasswordFile = Annotated[Path | None, typer.Option(help="file with the password; left out: one is made and told once")]


class Role(StrEnum):
    """Roles on the hub itself."""

    ADMIN = "hub_admin"
    AUDITOR = "hub_auditor"
    NONE = "none"


@app.command("add")
def user_add(
    email: Email,
    name: Annotated[str, typer.Option(help="what stands before the @ of the XMPP address")],
    password_file: PasswordFile = None,
) -> None:
    """Make an account, with an XMPP address under the same password."""
    from aiox.cli.users import add

    print(asyncio.run(add(load_settings(), email, name, password_file)))


@app.command("list")
def user_list() -> None:
    """All accounts with their state, oldest first."""
    from aiox.cli.users import list_all

    print(asyncio.run(list_all(load_settings())))


@app.command("show")
def user_show(email: Email) -> None:
    """One account: address, role, second factor, state."""
    from aiox.cli.users import show

    print(asyncio.run(show(load_settings(), email)))


@app.command("password")
def user_password(email: Email, password_file: PasswordFile = None) -> None:
    """Set a password, for the web and for XMPP, and sign the account out everywhere."""
    from aiox.cli.users import put_password

    print(asyncio.run(put_password(load_settings(), email, password_file)))


@app.command("totp")
def user_totp(
    email: Email, *, off: Annotated[bool, typer.Option("--off", help="take the second factor away")] = False
) -> None:
    """Turn the second factor on, with a code of the person's authenticator; or off, when it was lost."""
    from aiox.cli.users import turn_off_second_factor, turn_on_second_factor

    if off:
        print(asyncio.run(turn_off_second_factor(load_settings(), email)))
    else:
        print(asyncio.run(turn_on_second_factor(load_settings(), email, _ask_code)))


@app.command("role")
def user_role(email: Email, role: Annotated[Role, typer.Argument(help="the role, or none")]) -> None:
    """Give an account a role on the hub itself, or take it away. It holds at once."""
    from aiox.cli.users import put_role

    print(asyncio.run(put_role(load_settings(), email, role)))


@app.command("deactivate")
def user_deactivate(email: Email) -> None:
    """Sign an account out everywhere, on XMPP too, and let nobody in. Repeat it if the XMPP server was away."""
    from aiox.cli.users import deactivate

    print(asyncio.run(deactivate(load_settings(), email)))


@app.command("activate")
def user_activate(email: Email) -> None:
    """Let a deactivated account in again."""
    from aiox.cli.users import activate

    print(asyncio.run(activate(load_settings(), email)))


@app.command("sessions")
def user_sessions(
    email: Email, *, end: Annotated[bool, typer.Option("--end", help="sign the account out everywhere")] = False
) -> None:
    """Where an account is signed in, on the web and by scripts."""
    from aiox.cli.users import end_sessions, list_sessions

    print(asyncio.run((end_sessions if end else list_sessions)(load_settings(), email)))


@app.command("preferences")
def user_preferences(
    email: Email,
    tone: Annotated[str | None, typer.Option(help="neutral, friendly, formal or direct; '' takes it back")] = None,
    layout: Annotated[
        str | None, typer.Option("--format", help="brief, detailed, bullets or steps; '' takes it back")
    ] = None,
    language: Annotated[str | None, typer.Option(help="language tag such as pt-BR; '' takes it back")] = None,
    *,
    clear: Annotated[bool, typer.Option("--clear", help="take all of them back")] = False,
) -> None:
    """How an account wants to be answered; with options, set it. What is not named stays as it is."""
    from aiox.cli import preferences

    named = {"tone": tone, "format": layout, "language": language}
    given = {name: value for name, value in named.items() if value is not None}
    if clear:
        print(asyncio.run(preferences.clear(load_settings(), email)))
    elif given:
        print(asyncio.run(preferences.change(load_settings(), email, given)))
    else:
        print(asyncio.run(preferences.show(load_settings(), email)))


def _ask_code(secret: str, uri: str) -> str:
    print(f"secret  {secret}\naddress {uri}\nType the secret into an authenticator, or show the address as a QR code.")
    answer: str = typer.prompt("Code that the authenticator shows now")
    return answer
