"""Decisions are counted by few labels, whatever was asked; refusals are violations of a severity."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from aiox.commands import gate_metrics
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode


def decisions(action: str, decision: str, code: str) -> float:
    labels = {"action": action, "decision": decision, "reason_code": code}
    return REGISTRY.get_sample_value("gate_decisions_total", labels) or 0.0


def violations(code: str, severity: str) -> float:
    labels = {"violation_type": code, "severity": severity}
    return REGISTRY.get_sample_value("aiox_policy_violations_total", labels) or 0.0


def test_what_is_let_in_is_a_decision_and_no_violation() -> None:
    before = decisions(Action.AGENT_READ, "allow", ""), all_violations()
    gate_metrics.decided(Action.AGENT_READ, "allow", "")
    assert (decisions(Action.AGENT_READ, "allow", ""), all_violations()) == (before[0] + 1, before[1])


def all_violations() -> float:
    [family] = gate_metrics.VIOLATIONS.collect()
    return sum(sample.value for sample in family.samples if sample.name.endswith("_total"))


@pytest.mark.parametrize(
    ("code", "severity"),
    [
        (ErrorCode.UNKNOWN_ACTION, "error"),
        (ErrorCode.MISSING_PROFILE, "error"),
        (ErrorCode.NO_POLICY, "error"),
        (ErrorCode.ACCESS_DENIED, "warning"),
        (ErrorCode.TOOL_REFUSED, "warning"),
        (ErrorCode.QUOTA_EXCEEDED, "info"),
        (ErrorCode.RATE_LIMITED, "info"),
        (ErrorCode.MEMORY_FULL, "info"),
    ],
)
def test_what_is_refused_is_a_violation(code: ErrorCode, severity: str) -> None:
    before = decisions(Action.AGENT_READ, "deny", code), violations(code, severity)
    gate_metrics.decided(Action.AGENT_READ, "deny", code)
    assert decisions(Action.AGENT_READ, "deny", code) == before[0] + 1
    assert violations(code, severity) == before[1] + 1


def test_what_nobody_knows_makes_no_label_of_its_own() -> None:
    before = decisions("other", "deny", "UNKNOWN_ACTION")
    gate_metrics.decided("drop.everything", "deny", "UNKNOWN_ACTION")
    assert decisions("drop.everything", "deny", "UNKNOWN_ACTION") == 0
    assert decisions("other", "deny", "UNKNOWN_ACTION") == before + 1
