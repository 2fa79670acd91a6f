"""The way out for tools: nothing but the public Internet is reached, however it is written; ordinary hosts are."""

from __future__ import annotations

import pytest

from setup.prove import note
from tests.security.aiox.runtime.egress.arena import arena, cases


def test_there_are_enough() -> None:
    assert len(cases()) >= 200


def test_no_spelling_of_an_inner_address_is_connected_to() -> None:
    found = arena("guarded")
    assert found["ordinary"] == ["answered", "answered"]
    assert {name: came for name, came in found["cases"].items() if len(came) > 1} == {}
    wrong = {name: came for name, came in found["cases"].items() if came[0] not in {"blocked", "not answered"}}
    assert wrong == {}
    assert len(found["cases"]) == len(cases())


@pytest.mark.control
def test_without_the_guard_most_of_them_are() -> None:
    found = arena("unguarded")
    assert sum(bool(hits) for hits in found.values()) > 120
    for name in ("plain", "https", "name", "redirect", "hex number", "wide digits", "tab", "mapped"):
        assert found[f"10.1.2.3 {name}"], name


@pytest.mark.control
def test_the_librarys_own_list_would_let_some_through() -> None:
    assert "192.88.99.1" in arena("by_the_library")


def test_a_name_that_changes_is_asked_once_and_never_hits() -> None:
    found = arena("rebinding", "100", "1")
    assert found["hits"] == 0
    assert found["asked"] == 100
    assert found["answered"] > 10
    assert found["blocked"] > 10
    assert found["hits of one that asks twice"] > 0


@pytest.mark.prove
def test_1000_rounds_of_a_rebinding_resolver(request: pytest.FixtureRequest) -> None:
    seed = request.config.getoption("--hypothesis-seed") or "1"
    found = arena("rebinding", "1000", str(seed))
    note(f"rebinding: {found}")
    assert found["hits"] == 0
    assert found["hits of one that asks twice"] > 0
