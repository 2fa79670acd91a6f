"""Fetches files that people link to: from public hosts, and from this hub's own upload host, by its exact origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import PORTS, Egress, NotAnswered, Outgoing
from aiox.runtime.egress.urls import Blocked, Target, read_host, read_url
from aiox.runtime.settings import Settings
from aiox.runtime.xmpp_tls import trust

LOOPBACK: Final = "127.0.0.1"
TIMEOUT_S: Final = 20.0


class NotFetched(Exception):
    """The file could not be had. The text is a sentence for whoever linked to it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file as it came: untrusted."""

    content: bytes
    media_type: str
    """As its host says; the bytes decide."""


@dataclass(frozen=True, slots=True)
class OwnHost:
    """Where this hub's people upload: one origin and path, and how it is reached from here, past the public rules."""

    scheme: str
    host: str
    port: int
    path: str
    egress: Egress

    def has(self, target: Target) -> bool:
        """Whether a URL lies there, written the one way in which the server hands it out."""
        path = target.url.raw_path
        return target.origin == (self.scheme, self.host, self.port) and path.startswith(self.path) and "/.." not in path


class Fetcher:
    """Asks for one file at a time on somebody else's word. Nothing of a request is kept."""

    def __init__(self, public: Egress, own: OwnHost | None) -> None:
        self._public = public
        self._own = own

    async def fetch(self, url: str, most: int) -> Fetched:
        """The file, of `most` bytes at most. Raises NotFetched."""
        try:
            target = read_url(url, self._ports)
            is_own = self._own is not None and self._own.has(target)
            egress = self._own.egress if self._own is not None and is_own else self._public
            asked = Outgoing(str(target.url), [target.host], timeout_s=TIMEOUT_S, max_bytes=most)
            answer = await egress.fetch(asked)
        except (Blocked, NotAnswered) as no:
            raise NotFetched(str(no)) from None
        if answer.status != 200:
            raise NotFetched(f"Its host answered {answer.status}.")
        if not answer.whole:
            raise NotFetched(f"It is larger than {most:,} bytes.")
        return Fetched(answer.body, answer.headers.get("content-type", ""))

    @property
    def _ports(self) -> frozenset[int]:
        return PORTS | {self._own.port} if self._own is not None else PORTS


def fetcher_of(settings: Settings, ca_file: str) -> Fetcher:
    """For this hub. `ca_file` is the certificate of the authority that the upload host's certificate is of."""
    target = read_url(settings.upload_url, range(1, 65_536))
    public = Egress(Reach(frozenset(settings.tools.internal)))

    async def here(host: str, _port: int) -> list[str]:
        return [LOOPBACK] if read_host(host) == target.host else []

    if settings.files.upload_url:  # a public host of its own, reached as anybody reaches it
        return Fetcher(public, None)
    reach = Reach(frozenset({f"{LOOPBACK}:{target.port}"}), here)
    own = Egress(reach, frozenset(), trust(settings, ca_file), redirects=False)
    return Fetcher(public, OwnHost(target.scheme, target.host, target.port, f"{target.url.raw_path}/", own))
