"""Nothing is allowed by silence; the narrower entry holds; a block holds against everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.peers import STRANGER, Peer, Proof, Rights, Standing, home_of, names_of, own_domains, proof_of, rights_of

BOB = "bob@other.test"


def judged(jid: str, *peers: Peer) -> Rights:
    return rights_of(jid, {peer.name: peer for peer in peers})


def test_who_nobody_has_named_is_a_stranger_and_a_new_entry_allows_nothing() -> None:
    assert judged(BOB) == STRANGER
    assert not STRANGER.known
    named = judged(BOB, Peer("other.test"))
    assert (named.known, named.see, named.invoke, named.spend) == (True, False, False, False)
    assert Peer("other.test").proof is Proof.CERTIFICATE


@pytest.mark.parametrize("switch", ["see", "invoke", "spend"])
def test_each_switch_lets_in_what_it_names(switch: str) -> None:
    rights = judged(f"{BOB}/phone", Peer("other.test", **{switch: True}))  # type: ignore[arg-type]
    assert {name for name in ("see", "invoke", "spend") if getattr(rights, name)} == {switch}


def test_one_person_may_have_less_or_more_than_their_server() -> None:
    server = Peer("other.test", see=True, invoke=True, spend=True)
    assert judged(BOB, server, Peer(BOB, see=True)) == Rights(BOB, see=True)
    assert judged(BOB, Peer("other.test"), Peer(BOB, invoke=True)).invoke
    assert not judged("eve@other.test", Peer("other.test"), Peer(BOB, invoke=True)).invoke
    assert not judged("eve@other.test", Peer(BOB, invoke=True)).known


@pytest.mark.parametrize("standing", [Standing.BLOCKED, Standing.FROZEN])
def test_what_is_shut_out_is_so_whoever_else_allows_it(standing: Standing) -> None:
    for shut, let_in in (("other.test", BOB), (BOB, "other.test")):
        rights = judged(BOB, Peer(shut, standing, True, True, True), Peer(let_in, Standing.ALLOWED, True, True, True))
        assert rights == Rights(shut, standing)
        assert rights.shut_out


def test_agents_of_a_hub_are_its_people() -> None:
    agent = "agent-1@agents.other.test/aiox"
    assert home_of(agent) == "other.test"
    assert names_of(agent) == ("agent-1@agents.other.test", "agents.other.test", "other.test")
    assert judged(agent, Peer("other.test", invoke=True)).invoke
    assert not judged(agent, Peer("other.test", invoke=True), Peer("agents.other.test")).invoke
    assert judged(agent, Peer("other.test", Standing.BLOCKED), Peer("agents.other.test", invoke=True)).shut_out


def test_a_name_that_looks_like_another_is_not_that() -> None:
    peers = Peer("other.test", see=True, invoke=True, spend=True)
    for jid in (
        "bob@xother.test",
        "bob@other.test.evil",
        "bob@sub.other.test",
        "other.test@evil.test",
        "bob@agents.test",
    ):
        assert judged(jid, peers) == STRANGER, jid


def test_only_what_our_server_answers_for_is_ours() -> None:
    ours = own_domains("hub.test")
    assert {"hub.test", "agents.hub.test", "conference.hub.test"} <= ours
    assert not ours & {"chat.hub.test", "test", "ahub.test", "agents.agents.hub.test"}


entries = st.builds(
    Peer,
    st.sampled_from(["other.test", BOB, "agents.other.test", "third.test"]),
    st.sampled_from(Standing),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(
    st.lists(entries), st.sampled_from([BOB, "eve@other.test", "a@agents.other.test", "x@third.test", "y@none.test"])
)
def test_every_right_stands_in_the_entry_that_is_named(found: list[Peer], jid: str) -> None:
    peers = {peer.name: peer for peer in found}
    rights = rights_of(jid, peers)
    if not rights.known:
        assert rights == STRANGER
        assert not set(names_of(jid)) & set(peers)
        return
    entry = peers[rights.by]
    assert rights.standing is entry.standing
    for switch in ("see", "invoke", "spend"):
        assert getattr(rights, switch) == (getattr(entry, switch) and not rights.shut_out)
    shut = any(peers[name].standing is not Standing.ALLOWED for name in names_of(jid) if name in peers)
    assert rights.shut_out == shut


@pytest.mark.parametrize(
    ("known", "jid", "proof"),
    [
        ([], BOB, Proof.CERTIFICATE),
        ([Peer("other.test", proof=Proof.PINNED)], BOB, Proof.PINNED),
        ([Peer("other.test", proof=Proof.PINNED)], "ada@agents.other.test", Proof.PINNED),
        ([Peer("other.test", proof=Proof.DIALBACK)], "ada@agents.other.test", Proof.DIALBACK),
        ([Peer("agents.other.test", proof=Proof.PINNED)], BOB, Proof.CERTIFICATE),
        ([Peer(BOB, invoke=True), Peer("other.test", proof=Proof.PINNED)], BOB, Proof.PINNED),
        ([Peer("agents.other.test"), Peer("other.test", proof=Proof.PINNED)], "a@agents.other.test", Proof.PINNED),
        ([Peer("third.test", proof=Proof.DIALBACK)], BOB, Proof.CERTIFICATE),
    ],
)
def test_what_was_demanded_as_proof_is_said_of_the_domain(known: list[Peer], jid: str, proof: Proof) -> None:
    assert proof_of(jid, {one.name: one for one in known}) is proof
