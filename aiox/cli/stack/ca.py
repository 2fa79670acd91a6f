"""The hub's own CA (EC P-256) and a leaf certificate per service, renewed at start."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from aiox.cli.stack.credentials import SERVICES
from aiox.cli.stack.home import Home
from aiox.runtime.secrets import Secrets

CA_DAYS: Final = 3650
LEAF_DAYS: Final = 397
RENEW_DAYS: Final = 30
XMPP: Final = "xmpp"
"""Folder of the XMPP server's certificate."""

_LOOPBACK: Final = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA: its certificate and key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure(home: Home, domain: str, now: datetime) -> None:
    """Makes the CA once, and every certificate that is missing, ends within 30 days, or names other hosts."""
    stack = home.secrets("stack")
    if not stack.has("ca.key"):
        ca = new_ca(now)
        stack.write("ca.key", _key_text(ca.key))
        stack.write("ca.crt", _text(ca.certificate))
    ca = _read_ca(stack)
    for service in SERVICES:
        _ensure_leaf(home.secrets(service), ca, f"{service}.aiox", (x509.DNSName(f"{service}.aiox"), *_LOOPBACK), now)
    names = (domain, f"agents.{domain}", f"pubsub.{domain}")
    hosts = [x509.DNSName(name) for name in names if name != "localhost"]
    _ensure_leaf(home.secrets(XMPP), ca, domain, (*hosts, *_LOOPBACK), now)


def new_ca(now: datetime) -> Issuer:
    """A fresh, self-signed CA that can sign leaves only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AIOX hub CA")])
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


def _ensure_leaf(secrets: Secrets, ca: Issuer, name: str, hosts: Sequence[x509.GeneralName], now: datetime) -> None:
    secrets.write("ca.crt", _text(ca.certificate))
    if secrets.has("tls.crt") and secrets.has("tls.key") and _good(secrets.read_bytes("tls.crt"), ca, hosts, now):
        return
    certificate, key = new_leaf(ca, name, hosts, now)
    secrets.write("tls.key", key)
    secrets.write("tls.crt", certificate)


def _good(pem: bytes, ca: Issuer, hosts: Sequence[x509.GeneralName], now: datetime) -> bool:
    certificate = x509.load_pem_x509_certificate(pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        certificate.not_valid_after_utc - now > timedelta(days=RENEW_DAYS)
        and certificate.issuer == ca.certificate.subject
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
