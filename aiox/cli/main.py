"""`aiox`: every command a person types. The only composition root."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from aiox.cli.chat.stream import ChatTrouble
from aiox.cli.groups import (
    agent,
    approvals,
    backup,
    credential,
    hub,
    key,
    ledger,
    organisation,
    peer,
    policy,
    privacy,
    quota,
    turns,
    user,
)
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.clock import SystemClock
from aiox.runtime.nats import BusNotDurable
from aiox.runtime.secrets import SecretMissing
from aiox.runtime.settings import Settings, SettingsUnreadable, load_settings, use_home
from aiox.runtime.supervisor import ServiceFailed
from aiox.runtime.xmpp_server import XmppServerTrouble

app = typer.Typer(
    name="aiox",
    help="An XMPP hub that gives every AI agent a real address. Start with 'aiox up', then 'aiox chat'.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(agent.app, name="agent")
app.add_typer(approvals.app, name="approvals")
app.add_typer(backup.app, name="backup")
app.add_typer(credential.app, name="credential")
app.add_typer(hub.app, name="hub")
app.add_typer(key.app, name="key")
app.add_typer(ledger.app, name="ledger")
app.add_typer(organisation.app, name="organisation")
app.add_typer(peer.app, name="peer")
app.add_typer(policy.app, name="policy")
app.add_typer(quota.app, name="quota")
app.add_typer(turns.app, name="turns")
app.add_typer(user.app, name="user")
organisation.app.command("quota")(quota.organisation_quota)
user.app.command("export")(privacy.user_export)
user.app.command("erase")(privacy.user_erase)


_PLAIN = (CannotGoOn, ChatTrouble, SecretMissing, BusNotDurable, XmppServerTrouble, SettingsUnreadable)
"""Exceptions whose message is a line for a person."""


@app.callback()
def _every_command(
    home: Annotated[
        Path | None, typer.Option(help="folder that holds everything this hub keeps; AIOX_HOME or ./var when left out")
    ] = None,
) -> None:
    if home is not None:
        use_home(home)


@app.command()
def up(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="start, ask the demo agent, stop; non-zero if a part failed")
    ] = False,
    demo: Annotated[bool, typer.Option(help="make the demo account and agent, and ask a question")] = True,
    components: Annotated[
        int | None, typer.Option(min=1, max=8, help="XMPP doors side by side; setting 'components' when left out")
    ] = None,
    orchestrators: Annotated[int, typer.Option(min=1, help="orchestrators side by side")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="AI workers side by side")] = 1,
    hub: Annotated[
        str, typer.Option(help="a letter: another hub of this machine, in a home beside this one (docs/federation.md)")
    ] = "",
) -> None:
    """Start the whole hub on this machine: stores, XMPP server, services. What dies comes back. Ctrl-C stops it."""
    from aiox.cli.backup.schedule import keep_backups
    from aiox.cli.stack.neighbours import lay_out
    from aiox.cli.stack.up import Counts
    from aiox.cli.stack.up import up as run_up

    if hub:
        use_home(lay_out(hub, load_settings().home))
    settings, clock = load_settings(), SystemClock()
    counts = Counts(components or settings.components, orchestrators, workers)
    beside = {"backups": partial(keep_backups, settings, clock)}
    asyncio.run(run_up(settings, clock, once=once, demo=demo, counts=counts, beside=beside))


@app.command()
def down() -> None:
    """Stop the hub of this home in order."""
    from aiox.cli import operator_record
    from aiox.cli.stack.down import down as run_down
    from aiox.cli.stack.home import Home

    settings = load_settings()
    asyncio.run(operator_record.note(settings, SystemClock(), "down", outcome="asked"))
    print("The hub has stopped." if run_down(Home(settings.home)) else f"No hub runs at {settings.home}.")


@app.command()
def reset(*, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> None:
    """Stop the hub and delete everything it has stored."""
    from aiox.cli.stack.down import reset as run_reset
    from aiox.cli.stack.home import Home

    home = load_settings().home
    if not yes and not typer.confirm(f"Delete {home} with all accounts, agents, memories and archives?"):
        raise typer.Exit(1)
    run_reset(Home(home))
    print(f"{home} is gone. The next start begins anew.")


@app.command()
def run(
    service: Annotated[
        str,
        typer.Argument(
            help="component, gateway, orchestrator, ai_worker; in containers postgres, redis, sentinel, nats, ejabberd"
        ),
    ],
    instance: Annotated[int, typer.Option(min=1, help="number N of several: its ports lie 100 * (N - 1) higher")] = 1,
) -> None:
    """Run one service in the foreground, against stores that are up."""
    from aiox.cli.run import run_service

    run_service(service, load_settings(), instance)


@app.command()
def prepare() -> None:
    """Make secrets and certificates for containers, each part's own in a folder of its own (docs/containers.md)."""
    from aiox.cli.stack.containers import lay_out
    from aiox.cli.stack.home import prepare as prepare_home

    settings = load_settings()
    folders = lay_out(prepare_home(settings), settings, SystemClock().now())
    print("\n".join(str(folder) for folder in folders))


@app.command()
def migrate(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="change nothing; list what is not as the revisions make it")
    ] = False,
) -> None:
    """Bring the database of a running hub to the newest revision, and compare it with what the revisions make."""
    from aiox.cli import operator_record
    from aiox.cli.stack import postgres, schema
    from aiox.cli.stack.home import Home
    from registry.migrate import newest_revision

    settings = load_settings()
    home, port = Home(settings.home), settings.ports.postgres
    if not check:
        asyncio.run(postgres.migrate(home, port))
        asyncio.run(
            operator_record.note(settings, SystemClock(), "migrate", outcome="done", revision=newest_revision())
        )
        print(f"The database is at revision {newest_revision()}.")
        return
    words = asyncio.run(schema.found_differences(home, port))
    print("\n".join(words) or f"The database is what revision {newest_revision()} makes.")
    if words:
        raise typer.Exit(1)


