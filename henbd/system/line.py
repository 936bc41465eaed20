"""The TCP connection to the HeMS: begun by the loop, used by a worker, given up by the loop."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from threading import Lock

from henbd.errors import ExchangeError
from henbd.system.failures import describe
from henbd.values import Address

# Time for the first SYN and its repetitions after 1, 3 and 7 s.
CONNECT_TIMEOUT_S = 10.0


class Line:
    """One way to the HeMS for the length of a session, and the connection that is there now.

    The loop keeps a duplicate of the socket. To shut that down ends the connection whatever the
    worker, urllib3 and ssl have done to theirs meanwhile, and wakes the worker wherever it waits;
    to close theirs would not. The lock makes one of two things of an `abort` that meets the
    worker's `take`: either it finds the connection, or none is opened any more.
    """

    def __init__(self, address: Address, port: int, source: Address | None) -> None:
        self.peer = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
        self._address = address
        self._port = port
        self._source = source
        self._lock = Lock()
        self._aborted = False
        self._opened: socket.socket | None = None
        self._handle: socket.socket | None = None

    def open(self) -> None:
        """Begin to connect, without waiting; raises ExchangeError where that cannot even begin."""
        with self._lock:
            if self._aborted:
                raise ExchangeError(f"{self.peer}: given up")
            opened = self._socket()
            try:
                handle = opened.dup()
                if self._handle is not None:
                    self._handle.close()
                self._handle = handle
                code = opened.connect_ex((str(self._address), self._port))
                if code not in (0, errno.EINPROGRESS):
                    raise OSError(code, os.strerror(code))
            except OSError as error:
                opened.close()
                raise ExchangeError(f"{self.peer}: {describe(error)}") from error
            self._opened = opened

    def take(self) -> socket.socket:
        """Return the connection as soon as it stands; a second call opens another. Blocks.

        Raises ExchangeError.
        """
        if self._opened is None:
            self.open()
        taken, self._opened = self._opened, None
        assert taken is not None
        poll = select.poll()
        poll.register(taken, select.POLLOUT)
        if not poll.poll(CONNECT_TIMEOUT_S * 1000):
            code = errno.ETIMEDOUT
        else:
            code = taken.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            taken.close()
            raise ExchangeError(f"{self.peer}: {describe(OSError(code, os.strerror(code)))}")
        return taken

    def abort(self) -> None:
        """End the connection under the worker's hands; none is opened any more."""
        with self._lock:
            self._aborted = True
            if self._handle is not None:
                # A connection that is not there yet, or no longer, is what we want.
                with contextlib.suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)
                self._handle.close()
                self._handle = None

    def close(self) -> None:
        """Let go of the connection; only while no worker uses the line."""
        for mine in (self._opened, self._handle):
            if mine is not None:
                mine.close()
        self._opened = self._handle = None

    def _socket(self) -> socket.socket:
        """Return a socket bound to our source; raises ExchangeError."""
        family = socket.AF_INET6 if self._address.version == 6 else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._source is not None:
                made.bind((str(self._source), 0))
        except OSError as error:
            made.close()
            start = "" if self._source is None else f" from {self._source}"
            raise ExchangeError(f"{self.peer}{start}: {describe(error)}") from error
        return made
