"""What a node of the bus says of its cluster."""

from __future__ import annotations

import json

import nats
from nats.errors import Error as NatsError

from aiox.cli.stack.home import Home
from aiox.cli.stack.nats import READER
from aiox.runtime.nats import INBOUND
from aiox.runtime.settings import Settings


async def stream_leader(home: Home, settings: Settings) -> str | None:
    """The name of the node that leads the inbound stream, as this one says; None while they choose."""
    password = home.secrets("stack").read("nats_backup")
    url = f"nats://127.0.0.1:{settings.ports.nats}"
    client = await nats.connect(url, user=READER, password=password, inbox_prefix=f"_INBOX.{READER}")
    try:
        answer = await client.request(f"$JS.API.STREAM.INFO.{INBOUND}", b"{}", timeout=2)
    except (NatsError, TimeoutError):
        return None
    finally:
        await client.close()
    said = json.loads(answer.data)
    if "error" in said:
        return None
    assert said["config"]["num_replicas"] == 3
    return str(said["cluster"]["leader"]) if "leader" in said["cluster"] else None
