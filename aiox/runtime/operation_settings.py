"""Settings of how a hub is run: where its parts are, how it is copied, signed and tried. Part of runtime.settings."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

LOOPBACK: Final = "127.0.0.1"
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]


class _Operation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hosts(_Operation):
    """Where the parts are: all on this machine. Elsewhere, they share a private network (docs/containers.md)."""

    postgres: HostName = LOOPBACK
    redis: HostName = LOOPBACK
    nats: HostName = LOOPBACK
    xmpp: HostName = LOOPBACK
    listen: HostName = Field(LOOPBACK, description="address on which this process opens its own ports")
    worker: str = Field(
        LOOPBACK,
        pattern=r"^(self|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)$",
        description="where orchestrators find this worker; self: the address that this machine's name has",
    )
    network: str = Field(
        "127.0.0.0/8", pattern=r"^[0-9./]+$", description="from where the XMPP server's command interface may be asked"
    )


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


class Crash(_Operation):
    """For tests of durability only: where a process kills itself (aiox/runtime/crash.py)."""

    point: str = Field("", description="name of a crash point; empty: never")
    passage: int = Field(1, ge=1, description="at the n-th time the point is passed")
    text: str = Field("", description="only for messages that contain this text")
