"""One worker as this orchestrator knows it: its last beat, its link, and what we have running there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiox.kernel.envelope import WorkerBeat
from orchestrator.workers.link import WorkerLink
from policy.workers import Figures

_WEIGHT: Final = 0.1
"""Of one more turn in the share of failed ones."""

_FORGIVEN: Final = 0.98
"""What is left of that share after one more beat: half of it after 35 s, so that it is tried again."""


@dataclass(slots=True)
class Member:
    """A worker of a pool."""

    beat: WorkerBeat
    link: WorkerLink
    open: bool = False
    """Whether its link has carried a beat, and is not broken."""
    active: int = 0
    """Turns of ours that it thinks about."""
    peak: int = 0
    """The most that `active` was since the last beat: that is what the next beat may have counted."""
    foreign: int = 0
    """Turns of other orchestrators there, as of its last beat."""
    resting: bool = False
    """It has just said HUB_BUSY."""
    turns: int = 0
    failed_share: float = 0.0

    @property
    def free(self) -> int:
        """Places we may ask for. Those of others are not counted off: their figure is a second old."""
        if not self.open or self.resting or self.beat.status == "draining":
            return 0
        return max(0, self.beat.capacity - self.active)

    @property
    def busy(self) -> int:
        """Places in use, ours and those of others."""
        return min(self.beat.capacity, self.active + self.foreign)

    @property
    def load(self) -> float:
        """The share of its places in use."""
        return self.busy / max(1, self.beat.capacity)

    @property
    def figures(self) -> Figures:
        """What the judge compares."""
        return Figures(
            worker_id=self.beat.worker_id,
            mean_latency_ms=self.beat.mean_latency_ms,
            failed_share=self.failed_share,
            turns=self.turns,
            memory_bytes=self.beat.memory_bytes,
            draining=self.beat.status == "draining",
        )

    def heard(self, beat: WorkerBeat) -> None:
        """Takes its newest beat."""
        self.beat = beat
        self.foreign = max(0, beat.active_requests - self.peak)
        self.peak = self.active
        self.failed_share *= _FORGIVEN

    def began(self) -> None:
        """It gets a turn of ours."""
        self.active += 1
        self.peak = max(self.peak, self.active)

    def ended(self, *, failed: bool) -> None:
        """A turn of ours left it, so there is a place; `failed`: through the worker's own fault."""
        self.active -= 1
        self.resting = False
        self.turns += 1
        self.failed_share += _WEIGHT * (float(failed) - self.failed_share)
