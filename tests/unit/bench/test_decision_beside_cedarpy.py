"""The sides of the bench decide the same, and each figure is measured."""

from __future__ import annotations

from cedarpy import AuthzResult

from aiox.kernel.verdict import Allow
from bench.decision_beside_cedarpy import ways_to_decide
from policy.cedar.judge import Decision


async def test_the_sides_decide_the_same() -> None:
    bare, new, known, message = ways_to_decide(3)
    said = bare.decide(1)
    assert isinstance(said, AuthzResult)
    assert said.allowed
    for side in (new, known):
        found = side.decide(1)
        assert isinstance(found, Decision)
        assert isinstance(found.verdict, Allow)
    row = message.decide(1)
    assert isinstance(row, bytes)
    assert b'"policy":"hub:1:' in row
    assert [figure.metric for figure in await new.measure()] == ["decisions", "CPU of one"]
