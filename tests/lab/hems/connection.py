"""One connection of the CPE: requests are read from it exactly, answers sent in their manners."""

from __future__ import annotations

import os
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from tests.lab.hems.house import Reply
from tests.lab.hems.http1 import HEAD_LIMIT, HttpError, Request, body_length, encode, read_head
from tests.lab.hems.script import Close, Drip, Hang, Manner, Point

_PIECE = 65536
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# SO_LINGER on, for no time: close() sends a RST.
_RESET = struct.pack("ii", 1, 0)


class Left(Exception):
    """The CPE closed the connection where it should not have, or we were told to cut it."""


class Connection:
    """A connection, served by one thread; `release` and `cut` may be called by others.

    `tell` is called with a sentence when a hang begins, `note` when the CPE breaks a rule.
    """

    def __init__(
        self, sock: socket.socket, tell: Callable[[str], object], note: Callable[[str], object]
    ) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock
        # The same connection under a number of our own, which `cut` may use whatever ssl does.
        self._handle = sock.dup()
        self._waker = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._tell = tell
        self._note = note
        self._buffer = bytearray()
        self._guard = threading.Lock()
        self._hanging = False
        self._cut = False
        self._closed = False

    def secure(self, context: ssl.SSLContext) -> bool:
        """Do the TLS handshake; return whether an earlier TLS session was resumed."""
        secured = context.wrap_socket(self._socket, server_side=True, do_handshake_on_connect=False)
        self._socket = secured
        try:
            secured.do_handshake()
        except OSError as error:
            raise Left(f"TLS handshake failed: {error}") from error
        return bool(secured.session_reused)

    # Requests.

    def read(self) -> Request | None:
        """Return the next request; None if the CPE has closed the connection between two.

        HttpError for what is no HTTP request; Left if the connection is lost in the midst of one.
        """
        try:
            return self._read()
        except HttpError:
            # What follows is no request either.
            self._buffer.clear()
            raise

    def _read(self) -> Request | None:
        first_byte_at = time.monotonic() if self._buffer else None
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise HttpError(f"no end of the head in {HEAD_LIMIT} bytes")
            data = self._receive()
            first_byte_at = first_byte_at or time.monotonic()
            if not data and not self._buffer:
                return None
            self._take(data)
        head = read_head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        length = body_length(head)
        if (head.one("Expect") or "").lower() == "100-continue" and not self._buffer:
            self._write(_CONTINUE)
        while len(self._buffer) < length:
            self._take(self._receive())
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        assert first_byte_at is not None, "a head has a first byte"
        return Request(head, body, first_byte_at)

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(_PIECE)
        except OSError as error:
            raise Left(f"connection lost: {error}") from error

    def _take(self, data: bytes) -> None:
        if not data and self._cut:
            raise Left("connection cut by the HeMS")
        if not data:
            raise HttpError("the connection was closed in the midst of a request")
        self._buffer += data

    def _look_for_early_bytes(self) -> None:
        """Note what the CPE sent before it had our answer, and see whether it is still there."""
        self._socket.setblocking(False)
        try:
            data = self._socket.recv(_PIECE)
        except (BlockingIOError, ssl.SSLWantReadError):
            data = None
        except OSError as error:
            raise Left(f"connection lost: {error}") from error
        finally:
            self._socket.setblocking(True)
        if data == b"":
            raise Left("connection closed before the answer")
        self._buffer += data or b""
        if self._buffer:
            self._note("bytes before the answer to the request")

    # Answers.

    def send(self, reply: Reply, begins: Callable[[], None] = lambda: None) -> bool:
        """Send an answer in its manners; return whether the connection is to stay open.

        `begins` is called when the first byte goes out, if one does; nothing is sent in more pieces
        than the manners ask for. Left if the CPE does not wait.
        """
        pieces = encode(reply.response, reply.manners)
        drip = next((manner for manner in reply.manners if isinstance(manner, Drip)), None)
        half = len(pieces.body) // 2
        steps = (
            (Point.BEFORE, pieces.head),
            (Point.AFTER_HEADERS, pieces.body[:half]),
            (Point.MID_BODY, pieces.body[half:]),
            (Point.AFTER, b""),
        )
        self._look_for_early_bytes()
        pending = b""
        for point, data in steps:
            for manner in _at(point, reply.manners):
                self._write(pending)
                pending = b""
                if isinstance(manner, Close):
                    self.close(reset=manner.reset)
                    return False
                self.hang(point.value)
                if point is Point.BEFORE:
                    self._look_for_early_bytes()
            if point is Point.BEFORE:
                begins()
            if drip and point in (Point.AFTER_HEADERS, Point.MID_BODY):
                self._write(pending)
                pending = b""
                drip = None if self._drip(data, drip.interval_s) else drip
            else:
                pending += data
        self._write(pending)
        return not pieces.closes

    def _write(self, data: bytes) -> None:
        try:
            if data:
                self._socket.sendall(data)
        except OSError as error:
            raise Left(f"connection lost: {error}") from error

    def _drip(self, data: bytes, interval_s: float) -> bool:
        """Write byte by byte until `release`; return whether that came."""
        self._begin_hang("dripping the body")
        for position in range(len(data)):
            self._write(data[position : position + 1])
            if self._wait(interval_s):
                self._write(data[position + 1 :])
                return True
        return False

    def hang(self, where: str) -> None:
        """Wait until `release`; Left if the CPE closes the connection meanwhile."""
        self._begin_hang(f"hanging {where}")
        self._wait(None)

    def _begin_hang(self, what: str) -> None:
        with self._guard, suppress(BlockingIOError):
            self._hanging = True
            # A release that came when the last hang was over already must not end this one.
            os.eventfd_read(self._waker)
        self._tell(what)

    def _wait(self, timeout_s: float | None) -> bool:
        """Wait for `release`, and return whether it came in time."""
        poll = select.poll()
        poll.register(self._handle, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        poll.register(self._waker, select.POLLIN)
        ready = dict(poll.poll(None if timeout_s is None else timeout_s * 1000))
        if self._waker in ready:
            with self._guard:
                os.eventfd_read(self._waker)
                self._hanging = False
            return True
        if ready:
            raise Left("connection closed while the HeMS hung")
        return False

    # What other threads may do.

    def release(self) -> None:
        """End the hang that this connection is in, if it is in one."""
        with self._guard:
            if self._hanging and not self._closed:
                os.eventfd_write(self._waker, 1)

    def cut(self) -> None:
        """Shut the connection down, wherever its thread is."""
        with self._guard:
            self._cut = True
            if not self._closed:
                _shut_down(self._handle)

    def close(self, *, reset: bool = False) -> None:
        """Close the connection, by a RST if wanted; only its own thread may do so."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
        if reset:
            self._handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        elif isinstance(self._socket, ssl.SSLSocket):
            _say_goodbye(self._socket)
        self._socket.close()
        self._handle.close()
        os.close(self._waker)


def _at(point: Point, manners: Sequence[Manner]) -> list[Hang | Close]:
    return [m for m in manners if isinstance(m, Hang | Close) and m.point is point]


def _shut_down(sock: socket.socket) -> None:
    # The other side may have been faster.
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _say_goodbye(sock: ssl.SSLSocket) -> None:
    """Send close_notify, and do not wait for the other's."""
    sock.setblocking(False)
    # It is not answered yet, or there is nobody to say it to.
    with suppress(OSError, ValueError):
        sock.unwrap()
