"""Of several servers the one that answered last is asked first, and each is tried before giving up."""

from __future__ import annotations

from aiox.runtime.xmpp_hosts import XmppHosts


def test_who_is_not_there_is_asked_last() -> None:
    hosts = XmppHosts("a,b,c")
    assert (hosts.now, hosts.round()) == ("a", ("a", "b", "c"))
    hosts.pass_over("a")
    assert (hosts.now, hosts.round()) == ("b", ("b", "c", "a"))


def test_two_who_miss_the_same_one_pass_over_it_once() -> None:
    hosts = XmppHosts("a,b,c")
    hosts.pass_over("a")
    hosts.pass_over("a")
    assert hosts.now == "b"


def test_links_begin_at_different_ones() -> None:
    assert [XmppHosts("a,b,c", slot).now for slot in range(4)] == ["a", "b", "c", "a"]


def test_one_alone_is_asked_again_and_again() -> None:
    hosts = XmppHosts("a")
    hosts.pass_over("a")
    assert hosts.now == "a"
