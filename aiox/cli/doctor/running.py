"""What a running hub must answer: stores with each service's password, the XMPP server, each service itself."""

from __future__ import annotations

from functools import partial
from typing import Final, get_args

import aiohttp

from aiox.cli.doctor.finding import Finding, awaited
from aiox.cli.stack import ejabberd, nats, redis, schema
from aiox.cli.stack.home import Home
from aiox.cli.stack.ports import ports_of
from aiox.cli.stack.processes import can_connect
from aiox.cli.stack.services import TITLES, health_port
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.xmpp_accounts import answers
from aiox.runtime.postgres import StoreTrouble, connect_alone
from aiox.runtime.settings import Service, Settings

_BUDGET: Final = aiohttp.ClientTimeout(total=5)
_MOST: Final = 10
"""Instances of a service on one machine that are looked for."""


async def look_at_running(home: Home, settings: Settings) -> list[Finding]:
    """Asks everything that should be up, as its users do. Where PostgreSQL is away its schema is not compared."""
    database = await awaited("PostgreSQL takes every service's password", partial(_databases, home, settings))
    drift = (
        []
        if database.mend
        else [await awaited("the schema is what the revisions make", partial(_drift, home, settings))]
    )
    return [
        database,
        *drift,
        await awaited("Redis", partial(redis.check, home, settings.ports.redis)),
        await awaited("NATS writes before it acknowledges", partial(nats.check, home, settings.ports.nats)),
        await awaited("XMPP server", partial(_xmpp, home, settings)),
        *[
            await _service(settings, service, number)
            for service in get_args(Service)
            for number in await _numbers(settings, service)
        ],
    ]


async def _databases(home: Home, settings: Settings) -> None:
    for service in get_args(Service):
        try:
            connection = await connect_alone(settings, home.secrets(service), service)
        except StoreTrouble as trouble:
            raise CannotGoOn(
                f"{service} cannot enter: {type(trouble).__name__}. Mend: see {home.logs / 'postgres.log'}; a restart"
                " of the hub gives each service its password again"
            ) from trouble
        await connection.close()


async def _drift(home: Home, settings: Settings) -> None:
    await schema.check(home, settings.ports.postgres)


async def _xmpp(home: Home, settings: Settings) -> None:
    if not await can_connect(settings.ports.xmpp_client):
        raise CannotGoOn(f"nobody listens for clients. Mend: see {home.logs / 'ejabberd.log'}")
    if not await answers(home, settings):
        raise CannotGoOn(
            f"it does not take the hub's own account. Mend: see {home.logs / 'ejabberd.log'}, then restart the hub,"
            f" which sets its password again; look into {home.root / ejabberd.EXTRA} if there is one"
        )


async def _numbers(settings: Settings, service: Service) -> list[int]:
    """The first instance always, and others that listen."""
    others = range(2, _MOST + 1)
    return [1, *[one for one in others if await can_connect(_port(settings, service, one))]]


def _port(settings: Settings, service: Service, instance: int) -> int:
    return health_port(ports_of(service, settings.ports, instance), service)


async def _service(settings: Settings, service: Service, instance: int) -> Finding:
    what = TITLES[service] if instance == 1 else f"{TITLES[service]} {instance}"
    name = service if instance == 1 else f"{service}-{instance}"
    log = Home(settings.home).logs / f"{name}.log"
    url = f"http://127.0.0.1:{_port(settings, service, instance)}/readyz"
    try:
        async with aiohttp.ClientSession(timeout=_BUDGET) as session, session.get(url) as answer:
            missing = "" if answer.status == 200 else (await answer.text()).strip()
    except TimeoutError:
        return Finding(what, f"it does not answer. Mend: end its process, 'aiox up' starts it again; see {log}")
    except aiohttp.ClientError as away:
        return Finding(what, f"it is away ({type(away).__name__}). Mend: 'aiox up' starts it again; see {log}")
    return Finding(what, f"it is not ready: {missing}. Mend: mend that first; then see {log}" if missing else "")
