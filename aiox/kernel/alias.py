"""Short addresses: `<alias>@agents.<domain>`, chosen by the owner, one of each on a hub and never given twice."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

RESERVED: Final = frozenset(
    [
        "abuse",
        "admin",
        "administrator",
        "agent",
        "agents",
        "aiox",
        "all",
        "anonymous",
        "api",
        "approver",
        "auditor",
        "billing",
        "bot",
        "component",
        "daemon",
        "everybody",
        "everyone",
        "gateway",
        "guest",
        "help",
        "hostmaster",
        "hub",
        "info",
        "local",
        "localhost",
        "mail",
        "mailer-daemon",
        "me",
        "moderator",
        "monitor",
        "news",
        "nobody",
        "noc",
        "noreply",
        "no-reply",
        "operator",
        "orchestrator",
        "owner",
        "postmaster",
        "privacy",
        "proxy",
        "pubsub",
        "registrar",
        "root",
        "search",
        "security",
        "server",
        "service",
        "ssl",
        "support",
        "sysadmin",
        "system",
        "test",
        "undefined",
        "unknown",
        "upload",
        "user",
        "users",
        "webmaster",
        "worker",
        "www",
        "xmpp",
        "you",
    ]
)
"""Names that would speak for the hub, or that addresses of other services use."""
_TAKEN_PREFIXES: Final = ("agent-", "probe-")
"""The agents' own addresses, and those by which a component finds its share of the domain."""


def _free(alias: str) -> str:
    if alias in RESERVED or alias.startswith(_TAKEN_PREFIXES):
        raise ValueError("this name is reserved")
    return alias


Alias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^(?i:[a-z0-9]([a-z0-9._-]{0,30}[a-z0-9])?)$"),
    AfterValidator(_free),
]
"""1 to 32 letters, digits and `. _ -` inside; lower case; no reserved word."""
