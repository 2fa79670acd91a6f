"""What two looks say together: rates, shares and percentiles. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from aiox.cli.top.look import READY, Look, Seen

BREAKER: Final = {0.0: "closed", 1.0: "half open", 2.0: "open"}
SHARES: Final = (0.5, 0.95, 0.99)
TIMED: Final[Sequence[tuple[str, str, dict[str, str]]]] = (
    ("platform", "aiox_latency_seconds", {"operation": "platform"}),
    ("worker", "aiox_latency_seconds", {"operation": "worker"}),
    ("model", "aiox_latency_seconds", {"operation": "model"}),
    ("commands", "aiox_latency_seconds", {"operation": "command"}),
    ("HTTP", "http_request_duration_seconds", {}),
)
"""What the screen says of time: its name there, and whose buckets."""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A process. `cpu` is the share of one core, `memory` resident bytes, `up_s` seconds since its start."""

    name: str
    state: str
    cpu: float
    memory: float
    up_s: float


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model, over the time between the looks. `p95_s` is None when none of its calls answered."""

    name: str
    calls: float
    tokens: float
    p95_s: float | None
    failed: float
    breaker: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account: tokens a second now, and left today; None when that is not known."""

    owner: str
    tokens: float
    left: float | None


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The figures of one screen. Rates a second; times in seconds, None when nothing happened."""

    now: float
    services: Sequence[ServiceRow]
    workers: Sequence[tuple[str, str]]
    models: Sequence[ModelRow]
    accounts: Sequence[AccountRow]
    turns: float
    failed: float
    refused: float
    tokens: float
    arrivals: float
    requests: float
    latency: dict[str, tuple[float | None, ...]]
    """By what is timed: median, 95th and 99th percentile."""
    queued: float
    oldest_s: float
    debouncing: float
    busy: float
    places: float
    wanted: float
    trouble: Sequence[str] = field(default_factory=tuple)
    """What a person should look at, in words."""


class Between:
    """What changed from one look to the next. Processes that came or went between them count for nothing."""

    def __init__(self, before: Look, after: Look) -> None:
        self.before = before
        self.after = after
        self.seconds = max(after.at - before.at, 1e-6)

    def grown(self, name: str, **labels: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """By process and labels, how much each sample grew."""
        was = {(seen.name, tuple(sorted(its.items()))): v for seen, its, v in self.before.figures(name, **labels)}
        now = {(seen.name, tuple(sorted(its.items()))): v for seen, its, v in self.after.figures(name, **labels)}
        there = {seen.name for seen in self.before.seen}
        return {key: max(0.0, value - was.get(key, 0.0)) for key, value in now.items() if key[0] in there}

    def rate(self, name: str, **labels: str) -> float:
        """A second, of all processes together."""
        return sum(self.grown(name, **labels).values()) / self.seconds

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """The same for each value of a label."""
        found: dict[str, float] = defaultdict(float)
        for (_, its), grown in self.grown(name, **labels).items():
            found[dict(its).get(label, "")] += grown / self.seconds
        return dict(found)

    def quantile(self, share: float, name: str, **labels: str) -> float | None:
        """From the buckets of a histogram, interpolated within one; None when nothing was observed."""
        counts: dict[float, float] = defaultdict(float)
        for (_, its), grown in self.grown(f"{name}_bucket", **labels).items():
            counts[float(dict(its)["le"])] += grown
        return quantile(share, sorted(counts.items()))


def quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float | None:
    """As histogram_quantile of Prometheus: linear within a bucket, the last bound beyond all. Counts are cumulative."""
    if not buckets or buckets[-1][1] <= 0:
        return None
    wanted, bound, below = share * buckets[-1][1], 0.0, 0.0
    for upper, count in buckets:
        if count >= wanted and count > below:
            return bound if upper == inf else bound + (upper - bound) * (wanted - below) / (count - below)
        bound, below = (upper, count) if upper != inf else (bound, count)
    return bound


def reckon(before: Look, after: Look) -> Reckoned:
    """All figures of a screen."""
    between = Between(before, after)
    outcomes = between.by("outcome", "aiox_turns_total")
    answered = outcomes.get("answered", 0.0)
    refused = between.rate("gate_decisions_total", decision="deny")
    return Reckoned(
        now=after.now,
        services=[_service(between, seen) for seen in after.seen],
        workers=_workers(after),
        models=_models(between),
        accounts=_accounts(between),
        turns=sum(outcomes.values()),
        failed=sum(outcomes.values()) - answered,
        refused=refused,
        tokens=between.rate("aiox_tokens_used_total"),
        arrivals=between.rate("aiox_component_messages_total"),
        requests=between.rate("http_requests_total"),
        latency={
            name: tuple(between.quantile(share, metric, **labels) for share in SHARES) for name, metric, labels in TIMED
        },
        queued=after.total("aiox_queue_depth"),
        oldest_s=max((v for _, _, v in after.figures("aiox_queue_oldest_wait_seconds")), default=0.0),
        debouncing=after.total("aiox_debounce_pending"),
        busy=max((v for _, _, v in after.figures("aiox_worker_places_busy")), default=0.0),
        places=max((v for _, _, v in after.figures("aiox_worker_places")), default=0.0),
        wanted=max((v for _, _, v in after.figures("aiox_workers_wanted")), default=0.0),
        trouble=_trouble(before, after),
    )


def _service(between: Between, seen: Seen) -> ServiceRow:
    def own(look: Look, name: str) -> float:
        return next((value for other, _, value in look.figures(name) if other.name == seen.name), 0.0)

    cpu = own(between.after, "process_cpu_seconds_total") - own(between.before, "process_cpu_seconds_total")
    started = own(between.after, "process_start_time_seconds")
    return ServiceRow(
        name=seen.name,
        state=seen.state,
        cpu=max(0.0, cpu / between.seconds),
        memory=own(between.after, "process_resident_memory_bytes"),
        up_s=max(0.0, between.after.now - started) if started else 0.0,
    )


def _workers(after: Look) -> list[tuple[str, str]]:
    """Name and status of each, by name; of two opinions the better one."""
    found: dict[str, str] = {}
    for _, its, value in after.figures("aiox_python_worker_health"):
        known = found.get(its["worker_id"])
        if value and known in (None, "unavailable"):
            found[its["worker_id"]] = its["status"]
    return sorted(found.items())


def _models(between: Between) -> list[ModelRow]:
    breakers = {
        (its["provider"], its["model"]): value for _, its, value in between.after.figures("llm_circuit_breaker_state")
    }
    names = {(its["provider"], its["model"]) for _, its, _ in between.after.figures("llm_requests_total")}
    rows = []
    for provider, model in sorted(names):
        one = {"provider": provider, "model": model}
        rows.append(
            ModelRow(
                name=model if provider in model else f"{provider}/{model}",
                calls=between.rate("llm_requests_total", **one),
                tokens=between.rate("llm_tokens_total", **one),
                p95_s=between.quantile(0.95, "llm_request_latency_seconds", **one),
                failed=between.rate("llm_errors_total", **one),
                breaker=BREAKER.get(breakers.get((provider, model), 0.0), "closed"),
            )
        )
    return sorted(rows, key=lambda row: -row.calls)


def _accounts(between: Between) -> list[AccountRow]:
    """The busiest first, then those with least left."""
    used = between.by("user_id", "aiox_tokens_used_total")
    left = {its["user_id"]: value for _, its, value in between.after.figures("aiox_quota_remaining")}
    rows = [AccountRow(owner, used.get(owner, 0.0), left.get(owner)) for owner in used | left]
    return sorted(rows, key=lambda row: (-row.tokens, inf if row.left is None else row.left, row.owner))


def _trouble(before: Look, after: Look) -> list[str]:
    gone = {seen.name for seen in before.seen} - {seen.name for seen in after.seen}
    words = [f"{name} does not answer any more" for name in sorted(gone)]
    words += [f"{seen.name} is not ready: {seen.state}" for seen in after.seen if seen.state != READY]
    if not any(status == "healthy" for _, status in _workers(after)):
        words.append("no healthy worker")
    if stuck := after.total("aiox_stuck_conversations"):
        words.append(f"stuck conversations: {stuck:.0f}")
    if letters := after.total("aiox_dead_letters_total"):
        words.append(f"dead letters since the start, {letters:.0f}: aiox turns list")
    if slow := sum(Between(before, after).grown("aiox_database_timeouts_total").values()):
        words.append(f"the database takes too long: {slow:.0f} given up just now")
    words += [
        f"breaker {BREAKER.get(value, 'open')}: {its['provider']}/{its['model']}"
        for _, its, value in after.figures("llm_circuit_breaker_state")
        if value
    ]
    return words
