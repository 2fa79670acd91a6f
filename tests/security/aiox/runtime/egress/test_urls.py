"""URLs and hosts, read in one way only."""

from __future__ import annotations

import pytest

from aiox.runtime.egress.urls import Blocked, is_named, read_host, read_url

PORTS = frozenset({80, 443})


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("https://Example.ORG/a?b=c#d", ("https", "example.org", 443)),
        ("http://example.org.:80/", ("http", "example.org", 80)),
        ("https://bücher.example/", ("https", "xn--bcher-kva.example", 443)),
        ("https://8.8.8.8/", ("https", "8.8.8.8", 443)),
        ("https://[2606:4700::1111]/", ("https", "2606:4700::1111", 443)),
        ("https://1-2.example/", ("https", "1-2.example", 443)),
    ],
)
def test_a_url_is_read(text: str, target: tuple[str, str, int]) -> None:
    found = read_url(text, PORTS)
    assert found.origin == target
    assert "#" not in str(found.url)


@pytest.mark.parametrize(
    "text",
    ["", "example.org", "//example.org", "ftp://example.org", "file:///etc/passwd", "javascript:alert(1)", "https://",
     "https:///x", "https://u@example.org", "https://u:p@example.org", "https://:p@example.org", "https://@example.org",
     "https://example.org:22/", "https://example.org:99999/", "https://example.org:x/", "https://ex ample.org/",
     "https://example.org/a b", "https://example.org\\@x/", "https://example.org/\r\nX: y", "https://example.org/\x00",
     "https://exa%6dple.org/", "https://0x7f000001/", "https://2130706433/", "https://127.1/", "https://0177.0.0.1/",
     "https://[::ffff:7f00:1%25lo]/", "https://[v1.x]/", "https://-a.example/", "https://a..b/", "https://a_/",
     "https://" + "a" * 5000],
)  # fmt: skip
def test_what_is_not_read(text: str) -> None:
    with pytest.raises(Blocked):
        read_url(text, PORTS)


@pytest.mark.parametrize("host", ["1.2.3", "a.1", "0x1", "1.2.3.4.5", "01.2.3.4", "[0:0:0:0:0:0:0:1]", "a:b", "a" * 64])
def test_hosts_that_others_would_read_otherwise(host: str) -> None:
    with pytest.raises(Blocked):
        read_host(host)


@pytest.mark.parametrize(
    ("host", "domains", "named"),
    [
        ("example.org", ["example.org"], True),
        ("example.org", ["EXAMPLE.org."], True),
        ("a.example.org", ["example.org"], False),
        ("a.example.org", ["*.example.org"], True),
        ("a.b.example.org", ["*.example.org"], True),
        ("example.org", ["*.example.org"], False),
        ("badexample.org", ["*.example.org", "example.org"], False),
        ("example.org.evil.test", ["*.example.org", "example.org"], False),
        ("example.org", [], False),
        ("example.org", [""], False),
    ],
)
def test_an_allow_list_names_hosts(host: str, domains: list[str], named: bool) -> None:
    assert is_named(host, domains) is named
