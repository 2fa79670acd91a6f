"""The settings of a hub that people reach over the internet: a part of `settings`, kept apart for its length."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Address = Annotated[str, Field(pattern=r"^[0-9a-fA-F]*[.:][0-9a-fA-F.:]+$")]


class Public(BaseModel):
    """What the XMPP server shows to people and servers elsewhere (docs/production.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    addresses: tuple[Address, ...] = Field(
        (), description="addresses of this machine at which people's XMPP clients reach the hub, beside hosts.listen"
    )
    certificate: Path | None = Field(
        None,
        description="PEM chain for <domain> and agents.<domain>, of an authority that others know; none: the hub's own",
    )
    key: Path | None = Field(None, description="its private key, PEM")

    @model_validator(mode="after")
    def _are_a_pair(self) -> Public:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("public.certificate and public.key belong together: set both, or neither")
        return self
