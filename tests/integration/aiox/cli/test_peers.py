"""`aiox peer ...`: what the operator types, and what is said to it."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from aiox.cli import peers as shell
from aiox.cli.peers import Given
from aiox.cli.stack.ca import new_ca, new_leaf
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.certificates import fingerprint
from aiox.runtime.clock import SystemClock
from registry import peers
from tests.stores import Stores

NOTHING = Given(False, False, False, None, None, None, False, "")


async def test_the_operator_adds_allows_blocks_and_removes(stores: Stores, tmp_path: Path) -> None:
    settings, name = stores.settings, f"{uuid4().hex}.example"
    pem, _ = new_leaf(new_ca(SystemClock().now()), name, [], SystemClock().now())
    (tmp_path / "peer.pem").write_text(pem)
    said = await shell.add(
        settings, name.upper(), Given(True, False, False, None, None, tmp_path / "peer.pem", False, "x")
    )
    assert said.startswith(f"{name}: see (pinned); used 0 tokens")
    assert name in await shell.listed(settings)
    assert "see, invoke, spend" in await shell.allow(
        settings, name, {"invoke": True, "spend": True, "tokens_per_day": 9}
    )
    shown = await shell.show(settings, name)
    assert fingerprint(pem) in shown
    assert "9, used 0" in shown
    assert "pinned, blocked" in await shell.block(settings, name)
    assert "stranger again" in await shell.remove(settings, name)
    with pytest.raises(CannotGoOn, match="aiox peer list"):
        await shell.show(settings, name)


async def test_who_knocked_is_accepted_or_declined(stores: Stores) -> None:
    settings, name, other = stores.settings, f"{uuid4().hex}.example", f"{uuid4().hex}.example"
    for one in (name, other):
        await peers.knock(stores.pools["component"], one, SystemClock().now())
    listed = await shell.introductions(settings)
    assert name in listed
    assert other in listed
    assert f"{name}: nothing" in await shell.accept(settings, name, NOTHING)
    assert "aiox peer block" in await shell.decline(settings, other)
    with pytest.raises(CannotGoOn, match="aiox peer introductions"):
        await shell.decline(settings, other)


async def test_what_is_wrong_is_said_with_the_mend(stores: Stores, tmp_path: Path) -> None:
    missing = Given(False, False, False, None, None, tmp_path / "none.pem", False, "")
    with pytest.raises(CannotGoOn, match="PEM file"):
        await shell.add(stores.settings, "other.test", missing)
    with pytest.raises(CannotGoOn, match="is no peer"):
        await shell.add(stores.settings, "localhost", NOTHING)
