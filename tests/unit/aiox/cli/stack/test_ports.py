from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from aiox.cli.stack import ports
from aiox.cli.stack.trouble import CannotGoOn
from tests.stack import free_ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_free_ports_pass() -> None:
    ports.check(free_ports())


def test_a_busy_port_is_named_with_its_holder_and_the_mend(taken: int) -> None:
    with pytest.raises(CannotGoOn) as trouble:
        ports.check(free_ports().model_copy(update={"postgres": taken}))
    line = str(trouble.value)
    assert f"port {taken} (postgres) is in use by" in line
    assert f"(process {os.getpid()})" in line
    assert "AIOX_PORTS__POSTGRES=" in line
    assert "\n" not in line


def test_who_listens_nowhere_has_no_name() -> None:
    assert ports.holder(free_ports().nats) == ""
