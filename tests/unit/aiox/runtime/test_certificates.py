"""What people hand in as a certificate is exactly one, or is refused with the mend."""

from __future__ import annotations

import hashlib
import ssl

import pytest

from aiox.cli.stack.ca import new_ca, new_leaf
from aiox.runtime.certificates import NotACertificate, fingerprint
from aiox.runtime.clock import SystemClock


def test_the_fingerprint_is_that_of_the_certificate_itself() -> None:
    pem, _ = new_leaf(new_ca(SystemClock().now()), "b.test", [], SystemClock().now())
    assert fingerprint(f"words before it\n{pem}") == hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


@pytest.mark.parametrize("times", [0, 2])
def test_none_or_two_are_refused(times: int) -> None:
    pem, key = new_leaf(new_ca(SystemClock().now()), "b.test", [], SystemClock().now())
    with pytest.raises(NotACertificate, match="Mend:"):
        fingerprint(pem * times or key)
