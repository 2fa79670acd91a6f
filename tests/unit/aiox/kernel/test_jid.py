"""Addresses come apart as RFC 7622 says: the resource may hold `/` and `@`."""

from __future__ import annotations

import pytest

from aiox.kernel.jid import agent_jid, bare, domain, local_part


@pytest.mark.parametrize(
    ("jid", "local", "host"),
    [
        ("ana@example.org/phone", "ana", "example.org"),
        ("ana@example.org", "ana", "example.org"),
        ("example.org", "", "example.org"),
        ("example.org/ana@other.org", "", "example.org"),
        ("ana@example.org/a/b@c", "ana", "example.org"),
    ],
)
def test_parts(jid: str, local: str, host: str) -> None:
    assert (local_part(jid), domain(jid)) == (local, host)
    assert bare(jid) == (f"{local}@{host}" if local else host)


def test_an_agents_address() -> None:
    assert agent_jid("1-2", "example.org") == "agent-1-2@agents.example.org"
