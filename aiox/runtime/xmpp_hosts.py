"""Which of several XMPP servers is asked: they are one, so whichever answered last."""

from __future__ import annotations


class XmppHosts:
    """The names in `hosts.xmpp`, with commas between. Begins with number `first`, counted round."""

    def __init__(self, hosts: str, first: int = 0) -> None:
        names = hosts.split(",")
        first %= len(names)
        self._names = [*names[first:], *names[:first]]

    @property
    def now(self) -> str:
        """Who is asked."""
        return self._names[0]

    def pass_over(self, host: str) -> None:
        """Has the next one asked, for `host` was not there. One that was passed over already changes nothing."""
        if host == self.now:
            self._names.append(self._names.pop(0))

    def round(self) -> tuple[str, ...]:
        """All of them, who is asked now first."""
        return tuple(self._names)
