"""An ACS that thinks of nothing: it answers as soon as it can, and notes when what came.

It judges nothing; a HeMS that does is tests.lab.hems.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

Misdeed = Callable[[socket.socket], None]

PIECE = 1 << 18

ENVELOPE = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:cwmp="urn:dslforum-org:cwmp-1-2"><soap:Header>'
    '<cwmp:ID soap:mustUnderstand="1">1</cwmp:ID></soap:Header>'
    "<soap:Body>%s</soap:Body></soap:Envelope>"
)
INFORM_RESPONSE = "<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"

WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Post:
    """What was posted, and when its first byte and its last one came; monotonic."""

    first_at: float
    last_at: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request of the ACS, when it was begun to be sent, and the answer."""

    sent_at: float
    answer: Post


class Acs:
    """A port of the calling thread's network namespace; one session after the other."""

    def __init__(self, address: str, port: int) -> None:
        self.sessions = 0
        self.last_inform_at = 0.0
        self.exchanges: list[Exchange] = []
        self.last_inform = b""
        self._requests: deque[str] = deque()
        self._misdeeds: deque[Misdeed] = deque()
        self._more = threading.Condition()
        self._socket = socket.create_server((address, port))
        self._thread = threading.Thread(target=self._serve, name="ACS", daemon=True)
        self._thread.start()

    def ask(self, *requests: str) -> None:
        """Make these requests, each an RPC as XML, in the next session."""
        self._requests.extend(requests)

    def misbehave(self, *misdeeds: Misdeed) -> None:
        """Have each of the next connections to an end of its own."""
        self._misdeeds.extend(misdeeds)

    @property
    def behaves(self) -> bool:
        """Whether all misdeeds are done."""
        return not self._misdeeds

    def wait(self, sessions: int) -> None:
        """Wait until so many sessions have ended."""
        with self._more:
            done = self._more.wait_for(lambda: self.sessions >= sessions, WAIT_S)
        assert done, f"{self.sessions} sessions instead of {sessions} in {WAIT_S:g} s"

    def close(self) -> None:
        """Take no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(OSError), contextlib.closing(connection):
                if self._misdeeds:
                    self._misdeeds[0](connection)
                    self._misdeeds.popleft()
                else:
                    self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        inform = read(connection)
        if inform is None:
            return
        self.last_inform_at, self.last_inform = inform.first_at, inform.body
        connection.sendall(answer(INFORM_RESPONSE))
        while read(connection) is not None:
            while self._requests:
                sent_at = time.monotonic()
                connection.sendall(answer(self._requests.popleft()))
                post = read(connection)
                if post is None:
                    return
                self.exchanges.append(Exchange(sent_at, post))
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            with self._more:
                self.sessions += 1
                self._more.notify_all()


def answer(message: str) -> bytes:
    """Return an answer with a SOAP body, as bytes."""
    body = (ENVELOPE % message).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def read(connection: socket.socket) -> Post | None:
    """Return what is posted next, None at the end of the connection."""
    data = connection.recv(PIECE)
    first_at = time.monotonic()
    while data and b"\r\n\r\n" not in data:
        data += connection.recv(PIECE)
    if not data:
        return None
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
    pieces, missing = [body], length - len(body)
    while missing > 0:
        piece = connection.recv(PIECE)
        if not piece:
            return None
        pieces.append(piece)
        missing -= len(piece)
    return Post(first_at, time.monotonic(), b"".join(pieces))
