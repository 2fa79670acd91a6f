"""What a URL asks for, read the one way in which it is sent; and which hosts an allow-list names."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from yarl import URL

MAX_URL_CHARACTERS: Final = 4096
_NAME: Final = re.compile(
    r"^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
)
_NUMBER: Final = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)$")
_NEVER: Final = re.compile(r"[\x00-\x20\x7f\\]")
_AUTHORITY: Final = re.compile(r"^[^/?#]*//([^/?#]*)")
_PORTS: Final = {"http": 80, "https": 443}


class Blocked(Exception):
    """What may not be asked for. The text is a sentence for whoever asked, and holds nothing but their own words."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `host` is a DNS name in small ASCII letters or an IP address in its usual form."""

    url: URL
    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> tuple[str, str, int]:
        """What credentials and bodies are kept to."""
        return self.scheme, self.host, self.port


def read_url(text: str, ports: Collection[int]) -> Target:
    """Raises Blocked for anything but http and https on these ports, without user and password in it."""
    if len(text) > MAX_URL_CHARACTERS or _NEVER.search(text):
        raise Blocked("This URL is too long, or has spaces, backslashes or control characters in it.")
    try:
        url = URL(text)
        host, port = url.raw_host or "", url.port
    except ValueError:
        raise Blocked("This is no URL.") from None
    if url.scheme not in _PORTS or not host:
        raise Blocked("Only http and https URLs with a host may be asked for.")
    found = _AUTHORITY.match(text)
    authority = found[1] if found else "@"
    if url.raw_user is not None or url.raw_password is not None or "@" in authority:
        raise Blocked("A URL with a user or password in it may not be asked for.")
    if "[" in authority and ":" not in host:
        raise Blocked("This is no URL.")
    if port is None or port not in ports:
        raise Blocked(f"Port {port} may not be asked for.")
    return Target(url.with_fragment(None), url.scheme, read_host(host), port)


def read_host(text: str) -> str:
    """The host in its one usual form. Raises Blocked for spellings that others read otherwise (`0x7f.1`, `127.1`)."""
    host = text.lower().removeprefix("[").removesuffix("]")
    host = host.removesuffix(".")
    if ":" in host or _NUMBER.search(host):
        try:
            address = ip_address(host)
        except ValueError:
            raise Blocked("This host is neither a name nor an address in its usual form.") from None
        if str(address) != host or "%" in host:
            raise Blocked("This address is not written in its usual form.")
        return host
    if not _NAME.match(host):
        raise Blocked("This is no host name.")
    return host


def is_named(host: str, domains: Sequence[str]) -> bool:
    """Whether an allow-list names this host: exactly, or by `*.` before a domain above it. An empty list names none."""
    return any(
        host.endswith(domain[1:]) and host != domain[2:] if domain.startswith("*.") else host == domain
        for domain in (one.lower().removesuffix(".") for one in domains)
    )
