"""A real gRPC server of the worker on a free loopback port, with real certificates; memory and model are small."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import grpc

from ai_worker.beat import Heart
from ai_worker.indexing import Reading
from ai_worker.link import Guard
from ai_worker.memory.store import Document, Store
from ai_worker.model.choose import Models
from ai_worker.model.openai_stream import open_session
from ai_worker.parsing.text import Parsed
from ai_worker.running import Running
from ai_worker.service import WorkerLink, link_server
from ai_worker.session import Office
from ai_worker.turn import Mind
from ai_worker.words import Passage
from aiox.runtime.clock import SystemClock
from aiox.runtime.secrets import Secrets
from aiox.runtime.supervisor import Supervisor
from aiox.runtime.telemetry import Telemetry
from aiox.runtime.tokens import mint
from tests.security.ai_worker.certificates import Authority, Pair

KEY = bytes(range(32))
WORKER = "worker-test"
SECRET_WORDS = "what nobody may log"


class Log:
    """Keeps what was logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def _write(self, event: str, **values: object) -> None:
        self.lines.append(f"{event} {values}")

    info = warning = error = _write


@dataclass
class Memory:
    """Short-lived memory that notes who asked."""

    asked: list[tuple[UUID, UUID, str]] = field(default_factory=list)

    async def passages(self, owner: UUID, agent: UUID, subject: str, question: str) -> tuple[Passage, ...]:
        self.asked.append((owner, agent, subject))
        return ()

    async def closeness(self, question: str, texts: Sequence[str]) -> list[float]:
        return [0.0 for _ in texts]

    async def summary(self, owner: UUID, agent: UUID, subject: str) -> Passage | None:
        return None

    async def fact(self, owner: UUID, agent: UUID, subject: str, fact: str) -> UUID:
        return uuid4()

    async def learnt(self, owner: UUID, agent: UUID, subject: str, fact: str) -> bool:
        return False


class KnowsEverything(Store):
    """Takes any document, so that only the guard stands in the way."""

    async def steps(self, owner: UUID, agent: UUID, document: Document) -> AsyncIterator[tuple[int, int]]:
        yield 1, 1


class ReadsEverything:
    """No process: what comes is the text."""

    async def parse(self, content: bytes, declared: str, name: str) -> Parsed:
        return Parsed(declared, content.decode(), markdown=False)


@dataclass
class Link:
    """The server under test, and a hub with a good certificate."""

    address: str
    authority: Authority
    log: Log
    memory: Memory
    guard: Guard

    def channel(self, pair: Pair | None, authority: Authority | None = None) -> grpc.aio.Channel:
        credentials = grpc.ssl_channel_credentials(
            (authority or self.authority).certificate,
            pair.key if pair else None,
            pair.certificate if pair else None,
        )
        return grpc.aio.secure_channel(self.address, credentials)

    def hub(self) -> grpc.aio.Channel:
        return self.channel(self.authority.issue("orchestrator.aiox"))


def _secrets(folder: Path, authority: Authority) -> Secrets:
    secrets = Secrets(folder)
    pair = authority.issue("ai_worker.aiox")
    secrets.write("tls.crt", pair.certificate)
    secrets.write("tls.key", pair.key)
    secrets.write("ca.crt", authority.certificate)
    return secrets


@asynccontextmanager
async def serving(folder: Path, guard: type[Guard] = Guard, try_timeout_s: float = 5.0) -> AsyncIterator[Link]:
    log: Any = Log()
    clock, memory, authority = SystemClock(), Memory(), Authority("the hub's CA")
    supervisor = Supervisor(log)
    telemetry = Telemetry("ai_worker", folder)
    running = Running(supervisor, 4)
    keeper = guard(KEY, WORKER, clock)
    session = open_session()
    mind = Mind(memory, memory, Models(session, clock).choose, telemetry, clock, log, WORKER)
    pool: Any = None
    embedder: Any = SimpleNamespace(model="none")
    link = WorkerLink(
        Office(mind, keeper, running, try_timeout_s),
        Reading(KnowsEverything(pool, embedder, clock), ReadsEverything(), log),
        Heart(WORKER, 0, running, clock),
        supervisor,
        log,
    )
    server, port = link_server(link, _secrets(folder / "secrets", authority), 0)
    await server.start()
    try:
        yield Link(f"127.0.0.1:{port}", authority, log, memory, keeper)
    finally:
        link.end()
        await server.stop(None)
        await supervisor.stop()
        await session.close()
        telemetry.close()


def token(owner: UUID, agent: UUID, request: UUID, **changed: Any) -> str:
    values: dict[str, Any] = {
        "key": KEY,
        "worker_id": WORKER,
        "now": int(SystemClock().now().timestamp()),
        "token_id": str(uuid4()),
    }
    return mint(owner=owner, agent=agent, request=request, **(values | changed))
