"""What the XMPP server shows to the world: the operator's certificate, anew when it was renewed, and no wrong one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from aiox.cli.stack import ca, public
from aiox.cli.stack.ca import Issuer, new_ca, new_leaf
from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.clock import SystemClock
from aiox.runtime.public_settings import Public
from aiox.runtime.settings import Settings

DOMAIN = "hub.example.org"


class World:
    """A home, an authority, and the two files of the operator."""

    def __init__(self, folder: Path) -> None:
        self.issuer: Issuer = new_ca(SystemClock().now())
        self.chain, self.key = folder / "fullchain.pem", folder / "privkey.pem"
        wanted = Public(addresses=("203.0.113.7", "2001:db8::7"), certificate=self.chain, key=self.key)
        self.settings = Settings(home=folder, domain=DOMAIN, public=wanted)
        self.home = Home(folder)

    def renew(self, *names: str) -> None:
        found = [x509.DNSName(one) for one in names or (DOMAIN, f"agents.{DOMAIN}")]
        pem, key = new_leaf(self.issuer, DOMAIN, found, SystemClock().now())
        self.chain.write_text(pem)
        self.key.write_text(key)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.renew()
    return made


def test_the_operators_certificate_is_shown_in_a_file_of_its_own(world: World) -> None:
    certificate, key = public.shown(world.home, world.settings)
    assert certificate == key
    assert certificate.read_text() == f"{world.chain.read_text().strip()}\n{world.key.read_text().strip()}\n"
    assert certificate.stat().st_mode & 0o077 == 0


def test_a_renewed_one_makes_another_configuration_under_the_same_name(world: World) -> None:
    before, said = public.shown(world.home, world.settings), public.listeners(world.home, world.settings)
    assert public.listeners(world.home, world.settings) == said, "what has not changed is not pushed again"
    world.renew()
    assert public.listeners(world.home, world.settings) != said
    assert public.shown(world.home, world.settings) == before
    assert world.chain.read_text().strip() in before[0].read_text()


def test_a_certificate_for_all_names_below_is_one_for_the_agents(world: World) -> None:
    world.renew(DOMAIN, f"*.{DOMAIN}")
    assert public.shown(world.home, world.settings)[0].is_file()


def other_key(world: World) -> None:
    chain = world.chain.read_text()
    world.renew()
    world.chain.write_text(chain)


def for_the_domain_alone(world: World) -> None:
    world.renew(DOMAIN)


def gone(world: World) -> None:
    world.key.unlink()


def cut_off(world: World) -> None:
    world.chain.write_text(world.chain.read_text()[:200])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (other_key, "is not the key of"),
        (for_the_domain_alone, f"is not for agents.{DOMAIN}"),
        (gone, "cannot be read"),
        (cut_off, "cannot be read"),
    ],
)
def test_a_pair_that_would_leave_the_server_without_any_is_not_taken(
    world: World, spoil: Callable[[World], None], words: str
) -> None:
    spoil(world)
    with pytest.raises(CannotGoOn, match=words) as refused:
        public.shown(world.home, world.settings)
    assert "Mend: " in str(refused.value)


def test_without_one_the_hubs_own_is_shown(tmp_path: Path) -> None:
    ca.ensure(Home(tmp_path), "localhost", SystemClock().now())
    certificate, key = public.shown(Home(tmp_path), Settings(home=tmp_path))
    assert (certificate.name, key.name) == ("tls.crt", "tls.key")
    assert certificate.parent == Home(tmp_path).root / "secrets" / "xmpp"


def test_clients_elsewhere_are_listened_for_at_each_address_with_encryption_first(world: World) -> None:
    listeners = yaml.safe_load(f"listen:\n{public.listeners(world.home, world.settings)}")["listen"]
    assert [(one["ip"], one["port"]) for one in listeners] == [("203.0.113.7", 5222), ("2001:db8::7", 5222)]
    assert all(one["starttls_required"] and one["access"] == "c2s" for one in listeners)
    assert public.listeners(world.home, Settings()) == ""
