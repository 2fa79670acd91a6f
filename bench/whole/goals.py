"""The goals of the bench, and what was seen of each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.whole import echoes, growth, models, thousand
from bench.whole.asking import CLOSED
from bench.whole.record import Seen


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal. `least`: what is to be reached is a minimum, else a maximum. `aim`: what would be better still."""

    part: str
    says: str
    unit: str
    goal: float
    aim: float | None
    seen: Callable[[Seen], float]
    least: bool = False

    def met(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.goal if self.least else value <= self.goal


def middle(seen: Seen, side: str, metric: str) -> float:
    """Median over the rounds. Raises statistics.StatisticsError when there are none."""
    return median(seen.values(side, metric))


def _rate(seen: Seen) -> float:
    """Round by round, since both were measured in the same minute."""
    pairs = zip(seen.values(echoes.HUB, CLOSED), seen.values(echoes.BARE, CLOSED), strict=True)
    return median(hub / bare for hub, bare in pairs)


def _added(share: int) -> Callable[[Seen], float]:
    def added(seen: Seen) -> float:
        metric = f"{echoes.HALF} p{share}"
        pairs = zip(seen.values(echoes.HUB, metric), seen.values(echoes.BARE, metric), strict=True)
        return median(hub - bare for hub, bare in pairs)

    return added


def _lost(seen: Seen) -> float:
    return sum(middle(seen, thousand.HUB, metric) for metric in ("lost", "refused"))


def _of_thousand(metric: str) -> Callable[[Seen], float]:
    return lambda seen: middle(seen, thousand.HUB, metric)


def growing(seen: Seen, stage: str) -> float:
    """Processor time of a message of the hub that grows, beside the one that does not: 1 is no growth."""
    metric = f"{stage}, CPU of a message"
    pairs = zip(seen.values(growth.GROWN, metric), seen.values(growth.SMALL, metric), strict=True)
    return median(grown / small for grown, small in pairs)


def _grown(stage: str) -> Callable[[Seen], float]:
    """Beside what the same two hubs differed by before one of them grew."""
    return lambda seen: growing(seen, stage) / growing(seen, growth.STAGES[0])


GOALS: Final[Sequence[Goal]] = (
    Goal(echoes.NAME, "messages/s beside the bare component", "x", 0.5, 0.65, _rate, least=True),
    Goal(echoes.NAME, "added p50 at half load", "ms", 5, 2, _added(50)),
    Goal(echoes.NAME, "added p99 at half load", "ms", 15, 8, _added(99)),
    Goal(thousand.NAME, "lost or refused", "messages", 0, None, _lost),
    Goal(thousand.NAME, "platform p50", "ms", 15, None, _of_thousand("platform p50")),
    Goal(
        thousand.NAME, "worker p50 without the model's time", "ms", 135, None, _of_thousand("worker without model p50")
    ),
    Goal(growth.NAME, "CPU of a message with many agents", "x", 1.1, None, _grown(growth.STAGES[1])),
    Goal(growth.NAME, "CPU of a message with many agents and memories", "x", 1.1, None, _grown(growth.STAGES[2])),
)


def beside_litellm(seen: Seen) -> dict[str, float]:
    """No goal is set for these: requests a second of the hub beside the proxy, what each adds to the model's p50."""
    p50 = f"{models.UNLOADED} p50"
    own = middle(seen, models.DIRECT, p50)
    rates = {side: middle(seen, side, CLOSED) for side in (models.HUB, models.LITELLM)}
    return {
        f"{models.HUB} beside {models.LITELLM}, requests/s (x)": rates[models.HUB] / rates[models.LITELLM],
        f"added p50 of {models.LITELLM} (ms)": middle(seen, models.LITELLM, p50) - own,
        f"added p50 of {models.HUB} (ms)": middle(seen, models.HUB, p50) - own,
    }
