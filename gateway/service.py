"""The HTTP door as a service."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from nats.aio.client import Client
from prometheus_client import REGISTRY

from aiox.commands.chat_desk import Desk
from aiox.commands.dead_letters import Resubmit
from aiox.commands.hub import Hub, ProviderDesk
from aiox.commands.passwords import Passwords
from aiox.commands.people import HouseRules, People
from aiox.kernel.tools import known_tools
from aiox.runtime import nats, postgres, redis
from aiox.runtime.clock import Clock
from aiox.runtime.crowding import Crowding
from aiox.runtime.group_commit import GroupCommit
from aiox.runtime.health import Ready, serve
from aiox.runtime.keyring import LiveKeyRing
from aiox.runtime.logs import Log
from aiox.runtime.mail import post_of
from aiox.runtime.objects.chosen import store_of
from aiox.runtime.postgres import Pool
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from aiox.runtime.supervisor import Closing, Supervisor
from aiox.runtime.telemetry import Telemetry
from aiox.runtime.xmpp_hosts import XmppHosts
from aiox.runtime.xmpp_server import GATEWAY_ACCOUNT, XmppServer
from gateway.access import Door
from gateway.admission import Traced
from gateway.app import make_app
from gateway.auth import AccessTokens
from gateway.crowded import Bounded
from gateway.crowded import listen as listen_for_pressure
from gateway.desk import AT_ONCE, PER_MINUTE, CommandDesk
from gateway.front import Front, own_addresses
from gateway.letters import Letters
from gateway.limits import Budgets
from gateway.live import listen, tell_cancel, tell_wanted
from gateway.metrics import AgentMetrics
from gateway.xmpp_socket import MAX_BYTES, XmppSocket, to_server
from gateway.xmpp_upload import XmppUpload
from gateway.xmpp_upload import to_server as upload_to
from policy.ledger import Record
from registry import ledger
from registry.idempotency import Keys
from registry.rates import Rates

BUILT_PAGES: Final = Path(__file__).parents[1] / "web" / "dist"

STOP: Final = {"tasks": 6.0, "bus": 1.0, "memory": 0.5, "pool": 1.0}
"""How long each step of a stop may take, in seconds. Requests under way are part of the tasks."""

LINGER_S: Final = 3
"""Of those: for requests under way. Streams are cut off then; their readers connect again."""


async def run(settings: Settings, secrets: Secrets, log: Log, clock: Clock) -> None:
    """Serves the API and the web pages on loopback until stopped.

    Raises ServiceFailed, OSError when PostgreSQL is not there, SecretMissing, or ValueError for a damaged secret.
    """
    keys = LiveKeyRing.of(secrets)
    tokens = AccessTokens(bytes.fromhex(secrets.read("jwt")))
    pool = await postgres.connect(settings, secrets, "gateway", size=8)
    memory = redis.connect(settings, secrets, "gateway")
    rates = Rates(memory)
    bus = await nats.connect(settings, secrets, "gateway", log)
    decisions = GroupCommit(partial(ledger.append, pool))
    hub = _hub(settings, pool, keys, clock, decisions)
    post = post_of(settings, clock)
    letters = Letters(post, log)
    people = People(
        Passwords(),
        XmppServer(settings, secrets, GATEWAY_ACCOUNT),
        letters.put,
        HouseRules.of(settings),
        tokens.derived(b"aiox reserved accounts"),
        post.forget,
    )
    budgets = Budgets(rates.count, settings.limits)
    telemetry = Telemetry.of("gateway", settings)
    crowding = Crowding()
    await listen_for_pressure(bus, crowding, clock, log)
    submit = Bounded(_traced(settings, telemetry, bus), crowding, clock)
    door = Door(hub, tokens, people, budgets.count, submit)
    desk = CommandDesk(_desk(hub, submit, budgets), clock, log)
    await desk.listen(bus)
    front = _front(settings, secrets, bus, clock)
    api = make_app(door, _ready(pool, rates), log, REGISTRY, BUILT_PAGES, front)
    servers = XmppHosts(settings.hosts.xmpp)
    files = XmppUpload(api, upload_to(settings, secrets, servers), front.hosts, settings.limits.upload_bytes)
    app = XmppSocket(files, to_server(settings, secrets, servers), front.hosts, front.origins)
    supervisor, closing = Supervisor(log, STOP["tasks"]), Closing(STOP, log)
    supervisor.start("letters", letters.run())
    supervisor.start("decisions", decisions.run())
    for number in range(AT_ONCE):
        supervisor.start(f"desk-{number}", desk.work())
    supervisor.start("http", serve(app, settings.ports.gateway, settings.hosts.listen, LINGER_S, MAX_BYTES))
    log.info("started", port=settings.ports.gateway)
    try:
        await supervisor.run_until_stopped()
    finally:
        await supervisor.stop()
        await closing.step("bus", bus.close)
        await closing.step("memory", memory.aclose)
        await closing.step("pool", pool.close)
        telemetry.close()
        log.info("stopped")


def _hub(settings: Settings, pool: Pool, keys: LiveKeyRing, clock: Clock, decisions: GroupCommit[Record]) -> Hub:
    return Hub(
        pool,
        keys,
        clock,
        settings.domain,
        providers=ProviderDesk.of(settings),
        tools=known_tools(settings.tools.test_folder),
        objects=store_of(settings),
        upload_bytes=settings.limits.upload_bytes,
        keep=decisions.add,
        created=AgentMetrics(REGISTRY, settings.telemetry.series).created,
    )


def _desk(hub: Hub, submit: Resubmit, budgets: Budgets) -> Desk:
    async def count(action: str, who: str) -> int:
        return (await budgets.count(action, who, PER_MINUTE)).left

    return Desk(hub, Keys(hub.pool, hub.keys), submit, count)


def _traced(settings: Settings, telemetry: Telemetry, bus: Client) -> Traced:
    rate = settings.telemetry.sample_rate
    return Traced(partial(nats.put_inbound, bus), telemetry, lambda: random.random() < rate)  # noqa: S311 -- no secret


def _front(settings: Settings, secrets: Secrets, bus: Client, clock: Clock) -> Front:
    url = urlsplit(settings.accounts.public_url).hostname
    public = (settings.domain, *((url,) if url else ()))
    return Front(
        hosts=(*public, *settings.gateway.hosts, *own_addresses(settings.hosts.listen)),
        public=public,
        origins=settings.gateway.origins,
        file_key=bytes.fromhex(secrets.read("file_links")),
        hsts=settings.gateway.hsts,
        listen=partial(listen, bus),
        want=partial(tell_wanted, bus, clock),
        cancel=partial(tell_cancel, bus),
    )


def _ready(pool: Pool, rates: Rates) -> Ready:
    async def ready() -> str:
        try:
            await pool.fetchval("SELECT 1", timeout=2)
        except Exception as failed:  # noqa: BLE001 -- whatever it is, we are not ready
            return f"PostgreSQL does not answer: {type(failed).__name__}"
        return "" if await rates.answers() else "Redis does not answer"

    return ready
