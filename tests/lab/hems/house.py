"""What the sessions of one HeMS share, and the values that go in and out of a session."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum

from tests.lab.events import Log
from tests.lab.hems.attempts import Attempts
from tests.lab.hems.check import FORCED
from tests.lab.hems.http1 import Head, Request, Response
from tests.lab.hems.script import Manner
from tests.lab.hems.soap import Envelope, SoapError, parse

COOKIE = "hems-session"


class Expecting(Enum):
    """What must come next from the CPE."""

    INFORM = "an Inform"
    OWN = "a request of the CPE's own or an empty POST"
    ANSWER = "the answer to the HeMS's request"
    NOTHING = "nothing, the session being over"


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a message came from: address and port, the connection's number, whether by TLS."""

    address: str
    port: int
    connection: int
    tls: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the CPE: an envelope; or none, on an empty POST; or `flaw` says what it is."""

    request: Request
    envelope: Envelope | None
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer, and in which manners."""

    response: Response
    manners: tuple[Manner, ...] = ()


@dataclass(slots=True)
class House:
    """What the sessions of one HeMS share.

    `target` is the path of the HeMS's URL, `challenges` gives those of a stale nonce, `known` are
    the values that the CPE told last, `tokens` all session cookies ever set.
    """

    log: Log
    target: str = "/"
    challenges: Callable[[], Sequence[str]] = tuple
    forced: Collection[str] = FORCED
    cookies: bool = True
    attempts: Attempts = field(default_factory=Attempts)
    violations: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    known: dict[str, str] = field(default_factory=dict)

    def note(self, where: str, sentences: Sequence[str]) -> None:
        """Write down what the CPE did wrong."""
        for sentence in sentences:
            self.violations.append(f"{where}: {sentence}")
            self.log.add("HeNB", "HeMS", "violation", f"VIOLATION {where}: {sentence}")


class Jar:
    """The cookie of one session: set with its first answer, and due with every later request."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._token = secrets.token_hex(8)
        self._names: set[str] = set()

    def holds(self, head: Head) -> bool:
        """Say whether a request carries this session's cookie."""
        return COOKIE in self._names and cookies(head).get(COOKIE) == self._token

    def bake(self) -> tuple[tuple[str, str], ...]:
        """Return the header that sets the cookie, once."""
        if COOKIE in self._names or not self._house.cookies:
            return ()
        self._names.add(COOKIE)
        self._house.tokens.add(self._token)
        return (("Set-Cookie", f"{COOKIE}={self._token}; Path=/; HttpOnly"),)

    def learn(self, value: str) -> None:
        """Take note of a Set-Cookie header that a script adds: such a cookie may come back."""
        self._names.add(value.partition("=")[0].strip())

    def check(self, head: Head) -> list[str]:
        """Check the cookies of a request."""
        if len(head.all("Cookie")) > 1:
            return [f"{len(head.all('Cookie'))} Cookie headers instead of one (RFC 6265 5.4)"]
        said = cookies(head)
        strangers = said.keys() - self._names - {COOKIE}
        found = [f"the cookie {name} was never set in this session" for name in sorted(strangers)]
        if COOKIE in self._names and said.get(COOKIE) != self._token:
            found.append("the session's cookie did not come back")
        elif COOKIE in said and said[COOKIE] not in self._house.tokens:
            found.append("the session cookie of another server")
        return found


def cookies(head: Head) -> dict[str, str]:
    """Return the cookies of a request."""
    pairs = (pair.partition("=") for pair in (head.one("Cookie") or "").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


def hear(request: Request) -> Heard:
    """Read the body of a request."""
    if not request.body:
        return Heard(request, None)
    try:
        return Heard(request, parse(request.body))
    except SoapError as error:
        return Heard(request, None, str(error))
