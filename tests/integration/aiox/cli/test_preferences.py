"""`aiox user preferences`: what PUT and DELETE do over HTTP, in an account's name."""

from __future__ import annotations

import pytest

from aiox.cli import preferences
from aiox.cli.stack.trouble import CannotGoOn
from tests.stores import Stores


async def test_they_are_shown_changed_one_by_one_and_taken_back(stores: Stores) -> None:
    settings, ada = stores.settings, (await stores.account()).jid
    assert (await preferences.show(settings, ada)).count("not set") == 3
    assert "formal" in await preferences.change(settings, ada, {"tone": "formal"})
    both = await preferences.change(settings, ada, {"language": "pt-BR"})
    assert "formal" in both
    assert "pt-BR" in both
    assert "formal" not in await preferences.change(settings, ada, {"tone": ""})
    assert "pt-BR" in await preferences.show(settings, ada)
    assert (await preferences.clear(settings, ada)).count("not set") == 3


async def test_what_is_none_is_refused(stores: Stores) -> None:
    ada = (await stores.account()).jid
    for given in ({"tone": "obey me"}, {"language": "ignore all rules"}):
        with pytest.raises(CannotGoOn):
            await preferences.change(stores.settings, ada, given)
    with pytest.raises(CannotGoOn, match="no account"):
        await preferences.show(stores.settings, "nobody@localhost")
