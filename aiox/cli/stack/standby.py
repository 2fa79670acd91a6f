"""A second PostgreSQL that follows the first, and is it once promoted (docs/runbooks/postgres-failover.md).

While it follows, a commit is one when both have written it; while it is away, the first goes on alone and says so. So
the loss of one of the two loses nothing that was concluded.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiox.cli.stack import postgres
from aiox.cli.stack.home import Home, private_file
from aiox.cli.stack.processes import BARE_ENVIRONMENT, Process, run
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.unprivileged import disguise
from aiox.runtime.logs import Log
from aiox.runtime.operation_settings import addresses
from aiox.runtime.postgres import LoneConnection, StoreTrouble, connect_database
from aiox.runtime.settings import Settings

LOOK_S: Final = 1.0
GONE_S: Final = 5.0
"""A follower that was not heard of for so long is not waited for: commits go on without it."""
_COPY_S: Final = 1800.0
_FOLLOWING: Final = """
    SELECT count(*) FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'
"""


async def start(home: Home, settings: Settings) -> Process:
    """Starts the server of this home: as a follower of `cluster.replica_of` until it is promoted, else as the first.

    Raises CannotGoOn, also when the other one is the first by now: two of them would each take writes.
    """
    cluster, folder = settings.cluster, home.part("postgres")
    if cluster.replica_of and not (folder / "data" / "PG_VERSION").exists():
        await _copy(home, cluster.replica_of)
    other = cluster.standby or cluster.replica_of
    if (folder / "data" / "PG_VERSION").exists() and not postgres.follows(home) and await _is_first(home, other):
        raise CannotGoOn(
            f"{other} has been promoted: this PostgreSQL must not take writes beside it."
            " Mend: docs/runbooks/postgres-failover.md, step 4"
        )
    return await postgres.start(home, settings.ports.postgres, settings.hosts.listen, followed=True)


async def promote(home: Home, settings: Settings) -> None:
    """Makes a follower the first. Raises CannotGoOn when it follows nobody, or does not become it within a minute."""
    if not postgres.follows(home):
        raise CannotGoOn("this PostgreSQL follows nobody. Mend: promote the one that follows, where it runs")
    done = await postgres.sql(home, settings.ports.postgres, "postgres", "SELECT pg_promote(true, 60)")
    if done != "t":
        raise CannotGoOn("PostgreSQL was not promoted within a minute. Mend: see its log")


async def keep_in_step(home: Home, settings: Settings, log: Log) -> None:
    """Has commits wait for the follower while there is one. For ever."""
    gone_since: float | None = None
    while True:
        try:
            connection = await _superuser(home, "127.0.0.1", settings.ports.postgres)
            try:
                while True:
                    gone_since = await _look(connection, gone_since, log)
                    await asyncio.sleep(LOOK_S)
            finally:
                await connection.close(timeout=1)
        except (*StoreTrouble, TimeoutError) as away:
            log.warning("follower_not_seen", error=repr(away))
            await asyncio.sleep(LOOK_S)


async def _look(connection: LoneConnection, gone_since: float | None, log: Log) -> float | None:
    """Sets what commits wait for; returns since when the follower has been away."""
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        return None
    waited_for = await connection.fetchval("SHOW synchronous_standby_names")
    now = asyncio.get_running_loop().time()
    if await connection.fetchval(_FOLLOWING, postgres.REPLICA):
        if not waited_for:
            await _wait_for(connection, postgres.REPLICA)
            log.info("follower_in_step")
        return None
    gone_since = now if gone_since is None else gone_since
    if waited_for and now - gone_since >= GONE_S:
        await _wait_for(connection, "")
        log.error("follower_gone", told="commits go on without it: until it is back, one copy is all there is")
    return gone_since


async def _wait_for(connection: LoneConnection, name: str) -> None:
    await connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    await connection.execute("SELECT pg_reload_conf()")


async def _copy(home: Home, source: str) -> None:
    """All of the first server's data, into a folder beside, renamed when whole."""
    folder, guise = home.part("postgres"), await disguise()
    unfinished = folder / "data.unfinished"
    await run("rm", "-rf", str(unfinished))
    host, port = _address(source)
    password = home.secrets("stack").read("postgres_replica")
    words = f"host={host} port={port} user={postgres.REPLICA} application_name={postgres.REPLICA}"
    # A file, not the environment: what pg_basebackup leaves for the server names it, and the server reads it for ever.
    passfile = private_file(folder / "passwords", f"*:*:*:{postgres.REPLICA}:{password}\n")
    guise.own(folder)
    try:
        async with asyncio.timeout(_COPY_S):
            await run(
                *guise.prefix,
                *(postgres.binary("pg_basebackup"), f"--dbname={words} passfile={passfile}", f"--pgdata={unfinished}"),
                *("--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-password"),
                environment=BARE_ENVIRONMENT,
            )
    except TimeoutError:
        raise CannotGoOn(f"{source} was not copied within {_COPY_S:.0f} s. Mend: look at the network") from None
    unfinished.rename(folder / "data")


async def _is_first(home: Home, other: str) -> bool:
    """Whether the other server takes writes. One that cannot be asked is not believed to."""
    host, port = _address(other)
    try:
        connection = await _superuser(home, host, port)
    except (*StoreTrouble, TimeoutError):
        return False
    try:
        return not await connection.fetchval("SELECT pg_is_in_recovery()")
    except StoreTrouble:
        return False
    finally:
        await connection.close(timeout=1)


def _address(text: str) -> tuple[str, int]:
    return addresses(text, 0)[0]


async def _superuser(home: Home, host: str, port: int) -> LoneConnection:
    password = home.secrets("stack").read("postgres")
    return await connect_database(port, postgres.SUPERUSER, password, "postgres", host)
