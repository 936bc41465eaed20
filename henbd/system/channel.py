"""HTTP with the HeMS by requests, over one line at a time.

Built once and kept, as building a Session, its pool and a request costs more than to send one.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.hooks import default_hooks
from urllib3.connection import HTTPConnection

from henbd.cwmp.soap import LARGEST_BYTES
from henbd.errors import ExchangeError
from henbd.system.failures import describe, root
from henbd.system.line import Line
from henbd.system.target import Credentials, Target

# The HeMS gets this long for each piece of an answer (TR-069 asks for 30 s at least); for how long
# altogether is the loop's to say.
READ_TIMEOUT_S = 30.0

# How much is read at once; what is compressed may become a thousand times as much.
PIECE_BYTES = 8192

# urllib3 undoes several encodings one after the other: a thousand times a thousand.
ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})

UNAUTHORIZED = 401

# TR-069 3.4.1: SOAPAction has no value, not even quotes; an empty POST has neither header.
ENVELOPE_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": ""}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the HeMS."""

    status: int
    body: bytes


class Channel:
    """What one CWMP session after the other speaks through; one worker's alone while it posts.

    The line is given to it for a session, and taken back by `end`.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.line: Line | None = None
        self.ticket: ssl.SSLSession | None = None
        self._context = context
        self._target: Target | None = None
        self._adapter = _Adapter()
        self._session = _Session()
        self._session.trust_env = False
        self._session.adapters.clear()
        self._session.mount("https://", self._adapter)
        self._session.mount("http://", self._adapter)
        self._connection: _Connection | None = None
        self._secured: ssl.SSLSocket | None = None

    def aim(self, aim: Target) -> None:
        """Prepare for that target, unless it is the present one."""
        if aim == self._target:
            return
        if self._target is not None and self._target.origin != aim.origin:
            # A ticket stands for a certificate that was verified against that name.
            self.ticket = None
        self._credentials = Credentials(aim, self._read)
        self._adapter.pool = _Pool(aim.host, aim.port, maxsize=1, dial=self._dial)
        self._target = aim

    def exchange(self, body: bytes) -> Answer | ExchangeError:
        """Post a body and return the answer, or why there is none. Blocks."""
        try:
            return self._post(body)
        except ExchangeError as error:
            # A new one: the traceback of this one keeps alive what it came through, and a socket
            # that ssl could not wrap is closed by its end alone.
            return ExchangeError(str(error))

    def end(self) -> None:
        """End the session: its connection, its line and its cookies go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._secured = None
        if self.line is not None:
            self.line.close()
            self.line = None
        self._session.cookies.clear()

    def close(self) -> None:
        """Free everything."""
        self.end()
        self._session.close()

    def _post(self, body: bytes) -> Answer:
        try:
            response = self._send(body)
            if response.status_code == UNAUTHORIZED and self._credentials.may_repeat(response):
                response = self._send(body)
            with closing(response):
                # With TLS 1.3 the ticket comes after the handshake, before the answer.
                if self._secured is not None and self._secured.session is not None:
                    self.ticket = self._secured.session
                return Answer(response.status_code, self._read(response.raw))
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if isinstance(root(error), ssl.SSLError):
                self.ticket = None
            raise ExchangeError(f"{self._origin}: {describe(root(error))}") from error

    def _send(self, body: bytes) -> requests.Response:
        try:
            return self._send_once(body)
        except requests.ConnectionError:
            if self._connection is None or not self._connection.kept:
                raise
        # The HeMS closed a kept connection while we wrote to it. RFC 9112 9.3.1 would rather have
        # a POST fail, but then a HeMS that closes without a word could not be spoken to.
        return self._send_once(body)

    def _send_once(self, body: bytes) -> requests.Response:
        assert self._target is not None
        request = self._target.request.copy()
        # The copy shares its hooks, to which the credentials add their own each time.
        request.hooks = default_hooks()
        if body:
            request.headers.update(ENVELOPE_HEADERS)
        request.prepare_body(body, None)
        request.prepare_cookies(self._session.cookies)
        self._credentials(request)
        return self._session.send(
            request, timeout=READ_TIMEOUT_S, stream=True, allow_redirects=False, proxies={}
        )

    def _dial(self, connection: _Connection) -> None:
        """Give a connection of the pool its socket; raises ExchangeError, which urllib3 lets by."""
        assert self.line is not None
        assert self._target is not None
        self._connection = connection
        plain = self.line.take()
        plain.settimeout(READ_TIMEOUT_S)
        if self._target.scheme == "http":
            connection.sock = plain
            return
        try:
            self._secured = self._context.wrap_socket(
                plain, server_hostname=self._target.host, session=self.ticket
            )
        except OSError as error:
            plain.close()
            self.ticket = None
            raise ExchangeError(f"{self._origin}: {describe(error)}") from error
        if self._secured.version() is None:
            # ssl takes a connection that has just broken for one to be connected later, and has
            # verified nothing.
            self._secured.close()
            raise ExchangeError(f"{self._origin}: TLS: connection closed")
        connection.sock = self._secured

    def _read(self, raw: urllib3.HTTPResponse) -> bytes:
        """Read the rest of a body, decoded and bounded; raises ExchangeError or as urllib3 does."""
        encoding = raw.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ENCODINGS:
            raise ExchangeError(f"{self._origin}: the answer is encoded as {encoding!r}")
        body = bytearray()
        for piece in raw.stream(PIECE_BYTES, decode_content=True):
            body += piece
            if len(body) > LARGEST_BYTES:
                raise ExchangeError(f"{self._origin}: an answer of over {LARGEST_BYTES} bytes")
        # Before its version 2 urllib3 takes a broken connection for the end of the body.
        if raw.length_remaining:
            raise ExchangeError(f"{self._origin}: the answer was cut short")
        return bytes(body)

    @property
    def _origin(self) -> str:
        assert self._target is not None
        return self._target.origin


class _Connection(HTTPConnection):
    """A connection that has its socket, TLS or not, from a channel."""

    def __init__(
        self, *arguments: Any, dial: Callable[[_Connection], None], **keywords: Any
    ) -> None:
        super().__init__(*arguments, **keywords)
        self._dial = dial
        self.kept = False
        """Whether something was answered on it before."""

    def connect(self) -> None:
        self.kept = False
        self._dial(self)

    def getresponse(self) -> Any:
        response = super().getresponse()
        self.kept = True
        return response


class _Pool(urllib3.HTTPConnectionPool):
    """Connections that are dialled by a channel, so that even those with TLS are plain here."""

    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    """Sends everything through one pool; its connections have verified whom they speak to."""

    pool: _Pool

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> _Pool:
        return self.pool

    # The same in requests before 2.32.
    def get_connection(self, *_: Any, **__: Any) -> _Pool:
        return self.pool

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Look for no file of authorities: requests would want one of its own."""


class _Session(requests.Session):
    """Keeps cookies; leaves redirects alone, of which requests would look ahead at the next."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None
