"""`aiox organisation`: founding, members and their roles, invitations."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from aiox.runtime.settings import load_settings

app = typer.Typer(help="Organisations, in the name of an account that is a member.", no_args_is_help=True)

Owner = Annotated[str, typer.Option(help="in whose name: e-mail address or JID of an account")]
Which = Annotated[str, typer.Argument(help="id of the organisation")]
Member = Annotated[str, typer.Argument(help="the member's e-mail address or JID")]
Role = Annotated[str, typer.Argument(help="owner, admin, approver, auditor or member")]


@app.command("list")
def organisation_list(owner: Owner) -> None:
    """Where the account is a member, and as what."""
    from aiox.cli.organisations import list_mine

    print(asyncio.run(list_mine(load_settings(), owner)))


@app.command("create")
def organisation_create(name: str, owner: Owner) -> None:
    """Found one, of which the account is owner."""
    from aiox.cli.organisations import create

    print(asyncio.run(create(load_settings(), owner, name)))


@app.command("show")
def organisation_show(organisation: Which, owner: Owner) -> None:
    """Its name and its members."""
    from aiox.cli.organisations import show

    print(asyncio.run(show(load_settings(), owner, organisation)))


@app.command("rename")
def organisation_rename(organisation: Which, name: str, owner: Owner) -> None:
    """Give it another name."""
    from aiox.cli.organisations import rename

    print(asyncio.run(rename(load_settings(), owner, organisation, name)))


@app.command("role")
def organisation_role(organisation: Which, member: Member, role: Role, owner: Owner) -> None:
    """Give a member another role."""
    from aiox.cli.organisations import put_role

    print(asyncio.run(put_role(load_settings(), owner, organisation, member, role)))


@app.command("remove")
def organisation_remove(organisation: Which, member: Member, owner: Owner) -> None:
    """Take a member out."""
    from aiox.cli.organisations import remove

    print(asyncio.run(remove(load_settings(), owner, organisation, member)))


@app.command("invite")
def organisation_invite(
    organisation: Which,
    email: Annotated[str, typer.Argument(help="where the invitation goes")],
    owner: Owner,
    role: Annotated[str, typer.Option(help="what the invited person shall be")] = "member",
) -> None:
    """Send an invitation by mail, good for seven days."""
    from aiox.cli.organisations import invite

    print(asyncio.run(invite(load_settings(), owner, organisation, email, role)))


@app.command("invitations")
def organisation_invitations(organisation: Which, owner: Owner) -> None:
    """Those that can still be accepted."""
    from aiox.cli.organisations import invitations

    print(asyncio.run(invitations(load_settings(), owner, organisation)))


@app.command("withdraw")
def organisation_withdraw(
    organisation: Which, invitation: Annotated[str, typer.Argument(help="id of the invitation")], owner: Owner
) -> None:
    """Take an invitation back."""
    from aiox.cli.organisations import withdraw

    print(asyncio.run(withdraw(load_settings(), owner, organisation, invitation)))
