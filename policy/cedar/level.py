"""A level of policy, parsed and checked once: the hub's, an organisation's or an agent's.

The hub's level permits and forbids. Those below only forbid, so that each can narrow and none can widen. A `forbid`
with `@hold` is a "not before a person agreed". Every rule has an `@id`; it stands in the ledger. `@says` is the
sentence for people.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from cedarpy import (
    Entities,
    PolicySet,
    Schema,
    ValidationResult,
    is_authorized,
    policies_to_pst,
    pst,
    validate_policies,
)

from aiox.kernel.errors import ErrorCode
from aiox.kernel.verdict import Allow, Deny, Hold, Verdict
from policy.cedar.facts import Facts, schema_text

MAX_BYTES: Final = 64 * 1024
"""Of one level's text, in UTF-8."""
MAX_RULES: Final = 500
SILENCE: Final = "silence"
"""The rule that decides when no rule permits."""
BROKEN: Final = "broken"
_EVERYTHING: Final = '@id("everything") permit(principal, action, resource);\n'
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_JID: Final = re.compile(r"[^@\s/,]{1,255}@[^@\s/,]{1,255}")
_OF_HOLDS: Final = {"quorum", "approvers", "second_factor"}
_KNOWN: Final = {"id", "says", "hold", *_OF_HOLDS}
_HOLDS: Final = {"confirm", "four_eyes"}


class Scope(StrEnum):
    """Whose policy a level is, from the widest to the narrowest."""

    HUB = "hub"
    ORGANISATION = "organisation"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a person and the ledger know of a rule. `hold` has no rules of its own; None for a plain one."""

    id: str
    permits: bool
    says: str
    hold: Hold | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is no policy: the rule's id (empty for the whole text), and a sentence."""

    rule: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A checked policy. `digest` is the SHA-256, in hex, of all that is judged by."""

    scope: Scope
    version: int
    digest: str
    rules: Mapping[str, Rule]
    reads_roles: bool
    """Whether its text speaks of roles at all: who decides need not look them up otherwise."""
    _policies: PolicySet
    _nothing: Entities
    organisation: UUID | None = None
    """Whose policy it is: only those who have the role there approve what it holds."""

    @property
    def name(self) -> str:
        """How rows and people name it: scope, version and the start of its digest."""
        return f"{self.scope}:{self.version}:{self.digest[:12]}"

    def judge(self, facts: Facts) -> Verdict:
        """What this level alone says. A rule that cannot be evaluated is a broken policy, and that is a no."""
        result = is_authorized(facts.request, self._policies, self._nothing)
        decided = sorted((self.rules[found] for found in result.diagnostics.reasons), key=lambda rule: rule.id)
        if result.diagnostics.errors:
            return _deny(ErrorCode.NO_POLICY, "A policy of this hub is broken. Tell the operator.", self._ids(BROKEN))
        if result.allowed:
            return Allow(self._ids(*(rule.id for rule in decided)))
        plain = [rule for rule in decided if rule.hold is None]
        if plain or not decided:
            says = " ".join(rule.says for rule in plain if rule.says)
            rules = self._ids(*(rule.id for rule in plain)) if plain else self._ids(SILENCE)
            return _deny(ErrorCode.ACCESS_DENIED, says, rules)
        return strictest([self._held(rule.id, rule.hold) for rule in decided if rule.hold])

    def _held(self, rule: str, hold: Hold) -> Hold:
        """One founds an organisation oneself, and may appoint there whom one likes: it must be the one that asks."""
        own = (self.organisation,) if self.organisation and hold.kind == "four_eyes" else ()
        return replace(hold, rules=self._ids(rule), organisations=own)

    def _ids(self, *rules: str) -> tuple[str, ...]:
        return tuple(f"{self.scope}/{rule}" for rule in rules)


def compile_level(
    scope: Scope, version: int, text: str, before: str = "", organisation: UUID | None = None
) -> Level | Sequence[Fault]:
    """Parses and checks a text against the schema. `before` is put in front of it; `organisation` is whose it is.

    Returns the level, or every fault that was found; never a part of a level.
    """
    if len(text.encode()) > MAX_BYTES:
        return [Fault("", f"The policy is longer than {MAX_BYTES} bytes.")]
    whole = before + text if scope is Scope.HUB else _EVERYTHING + before + text
    try:
        parsed = policies_to_pst(whole)
        schema = Schema.from_str(schema_text())
        checked = validate_policies(whole, schema)
    except ValueError as wrong:
        return [Fault("", f"This is not Cedar: {wrong}")]
    faults = _misfits(parsed, checked) + _faults(scope, parsed)
    if faults:
        return faults
    rules = {key: _rule(template) for key, template in parsed.static_policies.items()}
    return Level(
        scope,
        version,
        hashlib.sha256(whole.encode()).hexdigest(),
        MappingProxyType(rules),
        "roles" in text,
        PolicySet.from_str(whole),
        Entities.from_json_str("[]"),
        organisation,
    )


def strictest(verdicts: Sequence[Verdict]) -> Verdict:
    """All of them at once: any no is no, any hold a hold that meets every one's terms. Nothing at all is no."""
    if not verdicts:
        return _deny(ErrorCode.NO_POLICY, "", (BROKEN,))
    denied = [verdict for verdict in verdicts if isinstance(verdict, Deny)]
    if denied:
        worst = next((one for one in denied if one.code is ErrorCode.NO_POLICY), denied[0])
        says = " ".join(one.reason for one in denied if one.code is worst.code and one.reason)
        return _deny(worst.code, says, tuple(rule for one in denied for rule in one.rules))
    holds = [verdict for verdict in verdicts if isinstance(verdict, Hold)]
    if not holds:
        return Allow(tuple(rule for one in verdicts for rule in one.rules))
    named = [set(hold.approvers) for hold in holds if hold.approvers]
    approvers = set.intersection(*named) if named else set()
    rules = tuple(rule for hold in holds for rule in hold.rules)
    if named and not approvers:
        return _deny(ErrorCode.ACCESS_DENIED, "Its rules name approvers that have nobody in common.", rules)
    return Hold(
        kind="four_eyes" if any(hold.kind == "four_eyes" for hold in holds) else "confirm",
        rules=rules,
        quorum=max(hold.quorum for hold in holds),
        approvers=tuple(sorted(approvers)),
        second_factor=any(hold.second_factor for hold in holds),
        organisations=tuple(sorted({one for hold in holds for one in hold.organisations})),
    )


