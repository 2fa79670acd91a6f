"""A forger who has the hub's key: tokens that are signed as they should be and wrong in one thing each."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from gateway.auth import LIFETIME_S

KEY: Final = bytes(range(32))
NOW: Final = 1_800_000_000
HEADER: Final = {"alg": "HS256", "typ": "aiox-access+jwt"}
CLAIMS: Final[dict[str, Any]] = {
    "iss": "aiox-hub",
    "aud": "aiox-api",
    "sub": "c0ffee00-0000-4000-8000-00000000beef",
    "sid": "deadbeef-0000-4000-8000-00000000cafe",
    "jti": "once",
    "iat": NOW,
    "exp": NOW + LIFETIME_S,
}
_HASHES: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
_TIMES: Final = ("iat", "exp")


@dataclass(frozen=True)
class Forgery:
    """A bad token and its defect. `signed`: the signature fits, so that only a look at the content can refuse it."""

    defect: str
    token: str
    signed: bool = True


def piece(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(header: bytes, payload: bytes, key: bytes = KEY, algorithm: str = "HS256") -> str:
    return sign_text(f"{piece(header)}.{piece(payload)}", key, algorithm)


def sign_text(text: str, key: bytes = KEY, algorithm: str = "HS256") -> str:
    if algorithm == "none":
        return f"{text}."
    return f"{text}.{piece(hmac.new(key, text.encode(), _HASHES[algorithm]).digest())}"


def dump(value: object) -> bytes:
    return json.dumps(value).encode()


def good(claims: dict[str, Any] | None = None, header: dict[str, Any] | None = None) -> str:
    return sign(dump(HEADER if header is None else header), dump(CLAIMS if claims is None else claims))


def forgeries(seed: int, count: int) -> list[Forgery]:
    """`count` different ones, of every kind in turn."""
    chance = random.Random(seed)
    found: dict[str, Forgery] = {}
    kinds = [kind(chance) for kind in KINDS]
    while len(found) < count and kinds:
        for kind in list(kinds):
            forgery = next(kind, None)
            if forgery is None:
                kinds.remove(kind)
            elif len(found) < count:
                found.setdefault(forgery.token, forgery)
    return list(found.values())


def _other_values(chance: random.Random) -> Iterator[Forgery]:
    """A claim of another type or value."""
    strange: list[Any] = [None, True, False, 0, -1, 1.5, "", " ", "0", [], {}, ["aiox-api"], {"a": 1}, "x" * 300]
    for name, good_value in CLAIMS.items():
        fitting = {"jti": ("0", " ", "x" * 300)}.get(name, ())
        for value in [*strange, [good_value], [good_value, good_value], {"value": good_value}]:
            if value not in fitting or type(value) is not str:
                yield Forgery(f"{name} is {value!r:.40}", good({**CLAIMS, name: value}))
        if isinstance(good_value, str) and name != "jti":
            for other in (good_value + " ", " " + good_value, good_value.upper(), good_value + "\0", good_value[:-1]):
                yield Forgery(f"{name} is {other!r:.40}", good({**CLAIMS, name: other}))
    while True:
        yield Forgery("other issuer", good({**CLAIMS, "iss": f"hub-{chance.random()}"}))
        yield Forgery("other audience", good({**CLAIMS, "aud": f"api-{chance.random()}"}))
        yield Forgery("audiences", good({**CLAIMS, "aud": ["aiox-api", f"api-{chance.random()}"]}))


def _other_spellings(chance: random.Random) -> Iterator[Forgery]:
    """An id in another spelling than the one it has."""
    while True:
        for name in ("sub", "sid"):
            found = UUID(int=chance.getrandbits(128), version=4)
            for text in (found.hex, f"{{{found}}}", f"urn:uuid:{found}", str(found).upper(), f"{found}\n"):
                if text != str(found):
                    yield Forgery(f"{name} spelled {text!r:.12}", good({**CLAIMS, name: text}))


def _times(chance: random.Random) -> Iterator[Forgery]:
    """Expired, from the future, too long, or not whole numbers."""
    while True:
        ago = chance.randrange(LIFETIME_S, 10**9)
        yield Forgery("expired", good({**CLAIMS, "iat": NOW - ago, "exp": NOW - ago + LIFETIME_S}))
        ahead = chance.randrange(6, 10**9)
        yield Forgery("from the future", good({**CLAIMS, "iat": NOW + ahead, "exp": NOW + ahead + 60}))
        yield Forgery("lives too long", good({**CLAIMS, "exp": NOW + LIFETIME_S + chance.randrange(1, 10**9)}))
        for name in _TIMES:
            number = CLAIMS[name]
            for value in (str(number), f" {number}", float(number), number + chance.random(), [number], hex(number)):
                yield Forgery(f"{name} is a {type(value).__name__}", good({**CLAIMS, name: value}))


def _missing_and_added(chance: random.Random) -> Iterator[Forgery]:
    """A claim less, or one more."""
    for name in CLAIMS:
        yield Forgery(f"no {name}", good({one: value for one, value in CLAIMS.items() if one != name}))
    while True:
        name = chance.choice(["nbf", "admin", "scope", "role", "jid", "azp", "SUB", "sub "]) + str(chance.random())[2:6]
        yield Forgery("a claim more", good({**CLAIMS, name: chance.choice([1, True, "x", None])}))


def _twice(chance: random.Random) -> Iterator[Forgery]:
    """A key that stands twice: readers differ in which one they take."""
    while True:
        for name, value in CLAIMS.items():
            other = str(uuid4()) if isinstance(value, str) else value + chance.randrange(1, 9)
            pair = f"{json.dumps(name)}: {json.dumps(other)}"
            body = json.dumps(CLAIMS)
            yield Forgery(f"{name} twice", sign(dump(HEADER), f"{body[:-1]}, {pair}}}".encode()))
            yield Forgery(f"{name} twice", sign(dump(HEADER), f"{{{pair}, {body[1:]}".encode()))


def _headers(chance: random.Random) -> Iterator[Forgery]:
    """Another algorithm, type or header field; signed as the header says."""
    for algorithm in ("HS384", "HS512", "none"):
        header = {**HEADER, "alg": algorithm}
        yield Forgery(f"alg {algorithm}", sign(dump(header), dump(CLAIMS), algorithm=algorithm))
    for odd in ("hs256", "HS256 ", "None", "RS256", "ES256", "EdDSA", "", None, 1, ["HS256"]):
        yield Forgery(f"alg {odd}", good(header={**HEADER, "alg": odd}))
    for typ in ("JWT", "at+jwt", "aiox-turn+jwt", "AIOX-ACCESS+JWT", "application/aiox-access+jwt", "", None, 1):
        yield Forgery(f"typ {typ}", good(header={**HEADER, "typ": typ}))
    for name in HEADER:
        yield Forgery(f"no {name}", good(header={one: value for one, value in HEADER.items() if one != name}))
        doubled = json.dumps(HEADER)[:-1] + f', "{name}": {json.dumps(HEADER[name])}}}'
        yield Forgery(f"{name} twice", sign(doubled.encode(), dump(CLAIMS)))
    while True:
        mark = f"x-{chance.random()}"
        yield Forgery("crit", good(header={**HEADER, "crit": [mark], mark: 1}))
        for name in ("kid", "jku", "jwk", "x5u", "x5c", "cty", "b64", "zip"):
            yield Forgery(name, good(header={**HEADER, name: chance.choice([mark, True, [mark], {"kty": mark}])}))


def _wires(_: random.Random) -> Iterator[Forgery]:
    """The same content in another form on the wire, signed as it stands."""
    body = json.dumps(CLAIMS)
    for name in ("utf-16", "utf-32", "utf-8-sig", "utf-16-le"):
        yield Forgery(name, sign(dump(HEADER), body.encode(name)))
    for text in (
        f"[{body}]",
        json.dumps(body),
        f"{body} {{}}",
        body[:-1],
        "{}",
        "null",
        "NaN",
        body[:-1] + ',"x":NaN}',
    ):
        yield Forgery(f"payload {text[:12]}", sign(dump(HEADER), text.encode()))
    header, payload, signature = good().split(".")
    for text in (f"{header}=.{payload}", f"{header}.{payload}=", f"{header}..{payload}", f".{header}.{payload}"):
        yield Forgery("padding", sign_text(text))
    padded = piece(body.encode() + b" " * (2 - len(body.encode()) % 3))
    bits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    if len(padded) % 4:
        loose = padded[:-1] + bits[bits.index(padded[-1]) + 1]  # bits that no byte is made of
        yield Forgery("loose bits", sign_text(f"{header}.{loose}"))
    loose = signature[:-1] + bits[bits.index(signature[-1]) + 1]
    yield Forgery("loose bits in the signature", f"{header}.{payload}.{loose}")
    for text in (f"{header}.{payload}.{signature}=", f"{header}.{payload}.{signature}.", f" {good()}", f"{good()}\n"):
        yield Forgery("more behind", text)


def _signatures(chance: random.Random) -> Iterator[Forgery]:
    """Good content under a signature that does not fit."""
    header, payload, signature = good().split(".")
    while True:
        key = chance.randbytes(32)
        yield Forgery("another key", sign(dump(HEADER), dump(CLAIMS), key), signed=False)
        place = chance.randrange(len(signature) - 1)
        other = signature[:place] + chance.choice("abcdefXYZ019-_") + signature[place + 1 :]
        if other != signature:
            yield Forgery("a changed signature", f"{header}.{payload}.{other}", signed=False)
        sub = {**CLAIMS, "sub": str(UUID(int=chance.getrandbits(128), version=4))}
        yield Forgery("a changed owner", f"{header}.{piece(dump(sub))}.{signature}", signed=False)


KINDS: Final[tuple[Callable[[random.Random], Iterator[Forgery]], ...]] = (
    _other_values,
    _other_spellings,
    _times,
    _missing_and_added,
    _twice,
    _headers,
    _wires,
    _signatures,
)
