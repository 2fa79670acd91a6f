"""What the operator types about keys and credentials, against a real database."""

from __future__ import annotations

from uuid import uuid4

import pytest

from aiox.cli import credentials, keys
from aiox.cli.stack.trouble import CannotGoOn
from tests.stack import Place

SECRET = "sk-operator-0123456789abcdef"


async def test_keys_are_listed_by_number_only(postgres: Place) -> None:
    before = await keys.list_keys(postgres.settings)
    added = await keys.add(postgres.settings)
    listed = await keys.list_keys(postgres.settings)
    assert before.count("current") == listed.count("current") == 1
    assert added.split()[1] in listed
    for reader in ("gateway", "orchestrator", "stack"):
        for line in postgres.home.secrets(reader).read("keyring").split():
            assert line.split(":")[1] not in listed
    told = await keys.rotate(postgres.settings, 0)
    assert told.startswith(f"Key {added.split()[1]} is current.")
    assert "hub keys" in await keys.retire(postgres.settings, 0)


async def test_credentials_of_the_hub(postgres: Place) -> None:
    settings = postgres.settings
    stored = await credentials.put(settings, kind="llm", provider="somebody", mode="custom", api_base="", secret=SECRET)
    assert stored.startswith("llm  somebody  custom  untested")
    assert "somebody" in await credentials.list_all(settings)
    assert "somebody" in await credentials.test(settings, kind="llm", provider="somebody")
    assert "somebody" in await credentials.delete(settings, kind="llm", provider="somebody")
    with pytest.raises(CannotGoOn, match="aiox credential list"):
        await credentials.delete(settings, kind="llm", provider="somebody")


async def test_an_organisation_needs_somebody_who_rules_it(postgres: Place) -> None:
    with pytest.raises(CannotGoOn, match="--owner"):
        await credentials.list_all(postgres.settings, credentials.Whose(organisation=str(uuid4())))
    with pytest.raises(CannotGoOn, match="no account"):
        await credentials.list_all(postgres.settings, credentials.Whose(f"{uuid4()}@localhost", str(uuid4())))
    with pytest.raises(CannotGoOn, match="scope"):
        await credentials.list_all(postgres.settings, credentials.Whose("ada@localhost", "no id"))


@pytest.mark.parametrize("given", [{"kind": "gpu"}, {"provider": "Some Body"}, {"secret": f"{SECRET} "}])
async def test_what_is_mistyped_is_said_without_the_secret(postgres: Place, given: dict[str, str]) -> None:
    fields = {"kind": "llm", "provider": "somebody", "mode": "custom", "api_base": "", "secret": SECRET, **given}
    with pytest.raises(CannotGoOn) as refused:
        await credentials.put(postgres.settings, credentials.HUB, **fields)
    assert SECRET not in str(refused.value)
