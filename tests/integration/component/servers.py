"""Throw-away servers on free loopback ports: ejabberd (mnesia, as any user) and NATS with JetStream."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from aiox.cli.stack import ca
from tests.ports import free_port

TEMPLATE = Path(__file__).parents[3] / "ejabberd" / "ejabberd.yml.template"
SECRET = "component-secret"
DOMAIN = "localhost"
AGENTS = "agents.localhost"


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, f"the server on port {port} ended with {process.returncode}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass
class Nats:
    folder: Path
    port: int
    max_file: int = 1 << 28
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = {
            "host": "127.0.0.1",
            "port": self.port,
            "jetstream": {"store_dir": str(self.folder), "sync_interval": "always", "max_file": self.max_file},
        }
        path = self.folder / "nats.json"
        path.write_text(json.dumps(config))
        server = Path(sys.executable).parent / "nats-server"
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([server, "-c", path], stdout=log, stderr=log)
        wait_for_port(self.port, self.process)

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process)
            self.process = None


@dataclass
class Ejabberd:
    folder: Path
    client_port: int
    component_port: int
    http_port: int
    erlang_port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.crt"

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)
        issuer = ca.new_ca(now)
        certificate, key = ca.new_leaf(issuer, DOMAIN, [x509.DNSName(DOMAIN)], now)
        (self.folder / "tls.crt").write_text(certificate)
        (self.folder / "tls.key").write_text(key)
        self.ca_file.write_bytes(issuer.certificate.public_bytes(serialization.Encoding.PEM))
        (self.folder / "ejabberd.yml").write_text(self._config())

    def start(self) -> None:
        libraries = sorted(Path("/usr/lib").glob("*/ejabberd-*/ebin"))[-1].parents[1]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "ERL_LIBS": str(libraries),
            "EJABBERD_CONFIG_PATH": str(self.folder / "ejabberd.yml"),
            "EJABBERD_LOG_PATH": str(self.folder / "ejabberd.log"),
            "EJABBERD_PID_PATH": str(self.folder / "ejabberd.pid"),
        }
        command = [*self._erl("door"), "-mnesia", "dir", f'"{self.folder / "mnesia"}"', "-s", "ejabberd"]
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=self.folder)
        wait_for_port(self.client_port, self.process)
        wait_for_port(self.component_port, self.process)

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process)
            self.process = None

    def register(self, name: str, password: str) -> None:
        call = f'ejabberd_auth, try_register, [<<"{name}">>, <<"{DOMAIN}">>, <<"{password}">>]'
        script = f"io:format(\"~p\", [rpc:call('door@localhost', {call})]), halt()."
        command = [*self._erl("asker"), "-hidden", "-dist_listen", "false", "-eval", script]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        until = time.monotonic() + 30
        # The listeners come up a little before the account table does.
        while (done := subprocess.run(command, env=environment, capture_output=True, timeout=30)).stdout != b"ok":
            assert time.monotonic() < until, done

    def _erl(self, name: str) -> list[str]:
        return [
            *("erl", "-noinput", "-sname", f"{name}@localhost", "-setcookie", "throwaway"),
            *("-erl_epmd_port", str(self.erlang_port), "-start_epmd", "false"),
            *("-kernel", "inet_dist_use_interface", "{127,0,0,1}"),
        ]

    def _config(self) -> str:
        class Known(dict[str, str]):
            def __missing__(self, name: str) -> str:
                return '"unused"'

        values: dict[str, object] = {
            "domain_balancing": {},
            "domain": DOMAIN,
            "agents_domain": AGENTS,
            "certificate": str(self.folder / "tls.crt"),
            "key": str(self.folder / "tls.key"),
            "ca": str(self.ca_file),
            "client_port": self.client_port,
            "component_port": self.component_port,
            "http_port": self.http_port,
            "api_socket": f"unix:{self.folder / 'api.sock'}",
            "component_secret": SECRET,
            "sql_port": 1,
            "upload_url": f"https://{DOMAIN}:{self.http_port}/upload",
            "upload_folder": str(self.folder / "upload"),
            "upload_bytes": 1 << 20,
            "listen": "127.0.0.1",
            "network": ["127.0.0.0/8"],
            "authorities": str(self.ca_file),
            "s2s_rule": [{"deny": "all"}],
            "s2s_dialback_rule": [{"deny": "all"}],
        }
        alone = dict.fromkeys(("s2s_listen", "s2s_options", "s2s_acl", "s2s_modules"), "")
        quoted = {name: json.dumps(value) for name, value in values.items()}
        text = Template(TEMPLATE.read_text()).substitute(Known(quoted | alone))
        return text.replace("auth_method: [sql]", "auth_method: [mnesia]").replace(
            "default_db: sql", "default_db: mnesia"
        )


@contextmanager
def ejabberd(folder: Path) -> Iterator[Ejabberd]:
    client_port, component_port, http_port, erlang_port = (free_port() for _ in range(4))
    server = Ejabberd(folder, client_port, component_port, http_port, erlang_port)
    server.prepare()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder / "mnesia", ignore_errors=True)


@contextmanager
def nats_server(folder: Path) -> Iterator[Nats]:
    server = Nats(folder, free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def until(condition: object, seconds: float = 60) -> None:
    """Waits until `condition()` holds."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
