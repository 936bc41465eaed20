"""HTTP Digest (RFC 7616, RFC 2617) and Basic: how the HeMS asks for it, and how it uses it."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.lab.hems.http1 import Head

REALM = "HeMS of the lab"
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_FIELD = re.compile(r'\s*([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)')
# RFC 7616 3.4: these are quoted strings; algorithm, qop and nc are tokens.
_ALL_FIELDS = frozenset(
    {"username", "realm", "nonce", "uri", "response", "algorithm", "cnonce", "qop", "nc", "opaque"}
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password; the password is not shown."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is let in; if not, the challenges to send, and what was wrong with it."""

    admitted: bool
    challenges: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()


class Doorkeeper:
    """Lets in who knows the credentials; remembers its nonces and how often each was used."""

    def __init__(
        self,
        *,
        digest: Credentials | None = None,
        basic: Credentials | None = None,
        algorithms: Sequence[str] = ("MD5",),
    ) -> None:
        self._digest = digest
        self._basic = basic
        self._algorithms = tuple(algorithms)
        self._opaque = secrets.token_hex(8)
        self._counts: dict[str, int] = {}

    def admit(self, head: Head) -> Verdict:
        """Say whether a request may pass."""
        if self._digest is None and self._basic is None:
            return Verdict(admitted=True)
        said = head.all("Authorization")
        if not said:
            return Verdict(admitted=False, challenges=self.challenges())
        if len(said) > 1:
            violations = ["several Authorization headers"]
        else:
            violations = self._check(head, said[0])
        if violations:
            return Verdict(False, self.challenges(), tuple(violations))
        return Verdict(admitted=True)

    def challenges(self, *, stale: bool = False) -> tuple[str, ...]:
        """Return the values of the WWW-Authenticate headers, with fresh nonces.

        With `stale`, no nonce given out before is good any longer.
        """
        if stale:
            self._counts.clear()
        offers = [self._challenge(name, stale=stale) for name in self._algorithms if self._digest]
        return (*offers, *([f'Basic realm="{REALM}"'] if self._basic else []))

    def _challenge(self, algorithm: str, *, stale: bool) -> str:
        nonce = secrets.token_hex(16)
        self._counts[nonce] = 0
        ending = ", stale=true" if stale else ""
        return (
            f'Digest realm="{REALM}", nonce="{nonce}", qop="auth", algorithm={algorithm}, '
            f'opaque="{self._opaque}"{ending}'
        )

    def _check(self, head: Head, said: str) -> list[str]:
        scheme, _, rest = said.partition(" ")
        if scheme == "Basic" and self._basic:
            known = f"{self._basic.username}:{self._basic.password}".encode()
            return [] if rest == base64.b64encode(known).decode() else ["wrong Basic credentials"]
        if scheme == "Digest" and self._digest:
            return self._check_digest(head, rest, self._digest)
        return [f"the Authorization is {scheme}, which was not asked for"]

    def _check_digest(self, head: Head, said: str, credentials: Credentials) -> list[str]:
        try:
            fields = read_fields(said)
        except ValueError as error:
            return [f"the Digest {error}"]
        if missing := sorted(_ALL_FIELDS - fields.keys()):
            return [f"the Digest lacks {', '.join(missing)}"]
        wanted = {
            "username": credentials.username,
            "realm": REALM,
            "uri": head.target,
            "qop": "auth",
            "opaque": self._opaque,
        }
        violations = [
            f"the Digest has the {name} {fields[name]!r} instead of {value!r}"
            for name, value in wanted.items()
            if fields[name] != value
        ]
        if fields["algorithm"] not in self._algorithms:
            violations.append(f"the Digest uses {fields['algorithm']!r}, which was not offered")
        elif fields["response"] != digest_response(fields, head.method, credentials):
            violations.append("the Digest has a wrong response")
        return violations + self._count(fields["nonce"], fields["nc"])

    def _count(self, nonce: str, nc: str) -> list[str]:
        if not re.fullmatch(r"[0-9a-f]{8}", nc):
            return [f"the Digest's nc is {nc!r} instead of eight hexadecimal digits"]
        if nonce not in self._counts:
            return ["the Digest's nonce is none of ours"]
        last, self._counts[nonce] = self._counts[nonce], max(int(nc, 16), self._counts[nonce])
        return [] if int(nc, 16) > last else [f"the Digest's nc {nc} is not above {last:08x}"]


def read_fields(text: str) -> Mapping[str, str]:
    """Read `name=value, name="value"`; ValueError for anything else, and for a name twice."""
    fields: dict[str, str] = {}
    position = 0
    while position < len(text):
        found = _FIELD.match(text, position)
        if not found:
            raise ValueError(f"cannot be read at {text[position:][:20]!r}")
        name, quoted, token = found.groups()
        if name.lower() in fields:
            raise ValueError(f"has {name} twice")
        fields[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if token is None else token
        position = found.end()
    return fields


def digest_response(fields: Mapping[str, str], method: str, credentials: Credentials) -> str:
    """Return what `response` must be for these fields (RFC 7616 3.4.1, with qop=auth)."""
    function = _HASHES[fields["algorithm"]]

    def hashed(*parts: str) -> str:
        return function(":".join(parts).encode()).hexdigest()

    secret = hashed(credentials.username, fields["realm"], credentials.password)
    deed = hashed(method, fields["uri"])
    middle = (fields["nonce"], fields["nc"], fields["cnonce"], fields["qop"])
    return hashed(secret, *middle, deed)


def authorization(
    challenge: str, method: str, uri: str, credentials: Credentials, *, nc: int = 1
) -> str:
    """Return the Authorization header that answers a Digest challenge.

    ValueError if the challenge cannot be read, or offers no qop=auth with MD5 or SHA-256.
    """
    scheme, _, rest = challenge.partition(" ")
    if scheme != "Digest":
        raise ValueError(f"the challenge is {scheme}, not Digest")
    asked = read_fields(rest)
    missing = [name for name in ("realm", "nonce", "qop") if name not in asked]
    if missing or "auth" not in re.split(r"\s*,\s*", asked["qop"]):
        raise ValueError(f"the challenge offers no qop=auth, or lacks {', '.join(missing)}")
    fields = {
        "username": credentials.username,
        "realm": asked["realm"],
        "nonce": asked["nonce"],
        "uri": uri,
        "algorithm": asked.get("algorithm", "MD5"),
        "cnonce": secrets.token_hex(8),
        "nc": f"{nc:08x}",
        "qop": "auth",
    }
    if fields["algorithm"] not in _HASHES:
        raise ValueError(f"the challenge wants the algorithm {fields['algorithm']}")
    response = digest_response(fields, method, credentials)
    tokens = ("algorithm", "nc", "qop")
    strings = fields | {"response": response}
    strings |= {"opaque": asked["opaque"]} if "opaque" in asked else {}
    parts = [f"{n}={v if n in tokens else _quoted(v)}" for n, v in strings.items()]
    return "Digest " + ", ".join(parts)


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
