"""The web's refresh cookie: out of reach of scripts, and of no use to other sites."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from starlette.requests import Request
from starlette.responses import Response

from gateway.cookies import HEADER, PROOF, REFRESH, RefreshCookies

COOKIES = RefreshCookies(b"k" * 32)
TOKEN = "owner.secret"


def written(response: Response) -> SimpleCookie:
    jar = SimpleCookie()
    for name, value in response.raw_headers:
        if name == b"set-cookie":
            jar.load(value.decode())
    return jar


def jar() -> SimpleCookie:
    response = Response()
    COOKIES.write(response, TOKEN, 3600)
    return written(response)


def request(token: str = TOKEN, **headers: str) -> Request:
    given = {
        "host": "hub.example",
        "cookie": f"{REFRESH}={token}",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    return Request({"type": "http", "method": "POST", "path": "/v1/sessions/refresh", "headers": raw})


def proof() -> str:
    return jar()[PROOF].value


def test_no_script_reads_the_token_and_no_other_site_sends_it() -> None:
    cookie = jar()[REFRESH]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"].lower()) == (True, True, "strict")
    assert cookie["path"] == "/v1/sessions/refresh"
    assert cookie["domain"] == ""


def test_the_proof_can_be_read_by_our_pages_and_says_nothing_of_the_token() -> None:
    cookie = jar()[PROOF]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"].lower()) == (True, "", "strict")
    assert "secret" not in cookie.value


@pytest.mark.control
def test_our_own_page_gets_through() -> None:
    assert COOKIES.read(request(**{HEADER: proof()})) == TOKEN
    ours = {HEADER: proof(), "origin": "https://hub.example", "sec-fetch-site": "same-origin"}
    assert COOKIES.read(request(**ours)) == TOKEN


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {HEADER: ""},
        {HEADER: "0" * 64},
        {HEADER: "é"},
        {"origin": "https://hub.example"},
        {HEADER: "PROOF", "origin": "https://evil.example"},
        {HEADER: "PROOF", "origin": "null"},
        {HEADER: "PROOF", "origin": "https://hub.example.evil.example"},
        {HEADER: "PROOF", "sec-fetch-site": "cross-site"},
        {HEADER: "PROOF", "sec-fetch-site": "same-site"},
    ],
)
def test_another_site_does_not(headers: dict[str, str]) -> None:
    shown = {name: value.replace("PROOF", proof()) for name, value in headers.items()}
    assert COOKIES.read(request(**shown)) == ""


def test_the_proof_of_another_token_or_another_key_is_none() -> None:
    assert COOKIES.read(request("owner.other", **{HEADER: proof()})) == ""
    assert RefreshCookies(b"o" * 32).read(request(**{HEADER: proof()})) == ""


def test_signing_out_takes_both_away() -> None:
    response = Response()
    COOKIES.clear(response)
    assert {name: cookie["max-age"] for name, cookie in written(response).items()} == {REFRESH: "0", PROOF: "0"}
