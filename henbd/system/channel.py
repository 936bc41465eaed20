"""HTTP with the HeMS by requests, over one line at a time.

Built once and kept, as building a pool and a request costs more than to send one.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime

import requests
import urllib3
from requests.cookies import RequestsCookieJar

from henbd.cwmp.bounds import LARGEST_BYTES
from henbd.errors import ExchangeError
from henbd.system.failures import describe, root
from henbd.system.line import Line
from henbd.system.pool import Connection, Pool
from henbd.system.resolver import look_up
from henbd.system.site import Site
from henbd.system.target import Credentials, Target, redirected
from henbd.system.tls import Context, Tls
from henbd.values import Address

# The HeMS gets this long for each piece of an answer (TR-069 asks for 30 s at least); for how long
# altogether is the loop's to say.
READ_TIMEOUT_S = 30.0

# How much is read at once; what is compressed may become a thousand times as much.
PIECE_BYTES, COMPRESSED_PIECE_BYTES = 262_144, 8192

# urllib3 undoes several encodings one after the other: a thousand times a thousand.
PLAIN = frozenset({"", "identity"})
ENCODINGS = PLAIN | {"gzip", "deflate"}

# RFC 6265 6.1 asks for 50 cookies of 4096 bytes; nobody needs more of them together than this.
MOST_COOKIE_BYTES = 65536

# TR-069 has 302 and 307, for any POST, and wants five one after the other to be followed.
REDIRECTS = frozenset({301, 302, 307, 308})
MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the HeMS."""

    status: int
    body: bytes


