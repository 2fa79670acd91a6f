"""Which addresses are public."""

# ruff: noqa: E501, S104 -- tables of cases

from __future__ import annotations

import pytest

from aiox.runtime.egress.addresses import is_public


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8",
     "64:ff9b::808:808", "2002:808:808::1", "2001:0:808:808::f7f7:f7f7"],
)  # fmt: skip
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    ["", "localhost", "127.1", "0", "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.255.255",
     "192.0.0.1", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.1", "192.175.48.1", "198.18.0.1",
     "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1",
     "::ffff:127.0.0.1", "::ffff:0:127.0.0.1", "::127.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1",
     "2001:0:808:808::f5ff:fffe", "2001:0:a00:1::f7f7:f7f7", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1",
     "2002:a00:1::", "2002:7f00:1::1", "3ffe::1", "3fff::1", "5f00::1", "fc00::1", "fd00::1", "fe80::1", "fe80::1%eth0",
     "2606:4700::1111%eth0", "fec0::1", "ff02::1", "2620:4f:8000::1", "4000::1"],
)  # fmt: skip
def test_not_public(address: str) -> None:
    assert not is_public(address)
