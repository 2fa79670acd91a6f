"""Answers about policies and approvals."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from gateway.schemas.common import Out


class PolicyVersionOut(Out):
    """One version of a policy. `scope` is the hub's own id or an organisation's."""

    scope: UUID
    version: int
    text: str
    digest: str
    author: str
    created_at: datetime
    active: bool


class PolicyVersionList(Out):
    """Versions, newest first."""

    items: list[PolicyVersionOut]


class FaultOut(Out):
    """What is wrong with a rule; with the whole text when the rule is empty."""

    rule: str
    why: str


class CheckedOut(Out):
    """Nothing wrong: it may be published."""

    faults: list[FaultOut]


class ExplanationOut(Out):
    """What the judge says: allow, hold or deny; a code; the rules and policies that decided; a sentence."""

    decision: str
    code: str
    rules: list[str]
    policy_version: str
    sentence: str


class ShownOut(Out):
    """What the call would do, computed from the call itself. Arguments as pairs of name and value."""

    tool: str
    arguments: list[tuple[str, str]]
    risk: str
    reversible: str
    leaving: str
    recipients: list[str]
    cost: str


class ApprovalOut(Out):
    """An approval that waits, is granted, or was just decided. `digest` goes into the decision on it."""

    id: UUID
    name: str
    agent_id: UUID
    requester: str
    kind: str
    quorum: int
    agreed: int
    state: str
    asked_at: datetime
    expires_at: datetime
    digest: str
    mine_to_decide: bool
    shown: ShownOut
    text: str


class ApprovalList(Out):
    """Approvals, oldest first."""

    items: list[ApprovalOut]
