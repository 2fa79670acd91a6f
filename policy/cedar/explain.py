"""A decision in words for a person, and in codes for a machine."""

from __future__ import annotations

from dataclasses import dataclass

from aiox.kernel.verdict import Allow, Deny, Hold
from policy.cedar.judge import NONE_LOADED, Decision


@dataclass(frozen=True, slots=True)
class Explanation:
    """What both are told. `decision` is allow, hold or deny; `code` an error code, or the kind of a hold."""

    decision: str
    code: str
    rules: tuple[str, ...]
    policy_version: str
    sentence: str


def explain(decision: Decision) -> Explanation:
    """Who asked for what, what the answer is, which rules made it so, under which policies."""
    verdict, facts = decision.verdict, decision.facts
    asked = f"{facts.actor or 'Somebody who has not signed in'}, {facts.relation} of the thing, asks for {facts.action}"
    if facts.tool:
        asked += f" with the tool {facts.tool}"
    match verdict:
        case Allow(rules):
            result, code, answer = "allow", "", "It is allowed"
        case Hold(kind, rules):
            result, code, answer = "hold", kind, f"It waits until {approval_needed(verdict)}"
        case Deny(denied, reason, rules):
            result, code, answer = "deny", str(denied), f"It is denied ({denied}): {reason.rstrip('.')}"
    sentence = f"{asked}. {answer}. Decided by {' and '.join(rules)}; {_under(decision.policy_version)}."
    return Explanation(result, code, rules, decision.policy_version, sentence)


def approval_needed(hold: Hold) -> str:
    """Who must agree before it goes on, as the end of a sentence."""
    if hold.kind == "confirm":
        who = "the person who asks confirms it"
    elif hold.approvers:
        who = f"{hold.quorum} of {', '.join(hold.approvers)} agree"
    else:
        who = "another person who may approve agrees" if hold.quorum == 1 else f"{hold.quorum} other people agree"
    return f"{who}, each with a second factor" if hold.second_factor else who


def _under(version: str) -> str:
    return "no policy is loaded" if version == NONE_LOADED else f"policy {version}"
