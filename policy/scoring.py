"""The scoring model of SPEC 4: orders the queue. An agent addressed by its JID is already selected.

S = alpha*R + beta*T + gamma*P + delta*C, each input between 0 and 1. A turn of score S is due

    HEAD_START_S * S

before it was admitted, and who is due first is next. So of turns that came together the better scored go first, and
nobody starves: what comes more than HEAD_START_S later is behind, whatever its score. Deterministic: the same inputs
give the same order, ties are broken by admission order. The inputs and the time of admission are stored with the
execution, so that any order can be recomputed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEAD_START_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each input counts."""

    reputation: float = 0.25
    tools: float = 0.25
    priority: float = 0.25
    capacity: float = 0.25


@dataclass(frozen=True, slots=True)
class Inputs:
    """R, T, P and C of SPEC 4, each 0..1."""

    reputation: float
    """Decayed share of successful turns of this version; 1 while there is no history."""
    tools: float
    """Share of the turn's tools that are available; 1 when it has none."""
    priority: float
    """The owner's priority weight for this agent."""
    capacity: float
    """Share of worker slots that are free."""


def score(inputs: Inputs, weights: Weights) -> float:
    """S. Raises ValueError when an input is outside 0..1."""
    values = (inputs.reputation, inputs.tools, inputs.priority, inputs.capacity)
    if not all(0.0 <= value <= 1.0 for value in values):
        raise ValueError(f"scoring inputs lie between 0 and 1: {inputs}")
    factors = (weights.reputation, weights.tools, weights.priority, weights.capacity)
    return sum(factor * value for factor, value in zip(factors, values, strict=True))


def due(points: float, admitted_s: float) -> float:
    """When a turn is due that scores so much and was admitted then, in seconds of the same clock."""
    return admitted_s - HEAD_START_S * points


def order_key(points: float, admitted_s: float, admission: int) -> tuple[float, int]:
    """What a queue sorts by: who is due first, then who was admitted first."""
    return (due(points, admitted_s), admission)


def decayed_reputation(previous: float, succeeded: bool, weight: float = 0.05) -> float:
    """R after one more turn: an exponential moving average, `weight` of it the new turn."""
    return (1 - weight) * previous + weight * (1.0 if succeeded else 0.0)
