"""Tools allowed to a turn: unknown names are refused, never ignored."""

from __future__ import annotations

from policy.tools import allowed_tools


def test_known_tools_pass_and_unknown_ones_are_named() -> None:
    found = allowed_tools(["search_api", "rm_rf"], {"search_api"})
    assert found.names == ("search_api",)
    assert found.refused == ("rm_rf",)
    assert found.availability == 0.5


def test_an_agent_without_tools_has_full_availability() -> None:
    assert allowed_tools([], {"search_api"}).availability == 1.0


def test_an_empty_registry_refuses_everything() -> None:
    assert allowed_tools(["search_api"], set()).names == ()
