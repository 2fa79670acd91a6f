"""The judge: all levels are asked, all must allow. Deny wins, silence is deny, no policy or a broken one is deny."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from aiox.kernel.actions import Action
from aiox.kernel.canonical import digest
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.verdict import Deny, Verdict
from policy.access import PROFILES, RULE_POLICY, RULE_PROFILE, RULE_UNKNOWN, Profiles
from policy.cedar.baseline import baseline
from policy.cedar.facts import Facts
from policy.cedar.level import Fault, Level, Scope, compile_level, strictest

REMEMBERED: Final = 4096
"""Verdicts that a set of levels keeps; the same facts have the same verdict."""
NONE_LOADED: Final = "none"
"""Version of a decision that no policy stood behind."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and the policies it rests on."""

    facts: Facts
    verdict: Verdict
    policy_version: str
    """The levels that were asked, by scope, number and digest; NONE_LOADED without a policy."""


class Policies:
    """The levels that hold for a question, the hub's first. Immutable."""

    def __init__(self, levels: Sequence[Level], profiles: Profiles = PROFILES) -> None:
        if not levels or levels[0].scope is not Scope.HUB:
            raise ValueError("the first level is the hub's")
        if any(level.scope is Scope.HUB for level in levels[1:]):
            raise ValueError("only one level is the hub's")
        self.levels = tuple(levels)
        self._profiles = profiles
        self._ask = lru_cache(REMEMBERED)(self._judged)

    @property
    def version(self) -> str:
        """What a decision says of the policies behind it."""
        return " ".join(level.name for level in self.levels)

    @property
    def digest(self) -> str:
        """SHA-256 over the texts of all levels, in hex: what an approval is bound to."""
        return digest([level.digest for level in self.levels])

    @property
    def read_roles(self) -> bool:
        """Whether any level speaks of roles."""
        return any(level.reads_roles for level in self.levels)

    def narrowed(self, *lower: Level) -> Policies:
        """These levels and `lower` behind them."""
        return Policies((*self.levels, *lower), self._profiles)

    def decide(self, facts: Facts) -> Decision:
        """What rules say. Denies with UNKNOWN_ACTION, MISSING_PROFILE, NO_POLICY or ACCESS_DENIED, in this order."""
        return Decision(facts, self._ask(facts), self.version)

    def _judged(self, facts: Facts) -> Verdict:
        no = _unmapped(facts.action, self._profiles)
        return no or _worded(strictest([level.judge(facts) for level in self.levels]))


def decide(facts: Facts, policies: Policies | None) -> Decision:
    """The judge's word; without policies it is no."""
    if policies is not None:
        return policies.decide(facts)
    no = _unmapped(facts.action, PROFILES) or _no(ErrorCode.NO_POLICY, RULE_POLICY)
    return Decision(facts, no, NONE_LOADED)


def hub_level(version: int, text: str, profiles: Profiles = PROFILES) -> Level | Sequence[Fault]:
    """The hub's policy: what the profiles permit, and the operator's own rules behind it."""
    return compile_level(Scope.HUB, version, text, before=baseline(profiles))


def _unmapped(action: str, profiles: Profiles) -> Deny | None:
    try:
        known = Action(action)
    except ValueError:
        return _no(ErrorCode.UNKNOWN_ACTION, RULE_UNKNOWN)
    return None if known in profiles else _no(ErrorCode.MISSING_PROFILE, RULE_PROFILE)


def _no(code: ErrorCode, rule: str) -> Deny:
    return Deny(code, SENTENCES[code], (rule,))


def _worded(verdict: Verdict) -> Verdict:
    """Every no has a sentence: the rules' own, or the code's."""
    if isinstance(verdict, Deny) and not verdict.reason:
        return replace(verdict, reason=SENTENCES[verdict.code])
    return verdict
