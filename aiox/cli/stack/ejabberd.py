"""The XMPP server: the Debian package, started as any user, on loopback only, without epmd (DESIGN 4)."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import Final

from aiox.cli.stack import federation, postgres, public
from aiox.cli.stack.home import Home, private_file, private_folder
from aiox.cli.stack.processes import BARE_ENVIRONMENT, Process, Program, can_connect
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.xmpp_accounts import answers
from aiox.runtime.logs import Log
from aiox.runtime.settings import LOOPBACK, Settings
from aiox.runtime.xmpp_server import COMPONENT_ACCOUNT, GATEWAY_ACCOUNT, STACK_ACCOUNT
from registry.peers import PeerRow

TEMPLATE: Final = Path(__file__).parents[3] / "ejabberd" / "ejabberd.yml.template"
EXTRA: Final = "ejabberd.extra.yml"
"""In AIOX_HOME: an operator's own additions (more listeners, modules), merged by ejabberd. Most hubs have none."""

_PREPARE_ACCOUNT: Final = (
    "(fun() -> {{ok, P}} = file:read_file({password}),"
    " case ejabberd_auth:try_register({name}, {domain}, P) of"
    " ok -> ok; {{error, exists}} -> ok = ejabberd_auth:set_password({name}, {domain}, P) end end)()"
)
"""Run inside the server: the hub's own accounts get their passwords from secret files, not from a command line."""
_JOIN: Final = (
    "(fun() -> Alone = ejabberd_cluster:get_nodes() =:= [node()],"
    " There = [N || N <- [{before}], Alone, net_adm:ping(N) =:= pong],"
    " case There of [] -> ok; [First | _] -> ok = ejabberd_cluster:join(First) end end)(), "
)
"""Run inside the server, before its accounts are made. Joining starts its database anew, from the other's."""


_ARCHIVE_RIGHTS: Final = """
    GRANT SELECT (username, bare_peer, origin_id) ON archive TO {reader};
    GRANT SELECT (username, def, never) ON archive_prefs TO {reader};
    GRANT SELECT (username) ON users TO {reader};
    -- Answers carry ids of UUID version 5. One that is sent again, after a crash or by another hub whose stream broke,
    -- is archived once all the same: the archive does not show that the server is about to store the first.
    DO $$
    DECLARE v_after bigint;
    BEGIN
        IF to_regclass('aiox_answers_once') IS NULL THEN
            SELECT coalesce(max(id), 0) INTO v_after FROM archive;
            EXECUTE format('CREATE UNIQUE INDEX aiox_answers_once ON archive (username, bare_peer, origin_id)'
                ' WHERE kind = ''chat'' AND id > %s AND split_part(bare_peer, ''@'', 2) LIKE %L AND origin_id ~ %L',
                v_after, 'agents.%', '^[0-9a-f]{{8}}-[0-9a-f]{{4}}-5[0-9a-f]{{3}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}');
        END IF;
    END $$;
"""
"""What the component may see of the archive (no text), and that an answer is in it once."""


async def start(home: Home, settings: Settings) -> Process:
    """Starts ejabberd and waits until its listeners and its account interface answer. Needs PostgreSQL."""
    folder = home.part("ejabberd")
    peers = await federation.read_peers(home, settings) if settings.federation.on else ()
    config = private_file(folder / "ejabberd.yml", render(home, settings, peers))
    if settings.cluster.xmpp_node > 1 and not settings.cluster.xmpp:
        raise CannotGoOn("cluster.xmpp_node is set and cluster.xmpp is not. Mend: name all XMPP servers there")
    program = await _with_others(_program(home, settings, folder, config), settings, folder)
    process = await Process.start(program, home.log_file("ejabberd"))
    ports = (settings.ports.xmpp_client, settings.ports.xmpp_component, settings.ports.xmpp_http)

    async def ready() -> bool:
        host = settings.hosts.xmpp
        return all([await can_connect(port, host) for port in ports]) and await answers(home, settings)

    try:
        await process.until_ready(ready)
        if settings.hosts.postgres == LOOPBACK:  # elsewhere, who runs PostgreSQL does it
            await prepare_archive(home, settings)
    except BaseException:
        await process.stop()
        raise
    return process


async def follow_peers(home: Home, settings: Settings, log: Log) -> None:
    """Pushes the list of other servers to a running server whenever it changes. For ever."""
    await federation.follow(home, settings, lambda peers: render(home, settings, peers), log)


async def prepare_archive(home: Home, settings: Settings) -> None:
    """Once the server has made its tables. Doing it again changes nothing."""
    script = _ARCHIVE_RIGHTS.format(reader=postgres.ARCHIVE_READER)
    await postgres.sql(home, settings.ports.postgres, postgres.XMPP_DATABASE, script)


