"""From a host to addresses that may be connected to."""

from __future__ import annotations

import socket

import pytest

from aiox.runtime.egress.reach import Reach, by_system, is_own
from aiox.runtime.egress.urls import Blocked


def reach(*addresses: str, internal: tuple[str, ...] = (), own: str = "") -> Reach:
    async def resolve(_host: str, _port: int) -> list[str]:
        if addresses == ("gone",):
            raise socket.gaierror
        return list(addresses)

    return Reach(internal, resolve, lambda address: address == own)


async def test_public_addresses_are_reached() -> None:
    assert await reach("8.8.8.8", "2606:4700::1111").addresses("x.test", 443) == ("8.8.8.8", "2606:4700::1111")


@pytest.mark.parametrize("found", [(), ("gone",), ("10.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("nonsense",)])
async def test_anything_else_is_not(found: tuple[str, ...]) -> None:
    with pytest.raises(Blocked):
        await reach(*found).addresses("x.test", 443)


async def test_this_machines_own_public_address_is_not() -> None:
    with pytest.raises(Blocked):
        await reach("8.8.8.8", own="8.8.8.8").addresses("x.test", 443)


async def test_the_operators_exception_is_for_one_port() -> None:
    inner = reach("10.0.0.1", internal=("10.0.0.1:8080",))
    assert await inner.addresses("search.test", 8080) == ("10.0.0.1",)
    with pytest.raises(Blocked):
        await inner.addresses("search.test", 80)


async def test_the_machines_resolver_and_its_own_addresses() -> None:
    assert "127.0.0.1" in await by_system("localhost", 80)
    assert is_own("127.0.0.1")
    assert not is_own("8.8.8.8")
