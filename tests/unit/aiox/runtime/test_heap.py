"""What a service has imported is never looked at again by the collector."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOKED_AT = """
import gc
from aiox.runtime import heap
import aiox.kernel.agent, sqlite3, xml.etree.ElementTree
gc.collect()
before = len(gc.get_objects())
{settle}
print(before, len(gc.get_objects()), gc.get_freeze_count(), gc.get_threshold()[0])
"""


def looked_at(settle: str) -> list[int]:
    """Objects that a full collection walks through before and after, those set aside, the youngest's threshold."""
    said = subprocess.run(
        [sys.executable, "-c", LOOKED_AT.format(settle=settle)], capture_output=True, text=True, check=True
    )
    return [int(number) for number in said.stdout.split()]


def test_a_full_collection_walks_through_what_came_later_only() -> None:
    before, after, frozen, young = looked_at("heap.settle()")
    assert before > 20_000
    assert after < before / 100
    assert frozen >= before - 1000
    assert young == 5_000


@pytest.mark.control
def test_before_it_walks_through_everything() -> None:
    before, after, frozen, _young = looked_at("pass")
    assert after >= before
    assert frozen == 0
