"""Where parts are, and what a wrong word about it is answered."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aiox.runtime.operation_settings import Backup, Hosts
from aiox.runtime.settings import Settings


def test_all_is_on_this_machine_unless_said_otherwise() -> None:
    assert set(Hosts().model_dump(exclude={"network"}).values()) == {"127.0.0.1"}


@pytest.mark.parametrize("host", ["", "a b", "http://postgres", "-x", "postgres:5432", "a/b"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    with pytest.raises(ValidationError):
        Hosts(postgres=host)


def test_a_passphrase_is_not_shown() -> None:
    assert "horse" not in repr(Settings(backup=Backup(passphrase="correct horse")))
