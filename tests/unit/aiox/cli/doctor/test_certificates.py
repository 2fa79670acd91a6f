"""What the doctor says of certificates at other times and by other hands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from aiox.cli.doctor.certificates import look_at_certificates
from aiox.cli.stack import ca
from aiox.cli.stack.home import Home

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    ca.ensure(Home(tmp_path), "hub.example", NOW)
    return Home(tmp_path)


def mends(home: Home, days: float = 0) -> list[str]:
    return [one.mend for one in look_at_certificates(home, "hub.example", NOW + timedelta(days=days)) if one.mend]


def test_in_order(home: Home) -> None:
    assert mends(home) == []
    assert len(look_at_certificates(home, "hub.example", NOW)) == 6
    assert look_at_certificates(Home(home.root / "none"), "hub.example", NOW) == []


@pytest.mark.parametrize(
    ("days", "count", "words"),
    [
        (ca.LEAF_DAYS - 10, 5, "it ends on"),
        (ca.LEAF_DAYS + 1, 5, "it ended on"),
        (-1, 6, "Mend: set this machine's clock"),
    ],
)
def test_at_another_time(home: Home, days: float, count: int, words: str) -> None:
    found = mends(home, days)
    assert len(found) == count
    assert all(words in mend for mend in found)


def test_signed_by_somebody_else(home: Home) -> None:
    certificate, _ = ca.new_leaf(ca.new_ca(NOW), "gateway.aiox", [x509.DNSName("gateway.aiox")], NOW)
    home.secrets("gateway").write("tls.crt", certificate)
    (mend,) = mends(home)
    assert mend.startswith("the hub's CA has not signed it")


def test_damaged(home: Home) -> None:
    home.secrets("gateway").write("tls.crt", "no certificate")
    (mend,) = mends(home)
    assert "Mend: restart the hub" in mend
