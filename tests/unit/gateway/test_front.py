"""A door that only loopback reaches has no address of its own; one in a private network is asked for figures by it."""

from __future__ import annotations

import socket

import pytest

from gateway.front import own_addresses

ANY = "0.0.0.0"  # noqa: S104 -- compared with, not listened on


def test_on_loopback_there_is_none() -> None:
    assert own_addresses("127.0.0.1") == ()


def test_a_named_address_is_it() -> None:
    assert own_addresses("127.0.0.9") == ("127.0.0.9",)


def test_open_to_all_it_is_that_of_the_machines_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "127.0.0.7")
    assert own_addresses(ANY) == ("127.0.0.7",)


def test_a_name_without_an_address_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_name: str) -> str:
        raise OSError("no such name")

    monkeypatch.setattr(socket, "gethostbyname", unknown)
    assert own_addresses(ANY) == ()
