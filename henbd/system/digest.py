"""The headers of HTTP authentication (RFC 9110 section 11, RFC 7616), for both sides. No I/O."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# What we use and offer, the better one first (RFC 7616 section 3.7).
ALGORITHMS = ("SHA-256", "MD5")

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIELD = re.compile(rf'({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))\s*(?=,|$)')
_SCHEME = re.compile(rf"({_TOKEN})(?:\s+|(?=,|$))")
_COMMAS = re.compile(r"[\s,]*")

# Without these, all of which a client has to send, nothing can be checked.
_NEEDED = frozenset({"username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce"})


@dataclass(frozen=True, slots=True)
class Authentication:
    """One challenge, or the answer to one; the scheme and the names of fields in lower case."""

    scheme: str
    fields: Mapping[str, str]


def parse(header: str) -> tuple[Authentication, ...]:
    """Return what a header offers or answers, up to the first thing that cannot be read."""
    found: list[Authentication] = []
    position = _skip_commas(header, 0)
    while scheme := _SCHEME.match(header, position):
        position = scheme.end()
        fields: dict[str, str] = {}
        while field := _FIELD.match(header, position):
            name, quoted, token = field.groups()
            if name.lower() in fields:
                return tuple(found)
            fields[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if token is None else token
            position = _skip_commas(header, field.end())
        found.append(Authentication(scheme[1].lower(), fields))
        position = _skip_commas(header, position)
    return tuple(found if position == len(header) else found[:-1])


def best(headers: Iterable[str], *, basic: bool) -> Authentication | None:
    """Return the best challenge that we can answer; Basic only if it may be, and nothing better."""
    offered = [challenge for header in headers for challenge in parse(header)]
    for algorithm in ALGORITHMS:
        for challenge in offered:
            if challenge.scheme == "digest" and _answerable(challenge.fields, algorithm):
                return challenge
    return next((c for c in offered if basic and c.scheme == "basic"), None)


def challenge(fields: Mapping[str, str], tokens: Mapping[str, str]) -> str:
    """Return a Digest challenge as a header has it; tokens are written without quotes."""
    quoted = (f"{name}={_quoted(value)}" for name, value in fields.items())
    bare = (f"{name}={value}" for name, value in tokens.items())
    return "Digest " + ", ".join((*quoted, *bare))


def expected(answer: Authentication, method: str, username: str, password: str) -> str | None:
    """Return what `response` has to be in an answer to a Digest challenge of ours.

    None: it lacks something, or is not the kind of Digest that we offer (with qop=auth).
    """
    fields = answer.fields
    algorithm = fields.get("algorithm", "MD5").upper()
    if answer.scheme != "digest" or not fields.keys() >= _NEEDED or algorithm not in ALGORITHMS:
        return None
    if fields["qop"] != "auth":
        return None
    secret = _hash(algorithm, username.encode(), _raw(fields["realm"]), password.encode())
    deed = _hash(algorithm, _raw(method), _raw(fields["uri"]))
    middle = (_raw(fields[name]) for name in ("nonce", "nc", "cnonce", "qop"))
    return _hash(algorithm, secret.encode(), *middle, deed.encode())


def _answerable(fields: Mapping[str, str], algorithm: str) -> bool:
    return (
        fields.keys() >= {"realm", "nonce"}
        and fields.get("algorithm", "MD5").upper() == algorithm
        and "auth" in re.split(r"[\s,]+", fields.get("qop", "auth"))
    )


def _hash(algorithm: str, *parts: bytes) -> str:
    made = hashlib.new(algorithm.replace("-", ""), b":".join(parts), usedforsecurity=False)
    return made.hexdigest()


def _raw(text: str) -> bytes:
    """Return a text of a header as the bytes that it was on the wire."""
    return text.encode("latin-1")


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _skip_commas(text: str, position: int) -> int:
    found = _COMMAS.match(text, position)
    assert found is not None
    return found.end()
