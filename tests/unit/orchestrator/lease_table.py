"""What registry/leases.py does in SQL, as plain code with time as an argument.

tests/integration/registry/test_leases.py plays the same script on both and compares.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from aiox.kernel.ids import PARTITIONS
from registry.leases import Standing

LONG_AGO = float("-inf")


@dataclass
class Lease:
    holder: str = ""
    token: int = 0
    expires_at: float = LONG_AGO


@dataclass
class LeaseTable:
    leases: dict[int, Lease] = field(default_factory=lambda: {number: Lease() for number in range(PARTITIONS)})
    live: dict[str, float] = field(default_factory=dict)

    def renew(self, now: float, holder: str, seconds: float) -> Standing:
        self.live[holder] = now + seconds
        others = [name for name, end in self.live.items() if name != holder and now <= end <= now + 2 * seconds]
        held = {number: lease for number, lease in self.leases.items() if lease.holder == holder}
        for lease in held.values():
            lease.expires_at = now + seconds
        return Standing(
            {number: lease.token for number, lease in held.items()}, len(others) + 1, len(self._free(now, seconds))
        )

    def take(self, now: float, holder: str, seconds: float, most: int) -> dict[int, int]:
        won = self._free(now, seconds)[:most]
        for number in won:
            token = self.leases[number].token + 1
            self.leases[number] = Lease(holder, token, now + seconds)
        return {number: self.leases[number].token for number in won}

    def release(self, holder: str, number: int, token: int) -> None:
        lease = self.leases[number]
        if (lease.holder, lease.token) == (holder, token):
            self.leases[number] = Lease("", token)

    def leave(self, holder: str) -> None:
        self.live.pop(holder, None)
        for number, lease in self.leases.items():
            if lease.holder == holder:
                self.leases[number] = Lease("", lease.token)

    def _free(self, now: float, seconds: float) -> list[int]:
        return [number for number, lease in self.leases.items() if not now <= lease.expires_at <= now + 2 * seconds]
