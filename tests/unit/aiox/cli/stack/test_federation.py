"""What the XMPP server is told of other servers: TLS and proof always, lists as the registry has them."""

from __future__ import annotations

import base64
import json
import re
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml

from aiox.cli.stack import ejabberd, federation
from aiox.cli.stack.ca import new_ca, new_leaf
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.clock import SystemClock
from aiox.runtime.federation_settings import Federation
from aiox.runtime.settings import Settings
from policy.peers import Peer, Proof, Standing
from registry.peers import PeerRow
from tests.stack import Place, new_place

NOW = SystemClock().now()


def row(name: str, standing: Standing = Standing.ALLOWED, certificate: str = "", *, dialback: bool = False) -> PeerRow:
    proof = Proof.DIALBACK if dialback else Proof.PINNED if certificate else Proof.CERTIFICATE
    return PeerRow(Peer(name, standing, proof=proof), certificate, "", NOW, NOW)


def federated(folder: Path, **changes: Any) -> Place:
    place = new_place(folder)
    wanted = Federation(**{"address": "127.0.0.9", "authorities": "pinned", **changes})
    return Place(place.home, place.settings.model_copy(update={"domain": "hub.test", "federation": wanted}))


def written(place: Place, *rows: PeerRow) -> str:
    text = ejabberd.render(place.home, place.settings, rows)
    assert isinstance(yaml.safe_load(text), dict)
    return text


def test_lists_take_in_a_hubs_agents_and_a_block_holds_against_all() -> None:
    rows = [
        row("b.test"),
        row("bob@c.test"),
        row("d.test", Standing.BLOCKED),
        row("eve@d.test"),
        row("e.test", dialback=True),
    ]
    rows += [row("f.test", Standing.FROZEN, dialback=True), row("mallory@b.test", Standing.BLOCKED)]
    lists = federation.lists_of(rows)
    assert lists.named == ("agents.b.test", "agents.c.test", "agents.e.test", "b.test", "c.test", "e.test")
    assert lists.blocked == ("agents.d.test", "agents.f.test", "d.test", "f.test")
    assert lists.dialback == ("agents.e.test", "e.test")


def test_a_hub_without_an_address_meets_nobody(tmp_path: Path) -> None:
    place = new_place(tmp_path)
    text = written(place, row("b.test"))
    assert 's2s: [{"deny": "all"}]' in text
    assert "s2s_use_starttls: required" in text
    for word in ("ejabberd_s2s_in", "mod_s2s_dialback", "mod_aiox_pins", "b.test"):
        assert word not in text, word


def test_tls_is_always_required_and_a_name_servers_word_counts_for_named_peers_only(tmp_path: Path) -> None:
    place = federated(tmp_path)
    text = written(place, row("b.test"))
    assert "s2s_use_starttls: required" in text
    assert "mod_s2s_dialback" not in text
    assert "module: ejabberd_s2s_in" in text
    assert 'ip: "127.0.0.9"' in text
    assert 's2s: [{"deny": "s2s_blocked"}, {"allow": "all"}]' in text
    named = written(place, row("b.test"), row("old.test", dialback=True))
    assert "mod_s2s_dialback: {access: s2s_dialback}" in named
    assert 's2s_dialback: {"server": ["agents.old.test", "old.test"]}' in named


def test_strangers_may_be_kept_out_altogether(tmp_path: Path) -> None:
    text = written(federated(tmp_path, strangers="refused"), row("b.test"), row("d.test", Standing.BLOCKED))
    assert 's2s: [{"deny": "s2s_blocked"}, {"allow": "s2s_named"}]' in text
    assert 's2s_named: {"server": ["agents.b.test", "b.test"]}' in text
    assert 's2s_blocked: {"server": ["agents.d.test", "d.test"]}' in text
    nobody = written(federated(tmp_path / "other", strangers="refused"))
    assert 's2s_named: {"server": ["nobody.invalid"]}' in nobody


