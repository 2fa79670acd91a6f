"""One-time passwords against the vectors of RFC 4226 appendix D and RFC 6238 appendix B."""

from __future__ import annotations

import base64

import pytest

from aiox.kernel.totp import STEP_S, as_text, as_uri, code_at, step_of

SECRET = b"12345678901234567890"
NOW = 1_800_000_015


@pytest.mark.parametrize(
    ("counter", "code"),
    [
        (0, "755224"),
        (1, "287082"),
        (2, "359152"),
        (3, "969429"),
        (4, "338314"),
        (5, "254676"),
        (6, "287922"),
        (7, "162583"),
        (8, "399871"),
        (9, "520489"),
    ],
)
def test_codes_by_counter(counter: int, code: str) -> None:
    assert code_at(SECRET, counter) == code


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_by_time(seconds: int, code: str) -> None:
    assert code_at(SECRET, seconds // STEP_S, digits=8) == code


@pytest.mark.parametrize("drift", [-1, 0, 1])
def test_a_clock_may_be_half_a_minute_off(drift: int) -> None:
    step = NOW // STEP_S + drift
    assert step_of(SECRET, code_at(SECRET, step), NOW, 0) == step


@pytest.mark.parametrize("drift", [-2, 2, 1000])
def test_and_no_more(drift: int) -> None:
    assert step_of(SECRET, code_at(SECRET, NOW // STEP_S + drift), NOW, 0) is None


def test_a_step_is_used_once() -> None:
    step = NOW // STEP_S
    assert step_of(SECRET, code_at(SECRET, step), NOW, step) is None
    assert step_of(SECRET, code_at(SECRET, step + 1), NOW, step) == step + 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "é", "٠١٢٣٤٥"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert step_of(SECRET, code, NOW, 0) is None


def test_an_authenticator_reads_the_address() -> None:
    uri = as_uri(SECRET, "ada+1@example.org", "AIOX hub.example")
    assert uri.startswith("otpauth://totp/AIOX%20hub.example%3Aada%2B1%40example.org?")
    assert f"secret={as_text(SECRET)}&" in uri
    assert base64.b32decode(as_text(SECRET)) == SECRET
