"""Where parts are, and what a wrong word about it is answered."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aiox.runtime.operation_settings import Backup, Cluster, Hosts, addresses
from aiox.runtime.settings import Settings


def test_all_is_on_this_machine_unless_said_otherwise() -> None:
    assert set(Hosts().model_dump(exclude={"network", "sentinels"}).values()) == {"127.0.0.1"}
    assert Hosts().sentinels == ""


@pytest.mark.parametrize("host", ["", "a b", "http://postgres", "-x", "a/b", "a:b", "a,", ",a"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    with pytest.raises(ValidationError):
        Hosts(postgres=host)


def test_only_stores_that_can_be_several_may_have_ports() -> None:
    with pytest.raises(ValidationError):
        Hosts(xmpp="ejabberd:5222")
    assert Hosts(postgres="one:1,two").postgres == "one:1,two"


def test_of_several_each_has_a_port() -> None:
    assert addresses("one:1,two", 5434) == [("one", 1), ("two", 5434)]
    assert Settings(hosts=Hosts(postgres="one,two:2")).postgres_first == ("one", 5434)


@pytest.mark.parametrize("field", ["standby", "replica_of"])
def test_the_other_of_two_is_named_with_its_port(field: str) -> None:
    assert Cluster.model_validate({field: "postgres-2:5434"})
    with pytest.raises(ValidationError):
        Cluster.model_validate({field: "postgres-2"})


def test_a_passphrase_is_not_shown() -> None:
    assert "horse" not in repr(Settings(backup=Backup(passphrase="correct horse")))
