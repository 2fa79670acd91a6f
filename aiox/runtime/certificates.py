"""Certificates that people hand in, as text."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes


class NotACertificate(ValueError):
    """The text is not exactly one X.509 certificate in PEM. The message says what is wrong, and the mend."""


def fingerprint(pem: str) -> str:
    """The SHA-256 of a certificate, in hex. Raises NotACertificate."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as wrong:
        raise NotACertificate(
            "this is no certificate in PEM form. Mend: begin with -----BEGIN CERTIFICATE-----"
        ) from wrong
    if len(found) != 1:
        raise NotACertificate(f"{len(found)} certificates stand here. Mend: give the one to be believed")
    return found[0].fingerprint(hashes.SHA256()).hex()
