"""Redis on loopback, one ACL user per service; nobody knows the default user's password."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Final

from aiox.cli.stack.home import Home, private_file
from aiox.cli.stack.processes import Process, Program
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.settings import LOOPBACK

_CONFIG: Final = """\
# Written at every start by `aiox up`.
bind {listen}
port {port}
protected-mode yes
dir "{folder}"
aclfile "{acl}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
logfile ""
set-proc-title no
"""
_SCRIPTS: Final = "+evalsha +script|load"
_KEYS: Final = "+exists +expire +pexpire +ttl +pttl +del +unlink"
_RIGHTS: Final = {
    "orchestrator": f"~* {_SCRIPTS} {_KEYS} +@string +@hash +@list +@set +@sortedset",
    "gateway": f"~aiox:rate:* {_SCRIPTS} {_KEYS} +@string",
    "component": "+ping",
    "ai_worker": "+ping",
    "stack": "+ping",
}
"""What each user may touch. Nobody may list keys, flush, configure, or run a script that is not loaded."""
_BUT: Final = {"orchestrator": " +info"}
"""The quota scripts ask in which run of the server they are: after a start anew the counters are rebuilt."""


async def start(home: Home, port: int, listen: str = LOOPBACK, more: str = "", users: Sequence[str] = ()) -> Process:
    """Starts Redis and waits until it takes commands; `more` lines of its configuration, and of its ACL."""
    folder = home.part("redis")
    acl = private_file(folder / "users.acl", "\n".join([render_users(home, _RIGHTS, _BUT), *users, ""]))
    text = _CONFIG.format(listen=listen, port=port, folder=folder, acl=acl) + more
    config = private_file(folder / "redis.conf", text)
    program = Program(
        name="redis",
        title="Redis",
        command=("redis-server", str(config)),
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGTERM,
    )
    return await run_server(program, home, port)


async def run_server(program: Program, home: Home, port: int) -> Process:
    """Starts a server of Redis' kind and waits until it takes commands."""
    process = await Process.start(program, home.log_file(program.name))
    password = home.secrets("stack").read("redis")

    async def ready() -> bool:
        return await _pong(port, password)

    try:
        await process.until_ready(ready)
    except BaseException:
        await process.stop()
        raise
    return process


async def check(home: Home, port: int) -> None:
    """Raises CannotGoOn when Redis does not take commands."""
    if not await _pong(port, home.secrets("stack").read("redis")):
        raise CannotGoOn(f"it takes no commands. Mend: see {home.logs / 'redis.log'}")


def render_users(home: Home, rights: Mapping[str, str], but: Mapping[str, str]) -> str:
    """The lines of an ACL for users with these rights; passwords stand in it as SHA-256 digests.

    `but` names what a user may although it is an operator's, or dangerous.
    """
    lines = [
        f"user {user} on #{digest(home.secrets(user).read('redis'))} -@all +@connection {may} -@admin -@dangerous"
        f"{but.get(user, '')}"
        for user, may in rights.items()
    ]
    # Redis replays its append-only file as the default user: switched off, every transaction in it would be refused and
    # the counters and conversations lost at each start (seen with 7.0). Its password is drawn here and forgotten.
    nobody = f"user default on #{digest(token_hex(32))} ~* &* +@all"
    return "\n".join([nobody, *lines])


def digest(password: str) -> str:
    """What stands in an ACL in a password's place."""
    return hashlib.sha256(password.encode()).hexdigest()


async def _pong(port: int, password: str) -> bool:
    """Whether Redis answers PING; false also while it still loads its file."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"AUTH stack {password}\r\nPING\r\n".encode())
        return (await reader.readline(), await reader.readline()) == (b"+OK\r\n", b"+PONG\r\n")
    except OSError:
        return False
    finally:
        writer.close()
