from __future__ import annotations

import pytest

from aiox.cli.run import run_service
from aiox.cli.stack.ports import ports_of
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.settings import Ports, Settings


def test_the_first_instance_has_the_ports_of_the_settings() -> None:
    assert ports_of("ai_worker", Ports(), 1) == Ports()


def test_the_third_lies_200_higher_and_shares_the_stores() -> None:
    third = ports_of("ai_worker", Ports(), 3)
    assert (third.ai_worker, third.ai_worker_health) == (Ports().ai_worker + 200, Ports().ai_worker_health + 200)
    assert third.postgres == Ports().postgres
    assert third.gateway == Ports().gateway


def test_an_unknown_service_is_one_line() -> None:
    with pytest.raises(CannotGoOn, match="choose one of component, gateway, orchestrator, ai_worker"):
        run_service("teapot", Settings())
