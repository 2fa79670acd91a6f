"""One store or the XMPP server as all that a container runs (docs/containers.md): started, watched, stopped in order.

PostgreSQL's container also brings the schema to the newest revision and, once the XMPP server has made its tables,
gives the component its right to read them: the superuser's password stays in there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiox.cli.stack import ejabberd, nats, postgres, redis, sentinel, standby
from aiox.cli.stack.home import Home, private_file, private_folder
from aiox.cli.stack.log_rotation import rotate_for_ever
from aiox.cli.stack.processes import Process
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.logs import Log
from aiox.runtime.settings import Settings
from aiox.runtime.supervisor import ServiceFailed, Supervisor

READY: Final = "ready"
"""A file among the logs that is there once the part is ready: the container's health check looks for it."""
_ARCHIVE_EVERY_S: Final = 2.0
Start = Callable[[Home, Settings], Awaitable[Process]]


async def _postgres(home: Home, settings: Settings) -> Process:
    if _is_one_of_two(settings):
        process = await standby.start(home, settings)
    else:
        process = await postgres.start(home, settings.ports.postgres, settings.hosts.listen)
    try:
        if not postgres.follows(home):
            await postgres.migrate(home, settings.ports.postgres)
    except BaseException:
        await process.stop()
        raise
    return process


def _is_one_of_two(settings: Settings) -> bool:
    return bool(settings.cluster.standby or settings.cluster.replica_of)


async def _redis(home: Home, settings: Settings) -> Process:
    if settings.cluster.redis:
        return await sentinel.start_node(home, settings)
    return await redis.start(home, settings.ports.redis, settings.hosts.listen)


STORES: Final[Mapping[str, Start]] = {
    "postgres": _postgres,
    "redis": _redis,
    "sentinel": sentinel.start,
    "nats": nats.start,
    "ejabberd": ejabberd.start,
}


async def run_alone(name: str, settings: Settings, log: Log) -> None:
    """Runs a part until SIGTERM. Raises CannotGoOn when it does not start, or ended by itself."""
    home = Home(settings.home)
    private_folder(home.logs)
    (home.logs / READY).unlink(missing_ok=True)
    process = await STORES[name](home, settings)
    private_file(home.logs / READY, f"{name}\n")
    log.info("part_ready", part=name)
    supervisor = Supervisor(log)
    supervisor.start("watch", process.until_death())
    supervisor.start("logs", rotate_for_ever(home.logs, log))
    if name == "postgres":
        supervisor.start("archive", _archive(home, settings, log))
        if _is_one_of_two(settings):
            supervisor.start("follower", standby.keep_in_step(home, settings, log))
    try:
        await supervisor.run_until_stopped()
    except ServiceFailed as failed:
        raise failed.__cause__ if isinstance(failed.__cause__, CannotGoOn) else failed from None
    finally:
        await supervisor.stop()
        await process.stop()


async def _archive(home: Home, settings: Settings, log: Log) -> None:
    """Prepares the XMPP server's archive as soon as it is there, then waits for ever."""
    while True:
        try:
            await ejabberd.prepare_archive(home, settings)
        except CannotGoOn:
            await asyncio.sleep(_ARCHIVE_EVERY_S)
        else:
            log.info("archive_prepared")
            await asyncio.Event().wait()
