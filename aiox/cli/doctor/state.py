"""How the hub's work stands: what was set aside, what is late, what is full. Figures only, nothing of any owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from aiox.cli.doctor.finding import Finding
from aiox.cli.stack import bus
from aiox.cli.stack.home import Home
from aiox.cli.stack.postgres import DATABASE, SUPERUSER
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.postgres import StoreTrouble, connect_database
from aiox.runtime.settings import Settings

LATE: Final = timedelta(minutes=5)
"""A checkpoint is signed within a minute while rows arrive; a reply leaves within seconds."""
SKEW: Final = timedelta(seconds=2)
FULL: Final = 0.8
_FIGURES: Final = """
    SELECT (SELECT count(*) FROM dead_letters WHERE closed_at IS NULL) AS letters,
           (SELECT count(*) FROM outbox WHERE sent_at IS NULL AND created_at < $1) AS unsent,
           (SELECT count(*) FROM ai_workers WHERE last_heartbeat > now() - interval '5 seconds') AS workers,
           (SELECT coalesce(max(seq), 0) FROM audit_logs) AS written,
           (SELECT coalesce(max(size), 0) FROM ledger_checkpoints) AS signed,
           (SELECT max(created_at) FROM ledger_checkpoints) AS signed_at,
           (SELECT count(*) FROM key_rotations WHERE finished_at IS NULL) AS rotations,
           (SELECT string_agg(provider, ', ' ORDER BY provider) FROM provider_credentials
            WHERE level = 'hub' AND status IN ('invalid', 'expired')) AS refused,
           clock_timestamp() AS now
"""


async def look_at_state(home: Home, settings: Settings, now: datetime) -> list[Finding]:
    """Of a hub that runs; what cannot be asked is left out, because the stores' own findings say why."""
    found: list[Finding] = []
    try:
        found += work(await _figures(home, settings, now - LATE), now)
    except StoreTrouble:
        found.append(Finding("work", note="PostgreSQL could not be asked"))
    try:
        found.append(waiting(await bus.state(home, settings), settings, now))
    except CannotGoOn:
        found.append(Finding("messages on the bus", note="NATS could not be asked"))
    return found


def work(figures: Mapping[str, Any], now: datetime) -> Iterator[Finding]:
    """What the database's figures mean."""
    yield _of("dead letters", figures["letters"], "turns wait for a decision", "aiox turns list", "dead-letters")
    unsent = figures["unsent"]
    yield _of(
        "replies", unsent, "wait for the XMPP server for minutes", "see the component's log", "stuck-conversations"
    )
    yield Finding("workers", "" if figures["workers"] else f"none was heard of. {_mend('aiox workers', 'lost-worker')}")
    yield _checkpoints(figures, now)
    rotations = figures["rotations"]
    yield _of("rotations of keys", rotations, "was broken off", "'aiox key rotate' goes on with it", "key-rotation")
    refused = figures["refused"]
    mend = f"refused by their providers: {refused}. {_mend('aiox credential test PROVIDER', 'invalid-credentials')}"
    yield Finding("the hub's own credentials", mend if refused else "")
    skew = abs(figures["now"] - now)
    wrong = f"{skew.total_seconds():.0f} s from that of PostgreSQL's machine. Mend: chrony on both"
    yield Finding("clocks", wrong if skew > SKEW else "")


def waiting(found: bus.State, settings: Settings, now: datetime) -> Finding:
    """Whether messages wait longer than a turn may take, or the bus is nearly full."""
    longest = timedelta(milliseconds=2 * settings.limits.turn_timeout_ms)
    if found.bytes > FULL * settings.limits.inbound_bytes:
        return Finding(
            "messages on the bus",
            f"{found.bytes >> 20} MiB of {settings.limits.inbound_bytes >> 20} are taken; when it is full, messages are"
            f" refused. {_mend('more workers, or limits.inbound_bytes', 'stuck-conversations')}",
        )
    if found.messages and now - found.oldest > longest:
        return Finding(
            "messages on the bus",
            f"{found.messages} wait, the oldest for {(now - found.oldest).total_seconds():.0f} s."
            f" {_mend('see what is not ready above', 'stuck-conversations')}",
        )
    return Finding(f"messages on the bus ({found.messages})")


def _checkpoints(figures: Mapping[str, Any], now: datetime) -> Finding:
    behind = figures["written"] - figures["signed"]
    late = figures["signed_at"] is None or now - figures["signed_at"] > LATE
    if behind > 0 and late:
        return Finding(
            "ledger", f"{behind} records are not signed. Mend: see the orchestrator's log, and that it has ledger_keys"
        )
    return Finding("ledger is signed")


def _of(what: str, count: int, words: str, command: str, runbook: str) -> Finding:
    return Finding(what, f"{count} {words}. {_mend(command, runbook)}" if count else "")


def _mend(command: str, runbook: str) -> str:
    return f"Mend: {command} (docs/runbooks/{runbook}.md)"


async def _figures(home: Home, settings: Settings, before: datetime) -> Mapping[str, Any]:
    password = home.secrets("stack").read("postgres")
    host, port = settings.postgres_first
    connection = await connect_database(port, SUPERUSER, password, DATABASE, host)
    try:
        row = await connection.fetchrow(_FIGURES, before)
    finally:
        await connection.close()
    return dict(row or {})
