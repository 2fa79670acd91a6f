"""`aiox quota`: what the hub allows organisations and peers. `aiox organisation quota`: what one allows itself."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from aiox.runtime.settings import load_settings

app = typer.Typer(help="Budgets that many share: of organisations, and of other servers.", no_args_is_help=True)


class Kind(StrEnum):
    """What shares a budget."""

    ORGANISATION = "organisation"
    PEER = "peer"


Name = Annotated[str, typer.Argument(help="id of the organisation, domain of the peer, or 'default'")]
Minute = Annotated[int | None, typer.Option("--tokens-per-minute", min=0)]
Day = Annotated[int | None, typer.Option("--tokens-per-day", min=0)]
AtOnce = Annotated[int | None, typer.Option("--max-concurrent", min=0, help="turns at once")]
Memory = Annotated[
    int | None, typer.Option("--max-memory-mb", min=0, help="of all that an organisation's agents store")
]
Worker = Annotated[int | None, typer.Option("--max-worker-ms", min=100, help="of one turn, in milliseconds")]


@app.command("list")
def quota_list() -> None:
    """What is set, and what was used today."""
    from aiox.cli.quotas import listed

    print(asyncio.run(listed(load_settings())))


@app.command("set")
def quota_set(
    kind: Kind,
    name: Name,
    minute: Minute = None,
    day: Day = None,
    at_once: AtOnce = None,
    memory: Memory = None,
    worker: Worker = None,
) -> None:
    """Set all limits of one; what is left out has none. An organisation can narrow what is set here, never widen it."""
    from aiox.cli.quotas import put

    print(asyncio.run(put(load_settings(), kind, name, _limits(minute, day, at_once, memory, worker))))


@app.command("clear")
def quota_clear(kind: Kind, name: Name) -> None:
    """Take away what is set by name, so that the default holds again."""
    from aiox.cli.quotas import drop

    print(asyncio.run(drop(load_settings(), kind, name)))


def organisation_quota(
    organisation: Annotated[str, typer.Argument(help="id of the organisation")],
    owner: Annotated[str, typer.Option(help="in whose name: e-mail address or JID of an account")],
    minute: Minute = None,
    day: Day = None,
    at_once: AtOnce = None,
    memory: Memory = None,
    worker: Worker = None,
) -> None:
    """Its limits and what it has used. With limits: set what it allows itself; what is left out has none."""
    from aiox.cli.quotas import of_organisation

    limits = _limits(minute, day, at_once, memory, worker)
    print(asyncio.run(of_organisation(load_settings(), owner, organisation, limits)))


def _limits(
    minute: int | None, day: int | None, at_once: int | None, memory: int | None, worker: int | None
) -> dict[str, int | None]:
    return {
        "tokens_per_minute": minute,
        "tokens_per_day": day,
        "max_concurrent_requests": at_once,
        "max_memory_mb": memory,
        "max_worker_time_ms": worker,
    }