def _deny(code: ErrorCode, says: str, rules: tuple[str, ...]) -> Deny:
    return Deny(code, says, rules)


def _misfits(parsed: pst.PolicySet, checked: ValidationResult) -> list[Fault]:
    """What does not fit the schema: one sentence a rule, though the checker says it for every action."""
    if checked.validation_passed:
        return []
    first: dict[str, str] = {}
    for error in checked.errors:
        first.setdefault(_named(parsed, error.policy_id), error.error.partition("`, ")[2] or error.error)
    return [Fault(rule, why) for rule, why in first.items()] or [Fault("", "The policy does not fit the schema.")]


def _named(parsed: pst.PolicySet, key: str) -> str:
    template = parsed.static_policies.get(key)
    return template.annotations.get("id", key) if template is not None else key


def _faults(scope: Scope, parsed: pst.PolicySet) -> list[Fault]:
    found = []
    if parsed.templates or parsed.template_links:
        found.append(Fault("", "Templates are not used here."))
    if len(parsed.static_policies) > MAX_RULES:
        found.append(Fault("", f"More than {MAX_RULES} rules."))
    seen: set[str] = set()
    for key, template in parsed.static_policies.items():
        own = template.annotations.get("id", "")
        first = key == "policy0" and scope is not Scope.HUB  # the one that _EVERYTHING adds
        found += [Fault(own or key, why) for why in _wrong(scope, template, own, first)]
        if own in seen:
            found.append(Fault(own, "Two rules have this @id."))
        seen.add(own)
    return found


def _wrong(scope: Scope, template: pst.Template, own: str, first: bool) -> list[str]:
    notes, wrong = template.annotations, []
    if not _ID.fullmatch(own):
        wrong.append("A rule needs an @id of letters, digits, spaces, dots and dashes, 64 at most.")
    if template.effect == "permit" and scope is not Scope.HUB and not first:
        wrong.append("Only the hub's policy permits; the levels below it can only forbid.")
    if unknown := sorted(set(notes) - _KNOWN):
        wrong.append(f"Unknown annotations: {', '.join(unknown)}.")
    if "hold" not in notes:
        if set(notes) & _OF_HOLDS:
            wrong.append("@quorum, @approvers and @second_factor need a @hold.")
        return wrong
    return wrong + _wrong_hold(template)


def _wrong_hold(template: pst.Template) -> list[str]:
    notes, wrong = template.annotations, []
    if template.effect == "permit":
        wrong.append("@hold stands on a forbid: it says what must happen before.")
    if notes["hold"] not in _HOLDS:
        wrong.append("@hold is confirm or four_eyes.")
    quorum = notes.get("quorum", "1")
    if not re.fullmatch(r"[1-9]", quorum) or (notes["hold"] == "confirm" and quorum != "1"):
        wrong.append("@quorum is 1 to 9, and 1 where the acting person confirms.")
    if notes.get("second_factor", "true") != "true":
        wrong.append('@second_factor is "true" or left out.')
    approvers = _approvers(notes.get("approvers", ""))
    if not all(_JID.fullmatch(jid) for jid in approvers) or (approvers and len(approvers) < int(quorum[:1] or 1)):
        wrong.append("@approvers are bare addresses, comma between them, no fewer than the quorum.")
    return wrong


def _approvers(text: str) -> tuple[str, ...]:
    return tuple(sorted({part.strip() for part in text.split(",") if part.strip()}))


def _rule(template: pst.Template) -> Rule:
    notes = template.annotations
    hold = None
    if "hold" in notes:
        hold = Hold(
            kind=notes["hold"],
            rules=(),
            quorum=int(notes.get("quorum", "1")),
            approvers=_approvers(notes.get("approvers", "")),
            second_factor="second_factor" in notes,
        )
    return Rule(notes["id"], template.effect == "permit", notes.get("says", ""), hold)
