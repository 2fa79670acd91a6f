"""`aiox approvals`: tool calls that wait for a person."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiox.runtime.settings import load_settings

if TYPE_CHECKING:
    from aiox.cli.approvals import Login

app = typer.Typer(
    help="Tool calls that wait for a person's agreement. Who decides signs in as themselves.", no_args_is_help=True
)

Email = Annotated[str, typer.Option(prompt="e-mail address", help="of your account")]
PasswordFile = Annotated[Path | None, typer.Option(help="file with your password; left out: it is asked for")]
Code = Annotated[str, typer.Option(help="of your second factor, where you have one")]
Name = Annotated[str, typer.Argument(help="the approval's name, from 'aiox approvals list'", metavar="NAME")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask again after the call was shown")]


@app.command("list")
def approvals_list(email: Email, password_file: PasswordFile = None, code: Code = "") -> None:
    """What waits for you, and what you asked for that waits for others."""
    from aiox.cli.approvals import list_open

    print(asyncio.run(list_open(load_settings(), _login(email, password_file, code))))


@app.command("show")
def approvals_show(name: Name, email: Email, password_file: PasswordFile = None, code: Code = "") -> None:
    """All that one call would do: arguments, risk, what leaves the hub and to whom."""
    from aiox.cli.approvals import show

    print(asyncio.run(show(load_settings(), _login(email, password_file, code), name)))


@app.command("approve")
def approvals_approve(
    name: Name, email: Email, password_file: PasswordFile = None, code: Code = "", *, yes: Yes = False
) -> None:
    """Say yes. Once enough people have, the call runs, once, within 15 minutes."""
    _decide(name, _login(email, password_file, code), approves=True, yes=yes)


@app.command("deny")
def approvals_deny(
    name: Name, email: Email, password_file: PasswordFile = None, code: Code = "", *, yes: Yes = False
) -> None:
    """Say no, which ends it. Who asked for the call may take it back in this way."""
    _decide(name, _login(email, password_file, code), approves=False, yes=yes)


def _decide(name: str, login: Login, *, approves: bool, yes: bool) -> None:
    from aiox.cli.approvals import decide

    def agrees(text: str) -> bool:
        print(text)
        return yes or typer.confirm("Approve it?" if approves else "Deny it?")

    print(asyncio.run(decide(load_settings(), login, name, agrees, approves=approves)))


def _login(email: str, password_file: Path | None, code: str) -> Login:
    from aiox.cli.approvals import Login
    from aiox.cli.users import read_password

    password = typer.prompt("password", hide_input=True) if password_file is None else read_password(password_file)
    return Login(email, password, code)
