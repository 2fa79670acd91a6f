"""Delayed delivery (XEP-0203): an answer that could not be sent at once says when it was given."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.jid import domain
from component.stanza_xml import add

DELAY: Final = "urn:xmpp:delay"
LATE: Final = timedelta(seconds=60)


def add_delay(message: Element, given_at: datetime, now: datetime) -> None:
    """Stamps a message that is sent a minute or more after it was made. Both times carry their zone."""
    if now - given_at >= LATE:
        stamp = given_at.strftime("%Y-%m-%dT%H:%M:%SZ")  # XEP-0082; the hub's times are UTC
        add(message, DELAY, "delay", **{"from": domain(message.get("from", "")), "stamp": stamp})
