"""How much leaves for one peer: an account of our own server, or another server as a whole. In bounded memory.

An answer that is too much now waits in the outbox; what is said beside answers, such as presence, is left out and
counted. So a mistake of ours, or somebody who provokes us, floods nobody, and no server has a reason to shut us out.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

from aiox.kernel.jid import bare, domain
from aiox.runtime.clock import Clock
from component.buckets import Buckets
from component.metrics import LEFT_OUT

Send = Callable[[Element], bool]
"""Writes a stanza to the server; False when there is no link."""


class Pace:
    """Counts what leaves. `per_minute` over time, twice as many at once."""

    def __init__(self, own_domain: str, per_minute: int, clock: Clock) -> None:
        self._own_domain = own_domain
        self._buckets = Buckets(per_minute, 2 * per_minute)
        self._clock = clock

    def lets_out(self, to: str) -> bool:
        """Whether one more may leave for this address now."""
        where = domain(to)
        return self._buckets.take(bare(to) if where == self._own_domain else where, self._clock.monotonic())

    def paced(self, send: Send) -> Send:
        """The same way out, for what may be left out."""

        def paced_send(element: Element) -> bool:
            if self.lets_out(element.get("to", "")):
                return send(element)
            LEFT_OUT.inc()
            return False

        return paced_send
