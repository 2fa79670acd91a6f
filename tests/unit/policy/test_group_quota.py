"""Of two limits the smaller holds, none is none, and nobody widens what the hub allows."""

from __future__ import annotations

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from policy.group_quota import LIMITS, GroupBudget, GroupKind, GroupLimits, narrowed, scope_of, tightest, too_wide

limit = st.none() | st.integers(0, 1000)
limits = st.builds(GroupLimits, limit, limit, limit, limit, limit)


def test_the_tightest_of_limits_and_none() -> None:
    assert tightest() is None
    assert tightest(None, None) is None
    assert tightest(3, None, 0) == 0


@given(limits, limits)
def test_what_holds_is_never_more_than_either_allows(own: GroupLimits, hubs: GroupLimits) -> None:
    held = narrowed(own, hubs)
    assert not too_wide(held, hubs)
    assert not too_wide(held, own)
    for name in LIMITS:
        assert getattr(held, name) in (getattr(own, name), getattr(hubs, name))


def test_what_is_too_wide_is_named() -> None:
    own = GroupLimits(tokens_per_minute=10, tokens_per_day=11, max_memory_mb=5)
    assert too_wide(own, GroupLimits(tokens_per_minute=10, tokens_per_day=10)) == ("tokens_per_day",)


def test_a_group_is_counted_under_the_same_id_everywhere() -> None:
    house = uuid4()
    assert scope_of(GroupKind.ORGANISATION, str(house)) == house
    peer = GroupBudget(GroupKind.PEER, "example.org", GroupLimits())
    assert peer.scope == GroupBudget(GroupKind.PEER, "example.org", GroupLimits(1)).scope
    assert peer.scope != scope_of(GroupKind.PEER, "example.net")
