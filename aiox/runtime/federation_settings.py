"""The settings about other servers: a part of `settings`, kept apart for its length."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Federation(BaseModel):
    """Other servers (docs/federation.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(
        "",
        pattern=r"^[0-9a-fA-F.:]*$",
        description="address at which other servers reach this one, 0.0.0.0 for all; empty: no other server at all",
    )
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        5269, description="where this server listens for others, and where it finds those that have no SRV record"
    )
    strangers: Literal["knock", "refused"] = Field(
        "knock",
        description="a server that no admin has named may ask, once, to be introduced; or its connections are refused",
    )
    authorities: Literal["public", "pinned"] = Field(
        "public",
        description="whose word counts for a server's name: this machine's authorities, or pinned certificates alone",
    )
    authority_file: Path | None = Field(
        None, description="PEM file of further authorities to believe, such as a private one of a few houses"
    )
    messages_per_minute: int = Field(
        600, ge=1, description="messages taken of one peer, from all its people together; twice as many at once"
    )
    hosts: dict[str, str] = Field(
        {}, description="addresses of servers by name, for hubs on one machine that no name server knows"
    )

    @property
    def on(self) -> bool:
        """Whether there are other servers for this hub."""
        return bool(self.address)

    def must_have_a_name(self, domain: str) -> None:
        """Raises ValueError for a hub that others cannot tell from themselves."""
        if self.on and domain == "localhost":
            raise ValueError("federation.address is set and the domain is localhost: give the hub a name of its own")
