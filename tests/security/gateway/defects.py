"""Every single defect of an access token that has a name: each token is right but for that one thing, and signed.

Where `forge` draws numbers at random, this is a catalogue: two entries differ in what is wrong, not in a number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.security.gateway.forge import CLAIMS, HEADER, NOW, Forgery, dump, good, piece, sign, sign_text

STRANGE: Final[dict[str, Any]] = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "minus one": -1,
    "a fraction": 1.5,
    "too large for a double": 10**400,
    "no text": "",
    "an empty list": [],
    "an empty object": {},
    "a list of lists": [[]],
    "an object in an object": {"a": {"b": 1}},
}
"""Values that no claim and no header field has."""

MORE_CLAIMS: Final = (
    *("nbf", "admin", "scope", "role", "roles", "groups", "permissions", "jid", "email", "name", "azp", "client_id"),
    *("act", "may_act", "cnf", "amr", "acr", "auth_time", "nonce", "tenant", "owner_user_id", "agent_id", "hub_role"),
    *("ISS", "Aud", "SUB", "Sid", "sub ", " sub", "sub\0", "\u0455ub", "sub\u200b", "$sub", "sub[]", "sub.id", ""),
    *("__proto__", "constructor", "alg", "typ", "kid", "crit", "entitlements", "token_use", "session", "exp_at"),
)
MORE_FIELDS: Final = (
    *("crit", "kid", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "cty", "b64", "zip", "enc", "epk", "apu", "apv"),
    *("iv", "tag", "p2s", "p2c", "url", "nonce", "svt", "ppt", "iss", "sub", "aud", "exp", "ALG", "alg ", "Typ", ""),
)
_KINDS: Final[dict[str, Any]] = {"a word": "x", "a number": 1, "a list": ["x"], "an object": {"x": 1}, "null": None}

TEXTS: Final[dict[str, Callable[[str], str]]] = {
    "a space behind": lambda text: f"{text} ",
    "a space before": lambda text: f" {text}",
    "a line end behind": lambda text: f"{text}\n",
    "a tab behind": lambda text: f"{text}\t",
    "a NUL behind": lambda text: f"{text}\0",
    "capitals": str.upper,
    "the last character gone": lambda text: text[:-1],
    "the first character gone": lambda text: text[1:],
    "itself twice": lambda text: text * 2,
    "a slash behind": lambda text: f"{text}/",
    "an invisible space inside": lambda text: f"{text[:3]}\u200b{text[3:]}",
    "look-alike letters": lambda text: text.translate({ord("a"): "\u0430", ord("e"): "\u0435"}),
    "wide letters": lambda text: "".join(chr(ord(one) + 0xFEE0) for one in text),
    "percent signs": lambda text: f"%{ord(text[0]):02x}{text[1:]}",
    "a star": lambda text: f"{text[:-1]}*",
    "quotes": lambda text: f'"{text}"',
    "as JSON in a text": lambda text: json.dumps({"value": text}),
    "of a stranger": lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
}
"""What a text claim may be instead of itself."""

TIMES: Final[dict[str, tuple[Any, Any]]] = {
    "ended this second": (NOW - 900, NOW),
    "ended a second ago": (NOW - 901, NOW - 1),
    "ended a minute ago": (NOW - 960, NOW - 60),
    "ended a day ago": (NOW - 87_300, NOW - 86_400),
    "ended a year ago": (NOW - 31_536_900, NOW - 31_536_000),
    "of 1970": (0, 900),
    "of before 1970": (-1800, -900),
    "begins in six seconds": (NOW + 6, NOW + 60),
    "begins in an hour": (NOW + 3600, NOW + 3660),
    "begins in a year": (NOW + 31_536_000, NOW + 31_536_060),
    "begins behind 2^53": (2**53, 2**53 + 60),
    "begins behind 2^63": (2**63, 2**63 + 60),
    "lives a second too long": (NOW, NOW + 901),
    "lives a minute too long": (NOW, NOW + 960),
    "lives a day": (NOW, NOW + 86_400),
    "lives a year": (NOW, NOW + 31_536_000),
    "lives for ever": (NOW, 2**63 - 1),
    "ends before it begins": (NOW, NOW - 60),
    "ends when it begins": (NOW, NOW),
    "in milliseconds": (NOW * 1000, NOW * 1000 + 900_000),
}

BROKEN: Final[dict[str, Callable[[str], bytes]]] = {
    "a list": lambda body: f"[{body}]".encode(),
    "a text": lambda body: json.dumps(body).encode(),
    "null": lambda _: b"null",
    "a number": lambda _: b"1",
    "true": lambda _: b"true",
    "nothing": lambda _: b"",
    "an empty object": lambda _: b"{}",
    "two objects": lambda body: f"{body}{body}".encode(),
    "an object and more": lambda body: f"{body} {{}}".encode(),
    "a NUL behind": lambda body: f"{body}\0".encode(),
    "a comma too many": lambda body: f"{body[:-1]},}}".encode(),
    "a comment": lambda body: f"{body[:-1]}/**/}}".encode(),
    "single quotes": lambda body: body.replace('"', "'").encode(),
    "no end": lambda body: body[:-1].encode(),
    "NaN in it": lambda body: f'{body[:-1]},"x":NaN}}'.encode(),
    "Infinity in it": lambda body: f'{body[:-1]},"x":Infinity}}'.encode(),
    "half a character in it": lambda body: f'{body[:-1]},"x":"\\ud800"}}'.encode(),
    "bytes that are no text": lambda body: body.encode()[:-1] + b',"x":"\xff"}',
    "deep nesting": lambda body: f'{body[:-1]},"x":{"[" * 500}{"]" * 500}}}'.encode(),
    "a BOM": lambda body: body.encode("utf-8-sig"),
    "UTF-16": lambda body: body.encode("utf-16"),
    "UTF-16 without a BOM": lambda body: body.encode("utf-16-le"),
    "UTF-16 the other way": lambda body: body.encode("utf-16-be"),
    "UTF-32": lambda body: body.encode("utf-32"),
    "EBCDIC": lambda body: body.encode("cp037"),
}
"""What stands where an object should."""


def defects() -> list[Forgery]:
    """The catalogue. Names are unique, and so are tokens."""
    return [one for kind in _KINDS_OF for one in kind()]


def _strange_values() -> Iterator[Forgery]:
    for name in CLAIMS:
        for word, value in STRANGE.items():
            yield Forgery(f"{name} is {word}", good({**CLAIMS, name: value}))
        for word, value in (("in a list", [CLAIMS[name]]), ("in an object", {"value": CLAIMS[name]})):
            yield Forgery(f"{name} is {word}", good({**CLAIMS, name: value}))
    for name in HEADER:
        for word, value in STRANGE.items():
            yield Forgery(f"header {name} is {word}", good(header={**HEADER, name: value}))
        yield Forgery(f"header {name} is in a list", good(header={**HEADER, name: [HEADER[name]]}))


def _texts() -> Iterator[Forgery]:
    for name in ("iss", "aud", "sub", "sid"):
        for word, change in TEXTS.items():
            if name in ("sub", "sid") and word == "of a stranger":
                continue  # that is another person's good token
            yield Forgery(f"{name} with {word}", good({**CLAIMS, name: change(CLAIMS[name])}))
    for name in HEADER:
        for word, change in TEXTS.items():
            if change(HEADER[name]) != HEADER[name]:
                yield Forgery(f"header {name} with {word}", good(header={**HEADER, name: change(HEADER[name])}))
    for name in ("sub", "sid"):
        hexadecimal = CLAIMS[name].replace("-", "")
        for word, text in (("without hyphens", hexadecimal), ("in braces", f"{{{CLAIMS[name]}}}")):
            yield Forgery(f"{name} {word}", good({**CLAIMS, name: text}))
        yield Forgery(f"{name} as a URN", good({**CLAIMS, name: f"urn:uuid:{CLAIMS[name]}"}))
        yield Forgery(f"{name} as a number", good({**CLAIMS, name: int(hexadecimal, 16)}))


def _times() -> Iterator[Forgery]:
    for word, (begins, ends) in TIMES.items():
        yield Forgery(word, good({**CLAIMS, "iat": begins, "exp": ends}))
    for name in ("iat", "exp"):
        number = CLAIMS[name]
        spelled = {"a text": str(number), "a hexadecimal text": hex(number), "an ISO date": "2027-01-15T08:00:00Z"}
        for word, value in {**spelled, "a whole fraction": float(number), "half a second more": number + 0.5}.items():
            yield Forgery(f"{name} is {word}", good({**CLAIMS, name: value}))
        body = json.dumps(CLAIMS)
        for word, raw in (
            ("an exponent", f"{number}e0"),
            ("a fraction of zeros", f"{number}.000"),
            ("+", f"+{number}"),
        ):
            yield Forgery(f"{name} written with {word}", sign(dump(HEADER), body.replace(str(number), raw, 1).encode()))


def _missing_and_more() -> Iterator[Forgery]:
    for name in CLAIMS:
        yield Forgery(f"no {name}", good({one: value for one, value in CLAIMS.items() if one != name}))
    for name in HEADER:
        yield Forgery(f"no header {name}", good(header={one: value for one, value in HEADER.items() if one != name}))
    for name in MORE_CLAIMS:
        for word in ("a word", "a list", "null"):
            yield Forgery(f"claim {name!r} beside the others, {word}", good({**CLAIMS, name: _KINDS[word]}))
    for name in MORE_FIELDS:
        for word, value in _KINDS.items():
            yield Forgery(f"header field {name!r}, {word}", good(header={**HEADER, name: value}))


def _twice() -> Iterator[Forgery]:
    """Readers differ in which one they take; an escape hides the second from readers of bytes."""
    for part, whole in (("claim", CLAIMS), ("header", HEADER)):
        for name, value in whole.items():
            other = value + 1 if isinstance(value, int) else f"{value}x"
            for what, second in (("the same", value), ("another", other)):
                for spelling, key in (("plain", json.dumps(name)), ("escaped", f'"\\u{ord(name[0]):04x}{name[1:]}"')):
                    pair, body = f"{key}: {json.dumps(second)}", json.dumps(whole)
                    for where, raw in (("behind", f"{body[:-1]}, {pair}}}"), ("before", f"{{{pair}, {body[1:]}")):
                        parts = (dump(HEADER), raw.encode()) if part == "claim" else (raw.encode(), dump(CLAIMS))
                        yield Forgery(f"{part} {name} twice, {what} {spelling} {where}", sign(*parts))


def _algorithms() -> Iterator[Forgery]:
    for algorithm in ("HS384", "HS512", "none"):
        header = {**HEADER, "alg": algorithm}
        yield Forgery(f"signed by {algorithm}", sign(dump(header), dump(CLAIMS), algorithm=algorithm))
    for odd in ("None", "NONE", "hs256", "RS256", "PS256", "ES256", "ES256K", "EdDSA", "HS1", "HS256/64", "A128GCM"):
        yield Forgery(f"says {odd}, signed by HS256", good(header={**HEADER, "alg": odd}))
    for typ in ("JWT", "at+jwt", "aiox-turn+jwt", "application/aiox-access+jwt", "aiox-access", "aiox-access+jwt;v=1"):
        yield Forgery(f"typ {typ}", good(header={**HEADER, "typ": typ}))


def _wires() -> Iterator[Forgery]:
    """The same content in another form, signed as it stands."""
    for word, broken in BROKEN.items():
        yield Forgery(f"payload: {word}", sign(dump(HEADER), broken(json.dumps(CLAIMS))))
        yield Forgery(f"header: {word}", sign(broken(json.dumps(HEADER)), dump(CLAIMS)))
    header, payload, signature = good().split(".")
    for word, text in (
        ("a padded header", f"{header}=.{payload}"),
        ("a padded payload", f"{header}.{payload}="),
        ("an empty part before", f".{header}.{payload}"),
        ("an empty part between", f"{header}..{payload}"),
        ("a part more", f"{header}.{payload}.{payload}"),
        ("the header alone", header),
        ("a space in the header", f"{header[:4]} {header[4:]}.{payload}"),
        ("a line end in the payload", f"{header}.{payload[:4]}\n{payload[4:]}"),
        ("a letter no base64 has", f"{header}.{payload}*"),
        ("header and payload exchanged", f"{payload}.{header}"),
        ("payload packed twice", f"{header}.{piece(payload.encode())}"),
    ):
        yield Forgery(word, sign_text(text))
    for word, token in (
        ("a padded signature", f"{good()}="),
        ("a dot behind", f"{good()}."),
        ("a space before", f" {good()}"),
        ("a line end behind", f"{good()}\n"),
        ("a word behind", f"{good()} {good()}"),
        ("a part behind", f"{good()}.{signature}"),
        ("a BOM before", f"\ufeff{good()}"),
        ("a NUL behind", f"{good()}\0"),
    ):
        yield Forgery(word, token)


_KINDS_OF: Final = (_strange_values, _texts, _times, _missing_and_more, _twice, _algorithms, _wires)
