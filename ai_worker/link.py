"""The guard of the worker link: every message from the hub passes it before anything of it is read or logged.

Who may connect is settled by mutual TLS: the client's certificate comes from the hub's own CA and names the
orchestrator. What each message may do is settled by its own token: one owner, one agent, one request, one use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from google.protobuf.descriptor import Descriptor

from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.clock import Clock
from aiox.runtime.tokens import TokenReader, TokenRefused, TurnClaims
from aiox.wire.v1 import worker_pb2 as pb

ORCHESTRATOR: Final = "orchestrator.aiox"
"""Name in the certificate of the only service that may ask this worker."""
AGENT: Final = "agent_id"
"""Checked in every message whose type has it. The descriptor is asked: isinstance with a protocol says no on 3.12+."""
_SAN: Final = "x509_subject_alternative_name"


class LinkRefused(Exception):
    """The message or the peer may not pass. The text names the defect and nothing of the content."""


class Guarded(Protocol):
    """What every message of the hub carries."""

    @property
    def request_id(self) -> str: ...

    @property
    def owner_user_id(self) -> str: ...

    @property
    def token(self) -> str: ...

    @property
    def DESCRIPTOR(self) -> Descriptor: ...  # noqa: N802 -- protobuf's name


class Guard:
    """Checks peers and messages for one worker; remembers used tokens for their lifetime."""

    def __init__(self, key: bytes, worker_id: str, clock: Clock) -> None:
        self._tokens = TokenReader(key, worker_id)
        self._clock = clock

    def peer(self, authentication: Mapping[str, Iterable[bytes]]) -> None:
        """Raises LinkRefused unless the verified client certificate names the orchestrator."""
        if ORCHESTRATOR.encode() not in set(authentication.get(_SAN, ())):
            raise LinkRefused("the certificate does not name the orchestrator")

    def message(self, message: Guarded) -> TurnClaims:
        """What the message may do. Raises LinkRefused."""
        try:
            claims = self._tokens.read(message.token, int(self._clock.now().timestamp()))
        except TokenRefused as defect:
            raise LinkRefused(f"token: {defect}") from None
        if not message.owner_user_id:
            raise LinkRefused("no owner_user_id")
        if message.owner_user_id != str(claims.owner):
            raise LinkRefused("owner_user_id is not the token's")
        if message.request_id != str(claims.request):
            raise LinkRefused("request_id is not the token's")
        if AGENT in message.DESCRIPTOR.fields_by_name and getattr(message, AGENT) != str(claims.agent):
            raise LinkRefused("agent_id is not the token's")
        if isinstance(message, pb.HealthAsked) and not (claims.owner == claims.agent == HUB_OWNER):
            raise LinkRefused("health is asked for by the hub's own tenant")
        return claims