async def _with_others(program: Program, settings: Settings, folder: Path) -> Program:
    """What a server that meets others needs beside: modules of ours, and names of its own."""
    wanted = settings.federation
    if not wanted.on:
        return program
    compiled = await federation.compile_modules(folder, libraries())
    hosts = federation.hosts_file(folder, wanted)
    # In a mount namespace of its own, names are other addresses; who is not root becomes it there, and nowhere else.
    as_root = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    prefix = ("unshare", *as_root, "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts))
    command = (program.command[0], "-pa", str(compiled), *program.command[1:])
    return replace(program, command=command, prefix=() if hosts is None else prefix)


def render(home: Home, settings: Settings, peers: Sequence[PeerRow] = ()) -> str:
    """`ejabberd.yml` for this hub. Values are JSON strings and numbers, which YAML reads as they are."""
    certificate, key = public.shown(home, settings)
    values: dict[str, object] = {
        "domain": settings.domain,
        "agents_domain": settings.agents_domain,
        "certificate": str(certificate),
        "key": str(key),
        "client_port": settings.ports.xmpp_client,
        "component_port": settings.ports.xmpp_component,
        "http_port": settings.ports.xmpp_http,
        "api_account": f"{STACK_ACCOUNT}@{settings.domain}",
        "gateway_account": f"{GATEWAY_ACCOUNT}@{settings.domain}",
        "component_account": f"{COMPONENT_ACCOUNT}@{settings.domain}",
        "domain_balancing": _balancing(settings),
        "upload_url": settings.upload_url,
        "upload_folder": str(private_folder(home.part("ejabberd") / "upload")),
        "upload_bytes": settings.limits.upload_bytes,
        "component_secret": home.secrets("component").read("xmpp_component"),
        "listen": settings.hosts.listen,
        "network": sorted({"127.0.0.0/8", settings.hosts.network}),
        "sql_server": settings.postgres_first[0],
        "sql_port": settings.postgres_first[1],
        "sql_password": home.secrets("stack").read("postgres_ejabberd"),
    }
    quoted = {name: json.dumps(value) for name, value in values.items()}
    others = federation.values(home, settings, peers)
    others["s2s_listen"] += public.listeners(home, settings)
    text = Template(TEMPLATE.read_text()).substitute({**quoted, **others})
    extra = home.root / EXTRA
    return text + (f"\ninclude_config_file: {json.dumps(str(extra))}\n" if extra.is_file() else "")


def _balancing(settings: Settings) -> dict[str, dict[str, str | int]]:
    if settings.components == 1:
        return {}
    return {settings.agents_domain: {"type": "bare_destination", "component_number": settings.components}}


def _program(home: Home, settings: Settings, folder: Path, config: Path) -> Program:
    """Erl itself: ejabberdctl runs only as root or ejabberd, and opens epmd to the world."""
    cookie = folder / ".erlang.cookie"  # in a file: on the command line every local user could read it
    cookie.unlink(missing_ok=True)
    private_file(cookie, home.secrets("stack").read("erlang_cookie")).chmod(0o400)
    log = folder / "log"
    log.mkdir(mode=0o700, exist_ok=True)
    # Deep stacks (+sss, in kilowords): its XML parser is native and recursive, and 28 KB of nested elements killed it.
    listen = settings.hosts.listen if settings.cluster.xmpp else LOOPBACK
    erlang = f"""
        erl -noinput {_name(settings)}
        -erl_epmd_port {settings.ports.erlang} -start_epmd false
        -kernel inet_dist_use_interface {{{listen.replace(".", ",")}}}
        +sss 8192 +sssdcpu 8192 +sssdio 8192
        +K true +P 250000 +sbwt none +sbwtdcpu none +sbwtdio none
        -env ERL_CRASH_DUMP_BYTES 0
    """
    accounts = ", ".join(
        _PREPARE_ACCOUNT.format(
            password=json.dumps(str(home.secrets(service).path("xmpp_api"))),
            name=f'<<"{name}">>',
            domain=f'<<"{settings.domain}">>',
        )
        for service, name in (
            ("stack", STACK_ACCOUNT),
            ("gateway", GATEWAY_ACCOUNT),
            ("component", COMPONENT_ACCOUNT),
        )
    )
    return Program(
        name="ejabberd",
        title="ejabberd",
        command=(*erlang.split(), *_mnesia(folder), "-s", "ejabberd", "-eval", f"{_join(settings)}{accounts}."),
        environment={
            **BARE_ENVIRONMENT,
            "HOME": str(folder),
            "ERL_LIBS": libraries(),
            "EJABBERD_CONFIG_PATH": str(config),
            "EJABBERD_LOG_PATH": str(log / "ejabberd.log"),
            "EJABBERD_PID_PATH": str(folder / "ejabberd.pid"),
        },
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGKILL,
        ready_budget_s=60,
        stop_budget_s=15,
    )


def _name(settings: Settings) -> str:
    """What this server is called among those it is one with: long names have a dot."""
    if not settings.cluster.xmpp:
        return "-sname aiox@localhost"
    node = _nodes(settings)[settings.cluster.xmpp_node - 1]
    return f"-name {node}" if "." in node else f"-sname {node}"


def _nodes(settings: Settings) -> list[str]:
    """All servers of the cluster, by their Erlang names. Raises CannotGoOn when this one is not among them."""
    nodes = [f"aiox@{host}" for host in settings.cluster.xmpp.split(",")]
    if settings.cluster.xmpp_node > len(nodes):
        raise CannotGoOn(
            f"cluster.xmpp_node is {settings.cluster.xmpp_node}, and cluster.xmpp names {len(nodes)}."
            " Mend: say which of them this server is"
        )
    return nodes


def _join(settings: Settings) -> str:
    """Before anything else a server that is alone becomes one with those before it; later it remembers them."""
    if not settings.cluster.xmpp:
        return ""
    before = ", ".join(f"'{node}'" for node in _nodes(settings)[: settings.cluster.xmpp_node - 1])
    return _JOIN.format(before=before)


def libraries() -> str:
    """Where Debian puts ejabberd, by architecture. Raises CannotGoOn when it is not installed."""
    found = sorted(Path("/usr/lib").glob("*/ejabberd-*/ebin"))
    if not found:
        raise CannotGoOn("ejabberd is not installed. Mend: sh setup/debian.sh")
    return str(found[-1].parents[1])


def _mnesia(folder: Path) -> tuple[str, ...]:
    """Where Mnesia keeps its tables, and its dumps when it is killed: else those land in the working folder."""
    return ("-mnesia", "dir", f'"{folder / "mnesia"}"', "-mnesia", "core_dir", f'"{folder}"')
