from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from aiox.cli.stack import ca
from aiox.cli.stack.home import Home

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    ca.ensure(Home(tmp_path), "hub.example", NOW)
    return Home(tmp_path)


def leaf(home: Home, service: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(home.secrets(service).read_bytes("tls.crt"))


def hosts(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def test_each_service_has_a_name_of_its_own(home: Home) -> None:
    assert hosts(leaf(home, "ai_worker")) == ["ai_worker.aiox", "localhost", "127.0.0.1"]


def test_the_server_speaks_for_both_domains(home: Home) -> None:
    assert {"hub.example", "agents.hub.example", "localhost", "127.0.0.1"} <= set(hosts(leaf(home, "xmpp")))


def test_leaves_are_signed_by_the_hub_and_sign_nothing(home: Home) -> None:
    authority = x509.load_pem_x509_certificate(home.secrets("stack").read_bytes("ca.crt"))
    certificate = leaf(home, "gateway")
    certificate.verify_directly_issued_by(authority)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    key = authority.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_certificate_and_key_belong_together(home: Home) -> None:
    secrets = home.secrets("orchestrator")
    context = ssl.create_default_context(cafile=str(secrets.path("ca.crt")))
    context.load_cert_chain(secrets.path("tls.crt"), secrets.path("tls.key"))


def test_only_the_stack_holds_the_key_of_the_ca(home: Home) -> None:
    assert [path.parent.name for path in home.root.rglob("ca.key")] == ["stack"]


@pytest.mark.parametrize(("days_left", "renewed"), [(31, False), (29, True)])
def test_renewed_when_less_than_30_days_are_left(home: Home, days_left: int, renewed: bool) -> None:
    before = leaf(home, "component").serial_number
    ca.ensure(home, "hub.example", NOW + timedelta(days=ca.LEAF_DAYS - days_left))
    assert (leaf(home, "component").serial_number != before) is renewed


def test_renewed_when_the_domain_changes(home: Home) -> None:
    ca.ensure(home, "other.example", NOW)
    assert "other.example" in hosts(leaf(home, "xmpp"))


def test_says_whose_were_renewed(home: Home) -> None:
    assert ca.ensure(home, "hub.example", NOW) == ()
    assert ca.ensure(home, "other.example", NOW) == ("xmpp",)
    later = NOW + timedelta(days=ca.LEAF_DAYS - 29)
    assert set(ca.ensure(home, "other.example", later)) == {"component", "gateway", "orchestrator", "ai_worker", "xmpp"}


def test_a_ca_that_would_end_before_its_leaves_is_made_anew_with_them(home: Home) -> None:
    before = home.secrets("stack").read("ca.crt")
    late = NOW + timedelta(days=ca.CA_DAYS - ca.LEAF_DAYS + 1)
    assert len(ca.ensure(home, "hub.example", late)) == 5
    assert home.secrets("stack").read("ca.crt") != before
    leaf(home, "xmpp").verify_directly_issued_by(
        x509.load_pem_x509_certificate(home.secrets("component").read_bytes("ca.crt"))
    )


def test_a_leaf_of_another_ca_with_the_same_name_is_made_anew(home: Home) -> None:
    name, key = ca.new_leaf(ca.new_ca(NOW), "gateway.aiox", [x509.DNSName("gateway.aiox")], NOW)
    home.secrets("gateway").write("tls.crt", name)
    home.secrets("gateway").write("tls.key", key)
    assert [one.name for one in ca.known(home, "hub.example") if not one.signed] == ["gateway"]
    assert ca.ensure(home, "hub.example", NOW) == ("gateway",)