def test_pins_are_authorities_and_stand_in_the_modules_file(tmp_path: Path) -> None:
    place = federated(tmp_path)
    ca = new_ca(NOW)
    pem, _ = new_leaf(ca, "b.test", [], NOW)
    text = written(place, row("b.test", certificate=pem))
    bundle = Path(json.loads(re.findall(r"ca_file: (.*)", text)[0])).read_text()
    assert pem.strip() in bundle
    assert place.home.secrets("xmpp").read("ca.crt").strip() in bundle
    assert bundle.count("BEGIN CERTIFICATE") == 2, "this machine's authorities are left out"
    pins = Path(json.loads(re.findall(r"mod_aiox_pins: {file: (.*)}", text)[0])).read_text()
    assert pins == f'{{<<"b.test">>, <<"{base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode()}">>}}.\n'
    blocked = written(place, row("b.test", Standing.BLOCKED, pem))
    assert pem.strip() not in Path(json.loads(re.findall(r"ca_file: (.*)", blocked)[0])).read_text()
    assert re.findall(r"ca_file: (.*)", blocked) != re.findall(r"ca_file: (.*)", text)


def test_what_comes_twice_and_what_floods_is_ended_by_the_server(tmp_path: Path) -> None:
    said = yaml.safe_load(written(federated(tmp_path), row("b.test"), row("d.test", Standing.BLOCKED)))
    assert said["modules"]["mod_aiox_once"] == {}
    assert said["modules"]["mod_aiox_strangers"] == {"agents": "agents.hub.test", "known": "s2s_known"}
    assert said["access_rules"]["s2s_known"] == [{"allow": "s2s_named"}]
    assert said["acl"]["s2s_named"] == {"server": ["agents.b.test", "b.test"]}
    assert said["max_fsm_queue"] == federation.QUEUE


def test_the_servers_own_modules_are_there() -> None:
    assert [one.name for one in federation.MODULES if not one.is_file()] == []


def test_the_same_list_makes_the_same_text(tmp_path: Path) -> None:
    place = federated(tmp_path)
    assert written(place, row("b.test")) == written(place, row("b.test"))


def test_public_authorities_are_this_machines_and_others_may_be_named(tmp_path: Path) -> None:
    own = new_leaf(new_ca(NOW), "house", [], NOW)[0]
    (tmp_path / "house.pem").write_text(own)
    place = federated(tmp_path / "home", authorities="public", authority_file=tmp_path / "house.pem")
    bundle = Path(json.loads(re.findall(r"ca_file: (.*)", written(place))[0])).read_text()
    assert own.strip() in bundle
    assert bundle.count("BEGIN CERTIFICATE") > 50


@pytest.mark.parametrize(("version", "says"), [((24, 12), "26.07"), ((26, 6), "26.07"), ((26, 7), ""), ((27, 1), "")])
def test_the_servers_version_is_told(version: tuple[int, int], says: str) -> None:
    said = federation.check_version(version)
    assert says in said
    assert bool(said) == bool(says)


def test_a_server_that_is_too_old_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(CannotGoOn, match=r"23\.01 is too old.*Mend:"):
        federation.check_version((23, 1))
    (tmp_path / "ejabberd-23.01").mkdir()
    (tmp_path / "ejabberd-24.12-3~bpo12+1").mkdir()
    assert federation.version_of(tmp_path) == (24, 12)
    with pytest.raises(CannotGoOn, match="not installed"):
        federation.version_of(tmp_path / "none")


def test_a_hub_that_meets_others_needs_a_name() -> None:
    with pytest.raises(ValueError, match="a name of its own"):
        Settings(federation=Federation(address="127.0.0.2"))


def test_names_that_no_name_server_knows_are_added_to_the_machines(tmp_path: Path) -> None:
    path = federation.hosts_file(tmp_path, Federation(hosts={"b.test": "127.0.0.3"}))
    assert path is not None
    assert path.read_text().endswith("127.0.0.3 b.test\n")
    assert federation.hosts_file(tmp_path, Federation()) is None
