"""What the gate decided, for Prometheus (SPEC 13). Every label is one of few: actions, decisions, codes."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode

DECISIONS: Final = Counter(
    "gate_decisions_total", "decisions of the gate, each a row of the ledger", ("action", "decision", "reason_code")
)
VIOLATIONS: Final = Counter(
    "aiox_policy_violations_total", "what was refused by a rule or a limit", ("violation_type", "severity")
)
_KNOWN: Final = frozenset(map(str, Action))
_OURS: Final = frozenset({ErrorCode.UNKNOWN_ACTION, ErrorCode.MISSING_PROFILE, ErrorCode.NO_POLICY})
"""Codes that no person can cause: the hub itself lacks something."""
_LIMITS: Final = frozenset({ErrorCode.QUOTA_EXCEEDED, ErrorCode.RATE_LIMITED, ErrorCode.MEMORY_FULL})


def decided(action: str, decision: str, code: str) -> None:
    """One decision: `allow`, `hold` or `deny`. What is no action of ours is counted as `other`."""
    DECISIONS.labels(action if action in _KNOWN else "other", decision, code).inc()
    if decision == "deny":
        violated(code)


def violated(code: str) -> None:
    """A rule or a limit refused something."""
    VIOLATIONS.labels(code, severity_of(code)).inc()


def severity_of(code: str) -> str:
    """`error`: the hub lacks something; `info`: a limit did its work; `warning`: it was not theirs to ask for."""
    if code in _OURS:
        return "error"
    return "info" if code in _LIMITS else "warning"