@app.command()
def promote() -> None:
    """Make the PostgreSQL of this home, which follows another, the first (docs/runbooks/postgres-failover.md)."""
    from aiox.cli.stack import standby
    from aiox.cli.stack.home import Home

    settings = load_settings()
    asyncio.run(standby.promote(Home(settings.home), settings))
    print("This PostgreSQL takes writes now. The other one must not come back beside it.")


@app.command()
def workers() -> None:
    """List the workers, how busy they are, and how long the queue before them is."""
    from aiox.cli.workers import listed

    print(asyncio.run(listed(load_settings())))


@app.command()
def top(
    *,
    once: Annotated[bool, typer.Option("--once", help="show it once, as text, and end: for scripts")] = False,
    every: Annotated[float, typer.Option(min=0.2, max=60, help="seconds between two looks")] = 2.0,
) -> None:
    """Show live what the hub does: throughput, latency, queues, workers, models, quotas. Ctrl-C ends it."""
    from aiox.cli.top.command import run_top

    asyncio.run(run_top(load_settings(), SystemClock(), once=once, every_s=every))


@app.command()
def autoscale(
    command: Annotated[
        str,
        typer.Option(
            help="what brings so many workers up, with {workers} for the number: 'docker compose up -d --no-recreate"
            " --scale ai-worker={workers}'"
        ),
    ],
    least: Annotated[int, typer.Option(min=1, max=10, help="never fewer")] = 3,
    most: Annotated[int, typer.Option(min=1, max=10, help="never more")] = 10,
    cool: Annotated[float, typer.Option(min=0, help="seconds of quiet before workers are taken away")] = 120.0,
    every: Annotated[float, typer.Option(min=0.1, max=60, help="seconds between two looks at the queue")] = 2.0,
) -> None:
    """Keep as many AI workers as the queue wants, by a command of yours. Ctrl-C stops it; the workers stay."""
    from aiox.cli.autoscale import autoscale as run_autoscale
    from policy.autoscale import Bounds, Scaler

    if least > most:
        raise CannotGoOn(f"at least {least} and at most {most} workers is no range. Mend: turn them round")
    scaler = Scaler(Bounds(least, most), cool_s=cool)
    asyncio.run(run_autoscale(load_settings(), SystemClock(), scaler, command, every))


@app.command()
def trace(
    wanted: Annotated[str, typer.Argument(help="correlation id, turn id or trace id", metavar="ID")],
) -> None:
    """Show the steps of one sampled turn, with the process and the time of each."""
    from aiox.cli.traces import read_trace

    spans = read_trace(load_settings().home / "traces", wanted)
    if not spans:
        raise CannotGoOn(f"no trace has the id {wanted}. Mend: raise the share of traced turns, telemetry.sample_rate")
    print(f"{'step':<28} {'process':<14} {'begins':>10} {'takes':>10}")
    for span in spans:
        print(f"{span.name:<28} {span.service:<14} {span.start_ms:>7.1f} ms {span.duration_ms:>7.1f} ms")
    for correlation in sorted({span.correlation_id for span in spans} - {""}):
        print(f"audit rows: aiox ledger list --correlation {correlation}")


@app.command()
def doctor(
    *,
    public: Annotated[
        bool,
        typer.Option("--public", help="also DNS, certificates and ports of a public hub (docs/production.md)"),
    ] = False,
) -> None:
    """Check what the hub needs on this machine, and say how to mend what is missing."""
    from aiox.cli.doctor.examine import examine

    found = asyncio.run(examine(load_settings(), SystemClock(), public=public))
    print("\n".join(finding.line() for finding in found))
    if any(finding.mend for finding in found):
        raise typer.Exit(1)


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="a backup, from 'aiox backup list'")]) -> None:
    """Make the hub of a backup in AIOX_HOME, which must be empty. 'aiox up' goes on from there."""
    from aiox.cli.backups import come_back

    def settings_of(home: Path) -> Settings:
        use_home(home)
        return load_settings()

    print(asyncio.run(come_back(load_settings(), file.absolute(), settings_of)))


def _add_chat() -> None:
    from aiox.cli.chat.terminal import chat

    app.command()(chat)


def main() -> None:
    """Entry point. Whatever goes wrong is one clear line and exit status 1, and on record where a hub is there."""
    _add_chat()
    try:
        app()
    except SystemExit as ended:
        if ended.code == 1:  # 2: it was mistyped, and nothing was begun
            _note("SystemExit")
        raise
    except Exception as error:  # noqa: BLE001 -- the last boundary: a person gets a line, not a traceback
        print(f"aiox: {_line(error)}", file=sys.stderr)
        _note(type(error).__name__)
        sys.exit(1)


def _line(error: Exception) -> str:
    """For a person."""
    if isinstance(error, _PLAIN):
        return str(error)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        return f"setting {name}: {first['msg']}. Mend: correct it in hub.toml or in the environment."
    if isinstance(error, ServiceFailed):
        return f"{error}. Mend: its log lines above say why."
    return f"{type(error).__name__}: {error} (if 'aiox doctor' finds nothing to mend, please report this)"


def _note(error: str) -> None:
    from aiox.cli import operator_record

    if missing := operator_record.note_failure(operator_record.command_in(sys.argv[1:]), error):
        print(f"aiox: {missing}", file=sys.stderr)


if __name__ == "__main__":
    main()
