from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from aiox.cli.stack import ejabberd
from tests.stack import Place, new_place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return new_place(tmp_path)


@pytest.fixture
def config(place: Place) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(ejabberd.render(place.home, place.settings))
    return read


ACCOUNTS = {"the hub": "hub_stack", "the gateway": "hub_gateway", "the component": "hub_component"}


def test_every_listener_is_on_loopback(config: dict[str, Any]) -> None:
    assert [listener["ip"] for listener in config["listen"]] == ["127.0.0.1"] * 3


def test_clients_must_use_tls(config: dict[str, Any]) -> None:
    clients = next(one for one in config["listen"] if one["module"] == "ejabberd_c2s")
    assert clients["starttls_required"] is True
    assert next(one for one in config["listen"] if one["module"] == "ejabberd_http")["tls"] is True


def test_the_component_speaks_for_its_own_domain_only(config: dict[str, Any], place: Place) -> None:
    door = next(one for one in config["listen"] if one["module"] == "ejabberd_service")
    assert door["check_from"] is True
    assert door["hosts"] == {"agents.localhost": {"password": place.home.secrets("component").read("xmpp_component")}}


def test_the_account_interface_asks_for_account_and_place(config: dict[str, Any]) -> None:
    for name, account in ACCOUNTS.items():
        permission = config["api_permissions"][name]
        assert permission["who"]["access"]["allow"] == [{"acl": account}, {"acl": "hub_network"}]
        assert "*" not in permission["what"]
    assert config["acl"]["hub_network"] == {"ip": ["127.0.0.0/8"]}
    assert set(config["api_permissions"]) == set(ACCOUNTS)
    assert config["api_permissions"]["the component"]["what"] == ["add_rosteritem"]
    # People may erase themselves (aiox/commands/erase_person.py); nobody may list who else is there.
    assert not {"registered_users", "status"} & set(config["api_permissions"]["the gateway"]["what"])
    assert set(config["acl"]["hub"]["user"]) == {config["acl"][one]["user"] for one in ACCOUNTS.values()}
    assert config["access_rules"]["c2s"] == {"deny": "hub", "allow": "all"}


def test_no_name_is_left_unfilled(place: Place) -> None:
    body = ejabberd.render(place.home, place.settings).split("\n", 2)[2]
    assert "$" not in body


def test_one_component_needs_no_balancing(config: dict[str, Any]) -> None:
    assert config["domain_balancing"] == {}


def test_several_components_divide_the_agents_by_address(place: Place) -> None:
    several = place.settings.model_copy(update={"components": 3})
    read = yaml.safe_load(ejabberd.render(place.home, several))
    assert read["domain_balancing"] == {"agents.localhost": {"type": "bare_destination", "component_number": 3}}
