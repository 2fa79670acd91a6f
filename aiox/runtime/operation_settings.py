"""Settings of how a hub is run: where its parts are, how it is copied, signed and tried. Part of runtime.settings."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

LOOPBACK: Final = "127.0.0.1"
_ROUTES: Final = r"^([A-Za-z0-9.-]+:[0-9]{1,5}(,|$))*$"
_HOST: Final = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
HostName = Annotated[str, Field(pattern=f"^{_HOST}$")]
Address = Annotated[str, Field(pattern=rf"^({_HOST}:[0-9]{{1,5}})?$")]
"""Host and port; empty for none."""
HostNames = Annotated[str, Field(pattern=rf"^{_HOST}(:[0-9]{{1,5}})?(,{_HOST}(:[0-9]{{1,5}})?)*$")]
"""One host, or several with commas between; each with a port of its own where it has one."""
HostList = Annotated[str, Field(pattern=rf"^{_HOST}(,{_HOST})*$")]
"""The same, all on the same ports."""


def addresses(hosts: str, port: int) -> list[tuple[str, int]]:
    """Host and port of each of `hosts`; `port` for those that name none."""
    found = []
    for one in hosts.split(","):
        host, _, own = one.partition(":")
        found.append((host, int(own) if own else port))
    return found


class _Operation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hosts(_Operation):
    """Where the parts are: all on this machine. Elsewhere, they share a private network (docs/containers.md)."""

    postgres: HostNames = Field(LOOPBACK, description="several: services use the one that is the primary")
    redis: HostName = LOOPBACK
    sentinels: HostNames | Literal[""] = Field(
        "", description="where Sentinels are that say which Redis takes writes; empty: the one in hosts.redis does"
    )
    nats: HostNames = Field(LOOPBACK, description="several: nodes of one cluster; with three each message is on all")
    xmpp: HostList = Field(LOOPBACK, description="several: nodes of one cluster; another is asked when one is gone")
    listen: HostName = Field(LOOPBACK, description="address on which this process opens its own ports")
    worker: str = Field(
        LOOPBACK,
        pattern=r"^(self|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)$",
        description="where orchestrators find this worker; self: the address that this machine's name has",
    )
    network: str = Field(
        "127.0.0.0/8", pattern=r"^[0-9./]+$", description="from where the XMPP server's command interface may be asked"
    )


class Cluster(_Operation):
    """Stores that are several: said to each of them by itself (docs/cluster.md)."""

    node: str = Field("", pattern=r"^[a-z0-9-]*$", description="name of this NATS node among the others")
    nats: str = Field("", pattern=_ROUTES, description="where all NATS nodes meet; empty: one node")
    standby: Address = Field("", description="where the PostgreSQL is that follows this one; empty: none")
    replica_of: Address = Field("", description="the PostgreSQL that this one follows, until it is promoted")
    redis: str = Field("", pattern=_ROUTES, description="where all Redis are, each with its port; empty: there is one")
    xmpp: HostList | Literal[""] = Field("", description="where all XMPP servers are; empty: there is one")
    xmpp_node: int = Field(1, ge=1, le=9, description="which of these this XMPP server is; it joins those before it")
    redis_node: int = Field(1, ge=1, le=9, description="which of these this Redis is; the first leads at first")


class Backup(_Operation):
    """Copies of the whole hub, made while it runs (aiox backup)."""

    every_h: float = Field(
        24, ge=0, description="hours between two backups that a running hub makes; 0: none by itself"
    )
    keep: int = Field(7, ge=1, description="so many backups are kept, the oldest goes")
    folder: str = Field("", description="where they lie; empty: AIOX_HOME/backups. Another disk is better")
    tried: bool = Field(default=True, description="each is restored once into a throw-away folder, and checked there")
    passphrase: str = Field("", repr=False, description="seals them; empty: plain files that only their user may read")


class Ledger(_Operation):
    """The audit ledger."""

    checkpoint_s: float = Field(30, gt=0, le=60, description="seconds between two signed checkpoints while rows arrive")


class Files(_Operation):
    """Files in chats."""

    upload_url: str = Field(
        "",
        pattern=r"^(https://[^\s?#]+[^\s?#/])?$",
        description="where people's clients upload files; empty: this machine's XMPP server, https://<domain>:<port>/upload",
    )
    per_message: int = Field(4, ge=0, le=8, description="files an agent takes out of one message; 0: none")
    wait_s: float = Field(10, ge=0, le=30, description="seconds a turn waits for its files to be read")
    link_hours: int = Field(24, ge=1, le=168, description="how long a link to a file in an answer opens it")
    long_answer: int = Field(
        12_000, ge=1000, le=1_000_000, description="characters of an answer above which it comes as a file, too"
    )


class Crash(_Operation):
    """For tests of durability only: where a process kills itself (aiox/runtime/crash.py)."""

    point: str = Field("", description="name of a crash point; empty: never")
    passage: int = Field(1, ge=1, description="at the n-th time the point is passed")
    text: str = Field("", description="only for messages that contain this text")
