"""The hub's certificates: who signed them, for whom, and how long they hold."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from aiox.cli.doctor.finding import Finding
from aiox.cli.stack import ca
from aiox.cli.stack.home import Home
from aiox.runtime.secrets import SecretMissing

SOON: Final = timedelta(days=14)
"""`aiox up` renews 30 days before the end: what is nearer was not renewed."""
_MEND: Final = "Mend: restart the hub, 'aiox up' renews it"


def look_at_certificates(home: Home, domain: str, now: datetime) -> list[Finding]:
    """Of the CA and of each service; nothing before the first start."""
    if not home.secrets("stack").has("ca.crt"):
        return []
    try:
        issued = [_finding(one, now) for one in ca.known(home, domain)]
    except (SecretMissing, ValueError) as damaged:
        return [Finding("certificates", f"{damaged}. {_MEND}")]
    return issued


def _finding(one: ca.Known, now: datetime) -> Finding:
    what = f"certificate of {one.name}"
    if one.begins > now:
        return Finding(what, f"it holds from {one.begins:%Y-%m-%d} only. Mend: set this machine's clock")
    if one.ends <= now:
        return Finding(what, f"it ended on {one.ends:%Y-%m-%d}. {_MEND}")
    if not one.signed:
        return Finding(what, f"the hub's CA has not signed it. {_MEND}")
    if one.ends - now < SOON:
        return Finding(what, f"it ends on {one.ends:%Y-%m-%d}. {_MEND}")
    return Finding(f"{what}, until {one.ends:%Y-%m-%d}")
