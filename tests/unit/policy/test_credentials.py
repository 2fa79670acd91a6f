"""The nearest level that has its own decides; disabled stops the search; what is known to be refused is not used."""

from __future__ import annotations

from itertools import product

import pytest

from policy.credentials import Level, Mode, Said, Status, Why, choose, is_allowed

OWN, ORGANISATION, HUB = (Said(level, Mode.CUSTOM) for level in Level)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], Why.MISSING),
        ([HUB], HUB),
        ([HUB, OWN], OWN),
        ([HUB, ORGANISATION], ORGANISATION),
        ([Said(Level.OWNER, Mode.GLOBAL), HUB], HUB),
        ([Said(Level.OWNER, Mode.GLOBAL)], Why.MISSING),
        ([Said(Level.OWNER, Mode.DISABLED), HUB], Why.DISABLED),
        ([Said(Level.ORGANISATION, Mode.DISABLED), HUB], Why.DISABLED),
        ([Said(Level.ORGANISATION, Mode.DISABLED), OWN, HUB], OWN),
        ([Said(Level.HUB, Mode.DISABLED)], Why.DISABLED),
        ([Said(Level.OWNER, Mode.CUSTOM, Status.INVALID), HUB], Why.REFUSED),
        ([Said(Level.OWNER, Mode.CUSTOM, Status.EXPIRED), HUB], Why.REFUSED),
        ([Said(Level.OWNER, Mode.CUSTOM, Status.VALID), HUB], Said(Level.OWNER, Mode.CUSTOM, Status.VALID)),
    ],
)
def test_the_nearest_decides(said: list[Said], expected: Said | Why) -> None:
    assert choose(said) == expected
    assert choose(said[::-1]) == expected


def test_of_several_organisations_any_may_forbid_and_the_first_pays() -> None:
    refused = Said(Level.ORGANISATION, Mode.CUSTOM, Status.INVALID)
    no = Said(Level.ORGANISATION, Mode.DISABLED)
    silent = Said(Level.ORGANISATION, Mode.GLOBAL)
    assert choose([ORGANISATION, no, HUB]) is Why.DISABLED
    assert choose([silent, ORGANISATION, refused, HUB]) == ORGANISATION
    assert choose([refused, ORGANISATION]) is Why.REFUSED
    assert choose([OWN, no]) == OWN


def test_nothing_above_a_disabled_level_is_ever_used() -> None:
    for own, organisation, hub in product(Mode, repeat=3):
        chosen = choose([Said(Level.OWNER, own), Said(Level.ORGANISATION, organisation), Said(Level.HUB, hub)])
        if own is Mode.DISABLED:
            assert chosen is Why.DISABLED
        if own is Mode.GLOBAL and organisation is Mode.DISABLED:
            assert chosen is Why.DISABLED


@pytest.mark.parametrize(
    ("provider", "model", "patterns", "expected"),
    [
        ("openai", "gpt-4o-mini", ("*",), True),
        ("openai", "gpt-4o-mini", (), False),
        ("openai", "gpt-4o-mini", ("openai/*",), True),
        ("openai", "gpt-4o-mini", ("openai/gpt-4o*", "ollama/*"), True),
        ("ollama", "llama3", ("openai/*",), False),
        ("open", "ai/gpt", ("openai/*",), False),
        ("OpenAI", "gpt-4o", ("openai/*",), False),
    ],
)
def test_the_hubs_list(provider: str, model: str, patterns: tuple[str, ...], expected: bool) -> None:
    assert is_allowed(provider, model, patterns) is expected
