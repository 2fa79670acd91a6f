"""What every command needs to run, and who asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from aiox.kernel.account import HubRole
from aiox.kernel.agent import DEFAULT_EMBEDDING_MODEL
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.tools import ToolDescription, known_tools
from aiox.runtime.clock import Clock
from aiox.runtime.keyring import KeyRing
from aiox.runtime.objects.port import NoStore, ObjectStore
from aiox.runtime.postgres import Pool
from aiox.runtime.provider_check import ProviderCheck, check_provider
from aiox.runtime.settings import Settings
from policy.ledger import Record
from registry import ledger
from registry.policies import PolicyStore


@dataclass(frozen=True, slots=True)
class ProviderDesk:
    """What commands about credentials and models need. `api_bases`: where accounts may have their own keys sent."""

    check: ProviderCheck = check_provider
    api_bases: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ("*",)
    """Patterns of provider/model: what none of them names is refused."""
    provider: str = ""
    """The hub's own, for agents that name none."""
    model: str = ""
    embedding_model: str = DEFAULT_EMBEDDING_MODEL
    """What the hub embeds all memories with."""

    @classmethod
    def of(cls, settings: Settings) -> ProviderDesk:
        """From the settings."""
        listed, own = settings.providers, settings.model
        return cls(
            api_bases=listed.api_bases,
            allowed=listed.allowed,
            provider=own.provider,
            model=own.name,
            embedding_model=settings.memory.embedding_model,
        )


Keep = Callable[[Record], Awaitable[None]]
"""Puts one row on the ledger and returns when it is durable. Raises what the store raises; then it is not there."""


@dataclass(frozen=True, slots=True)
class Hub:
    """The stores, keys and clock behind the commands. `domain` is the hub's XMPP domain."""

    pool: Pool
    keys: KeyRing
    clock: Clock
    domain: str
    policies: PolicyStore = field(default_factory=PolicyStore, repr=False, compare=False)
    """What this process knows of the policies that hold; read anew from `pool`."""
    providers: ProviderDesk = field(default_factory=ProviderDesk, repr=False, compare=False)
    """How credentials are tested, and where they may be sent."""
    tools: Mapping[str, ToolDescription] = field(default_factory=lambda: known_tools(""), repr=False, compare=False)
    """The hub's tool registry, by name."""
    objects: ObjectStore = field(default_factory=NoStore, repr=False, compare=False)
    """Where files lie; without one, whoever wants a file is told so."""
    upload_bytes: int = field(default=25 << 20, repr=False, compare=False)
    """The largest file that is taken."""
    keep: Keep | None = field(default=None, repr=False, compare=False)
    """How decisions get on the ledger where many people ask at once; None: each with a commit of its own."""

    created: Callable[[OwnerId], None] = field(default=lambda _owner: None, repr=False, compare=False)
    """Told of each agent that was made for an account."""

    async def decided(self, row: Record) -> None:
        """Puts a decision on record; only then may its answer go out. Raises as Keep does."""
        if self.keep is not None:
            await self.keep(row)
        else:
            await ledger.append(self.pool, [row])


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who asks: an account, and the address it speaks from.

    `session` is the sign-in it came through, None beside the web door; `hub_role` its role on the hub itself; `proof`
    how the address's domain was proven, empty beside the XMPP door.
    """

    owner: OwnerId
    jid: BareJid
    session: UUID | None = None
    hub_role: HubRole | None = None
    proof: str = ""
