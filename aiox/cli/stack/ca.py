"""The hub's own CA (EC P-256) and a leaf certificate per service, renewed at start."""

from __future__ import annotations

import ipaddress
import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from aiox.cli.stack.credentials import SERVICES
from aiox.cli.stack.home import Home
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import LOOPBACK

CA_DAYS: Final = 3650
LEAF_DAYS: Final = 397
RENEW_DAYS: Final = 30
XMPP: Final = "xmpp"
"""Folder of the XMPP server's certificate."""

CA_ENDS_DAYS: Final = LEAF_DAYS
"""A CA that ends sooner than a leaf it would sign is made anew, and with it every leaf."""

_LOOPBACK: Final = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA: its certificate and key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Known:
    """A certificate as it lies there. `signed` says whether the hub's CA has signed it."""

    name: str
    begins: datetime
    ends: datetime
    signed: bool


def ensure(home: Home, domain: str, now: datetime, xmpp: str = LOOPBACK) -> tuple[str, ...]:
    """Makes the CA once, and every certificate that is missing, ends within 30 days, or names other hosts.

    `xmpp` are the names, with commas between, under which other machines of the hub find its XMPP servers. Returns who
    got a new one.
    """
    stack = home.secrets("stack")
    if not stack.has("ca.key") or _read_ca(stack).certificate.not_valid_after_utc - now < timedelta(days=CA_ENDS_DAYS):
        ca = new_ca(now)
        stack.write("ca.key", _key_text(ca.key))
        stack.write("ca.crt", _text(ca.certificate))
    ca = _read_ca(stack)
    leaves = _leaves(domain, xmpp).items()
    return tuple(reader for reader, (name, hosts) in leaves if _ensure_leaf(home.secrets(reader), ca, name, hosts, now))


def known(home: Home, domain: str) -> list[Known]:
    """The CA and every leaf. Raises SecretMissing, and ValueError for what is no certificate."""
    ca = x509.load_pem_x509_certificate(home.secrets("stack").read_bytes("ca.crt"))
    leaves = [(reader, home.secrets(reader).read_bytes("tls.crt")) for reader in _leaves(domain)]
    found = [("the hub's CA", ca), *((name, x509.load_pem_x509_certificate(text)) for name, text in leaves)]
    return [Known(name, one.not_valid_before_utc, one.not_valid_after_utc, _signed(one, ca)) for name, one in found]


def _leaves(domain: str, xmpp: str = LOOPBACK) -> dict[str, tuple[str, Sequence[x509.GeneralName]]]:
    """Who has a certificate: its name, and the hosts it is for."""
    services: dict[str, tuple[str, Sequence[x509.GeneralName]]] = {
        service: (f"{service}.aiox", (x509.DNSName(f"{service}.aiox"), *_LOOPBACK)) for service in SERVICES
    }
    names = (domain, f"agents.{domain}", f"conference.{domain}", f"pubsub.{domain}", *xmpp.split(","))
    hosts = [x509.DNSName(name) for name in names if name not in ("localhost", LOOPBACK)]
    return {**services, XMPP: (domain, (*hosts, *_LOOPBACK))}


def _signed(one: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def new_ca(now: datetime) -> Issuer:
    """A fresh, self-signed CA that can sign leaves only."""
    key = ec.generate_private_key(ec.SECP256R1())
    # Of many hubs that know each other each has another name: chains are sought by it.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"AIOX hub CA {random.token_hex(4)}")])
    usage = _key_usage(signs=False, issues=True)
    certificate = (
        _builder(name, name, key, now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Issuer(certificate, key)


def new_leaf(
    ca: Issuer, name: str, hosts: Sequence[x509.GeneralName], now: datetime, days: int = LEAF_DAYS
) -> tuple[str, str]:
    """A certificate for `hosts`, usable as server and client, and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    certificate = (
        _builder(subject, ca.certificate.subject, key, now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=True, issues=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False)
        .sign(ca.key, hashes.SHA256())
    )
    return _text(certificate), _key_text(key)


def _ensure_leaf(secrets: Secrets, ca: Issuer, name: str, hosts: Sequence[x509.GeneralName], now: datetime) -> bool:
    """Returns whether a new one was made."""
    secrets.write("ca.crt", _text(ca.certificate))
    if secrets.has("tls.crt") and secrets.has("tls.key") and _good(secrets.read_bytes("tls.crt"), ca, hosts, now):
        return False
    certificate, key = new_leaf(ca, name, hosts, now)
    secrets.write("tls.key", key)
    secrets.write("tls.crt", certificate)
    return True


def _good(pem: bytes, ca: Issuer, hosts: Sequence[x509.GeneralName], now: datetime) -> bool:
    certificate = x509.load_pem_x509_certificate(pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        certificate.not_valid_after_utc - now > timedelta(days=RENEW_DAYS)
        and _signed(certificate, ca.certificate)
        and list(names) == list(hosts)
    )


def _read_ca(stack: Secrets) -> Issuer:
    key = serialization.load_pem_private_key(stack.read_bytes("ca.key"), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("the hub CA's key is not an EC key")
    return Issuer(x509.load_pem_x509_certificate(stack.read_bytes("ca.crt")), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
    )


def _key_usage(*, signs: bool, issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