class Channel:
    """What one CWMP session after the other speaks through; one worker's alone while it posts.

    The line and the rules of TLS are given to it for a session, by `begin`; `end` lets go of them.
    A redirect holds until then.
    """

    def __init__(self) -> None:
        self.line: Line | None = None
        self.tls = Tls()
        self.wait_s = READ_TIMEOUT_S
        self._home: Site | None = None
        self._site: Site | None = None
        self._cookies = RequestsCookieJar()
        self._connection: Connection | None = None
        self._unsent = True

    def aim(self, aim: Target) -> None:
        """Prepare for that target, unless it is the present one."""
        if self._home is not None and self._home.target == aim:
            return
        if self._home is not None and self._home.target.origin != aim.origin:
            # A ticket stands for a certificate that was verified against that name.
            self.tls.ticket = None
        self._home = self._site = self._prepared(aim)

    def begin(self, line: Line, context: Context, passed: datetime | None = None) -> None:
        """Begin a session over this line, which `aim` was told where it leads.

        The context of TLS is asked for if it is needed, from the worker's thread. `passed`: by then
        the certificate must not have ended, where the context does not look at its dates.
        """
        self.line = line
        self.tls.begin(context, passed)

    def exchange(self, body: bytes) -> Answer | ExchangeError:
        """Post a body and return the answer, or why there is none. Blocks."""
        self._unsent = True
        try:
            if self._connection is None and self._here.scheme == "https":
                # The HeMS makes up its part of TLS while urllib3 makes up the request.
                self._greet()
            return self._post(body)
        except ExchangeError as error:
            # A new one: the traceback of this one keeps alive what it came through, and a socket
            # that ssl could not wrap is closed by its end alone.
            return ExchangeError(str(error), unsent=self._unsent)

    def end(self) -> None:
        """End the session: its connection, its line and its cookies go."""
        self._leave()
        if self.line is not None:
            self.line.close()
            self.line = None
        self._cookies.clear()
        self._site = self._home

    def prepare(self) -> None:
        """Make ready what the next session needs, while there is none."""
        if self._home is not None:
            self.tls.prepare(self._home.target)

    def close(self) -> None:
        """End the session, and be ready for none."""
        self.end()
        self.tls.close()

    def _prepared(self, aim: Target) -> Site:
        pool = Pool(aim.host, aim.port, maxsize=1, dial=self._dial, written=self._written)
        return Site(aim, pool, Credentials(aim, self._read), self._cookies)

    def _post(self, body: bytes) -> Answer:
        """Post a body wherever redirects lead, each with the same body."""
        try:
            for _ in range(1 + MOST_REDIRECTS):
                answer, location = self._ask(body)
                if answer.status not in REDIRECTS:
                    return answer
                self._follow(location)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if isinstance(root(error), ssl.SSLError):
                self.tls.ticket = None
            raise ExchangeError(f"{self._here.origin}: {describe(root(error))}") from error
        raise ExchangeError(f"{self._here.origin}: over {MOST_REDIRECTS} redirects in a row")

    def _ask(self, body: bytes) -> tuple[Answer, str | None]:
        """Return the answer from where we are, and where it says to go instead."""
        answered = self._send(body)
        try:
            if self._at_home:
                self.tls.keep_ticket()
            if sum(len(cookie.value or "") for cookie in self._cookies) > MOST_COOKIE_BYTES:
                raise ExchangeError(
                    f"{self._here.origin}: over {MOST_COOKIE_BYTES} bytes of cookies"
                )
            return Answer(answered.status, self._read(answered)), answered.headers.get("Location")
        finally:
            answered.close()
            answered.release_conn()

    def _leave(self) -> None:
        """Close the connection; the line may have another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.tls.leave()

    def _follow(self, location: str | None) -> None:
        """Go where a redirect leads, for the rest of the session; raises ExchangeError."""
        assert self._site is not None
        assert self.line is not None
        here, there = self._here, redirected(self._here, location)
        if there.origin == here.origin:
            self._site = self._site.at(there)
            return
        addresses: tuple[Address, ...] = ()
        if there.host != here.host:
            self._cookies.clear()
            found = look_up(there.host)
            if found.problem:
                raise ExchangeError(f"{there.origin}: {found.problem}")
            addresses = found.addresses
        self._leave()
        self.line.lead(there.port, addresses)
        self._site = self._prepared(there)

    def _send(self, body: bytes) -> urllib3.BaseHTTPResponse:
        assert self._site is not None
        try:
            return self._site.post(body, self.wait_s)
        except (requests.ConnectionError, urllib3.exceptions.ProtocolError):
            if self._connection is None or not self._connection.kept:
                raise
        # The HeMS closed a kept connection while we wrote to it. RFC 9112 9.3.1 would rather have
        # a POST fail, but then a HeMS that closes without a word could not be spoken to.
        return self._site.post(body, self.wait_s)

    def _dial(self, connection: Connection) -> None:
        """Give a connection of the pool its socket; raises ExchangeError, which urllib3 lets by."""
        assert self.line is not None
        self._connection = connection
        if self._here.scheme == "http":
            connection.sock = self.line.take()
            connection.sock.settimeout(self.wait_s)
            return
        self._greet()
        connection.sock = self.tls.secured(self._here, self.wait_s)

    def _greet(self) -> None:
        """Have TLS begun on a new connection, unless there is one."""
        assert self.line is not None
        if not self.tls.greeted:
            self.tls.greet(self.line.take(), self._here, self.wait_s, resume=self._at_home)

    def _written(self) -> None:
        self._unsent = False

    def _read(self, raw: urllib3.BaseHTTPResponse) -> bytes:
        """Read the rest of a body, decoded and bounded; raises ExchangeError or as urllib3 does."""
        encoding = raw.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ENCODINGS:
            raise ExchangeError(f"{self._here.origin}: the answer is encoded as {encoding!r}")
        # The first piece is mostly all of it, and then is not copied.
        first, rest = b"", bytearray()
        plain = encoding in PLAIN
        for piece in raw.stream(
            PIECE_BYTES if plain else COMPRESSED_PIECE_BYTES, decode_content=not plain
        ):
            if first:
                rest += piece
            else:
                first = piece
            if len(first) + len(rest) > LARGEST_BYTES:
                raise ExchangeError(f"{self._here.origin}: an answer of over {LARGEST_BYTES} bytes")
        # Before its version 2 urllib3 takes a broken connection for the end of the body.
        if raw.length_remaining:
            raise ExchangeError(f"{self._here.origin}: the answer was cut short")
        return first + rest if rest else first

    @property
    def _at_home(self) -> bool:
        """Whether the certificate is that of the HeMS itself, and not of where it has sent us."""
        return self._home is not None and self._here.origin == self._home.target.origin

    @property
    def _here(self) -> Target:
        assert self._site is not None
        return self._site.target
