"""The TCP connection to the HeMS: begun by the loop, used by a worker, given up by the loop."""

from __future__ import annotations

import errno
import logging
import os
import select
import socket
from collections.abc import Sequence

from henbd.errors import ExchangeError
from henbd.system.failures import describe
from henbd.system.grip import Grip
from henbd.values import Address

logger = logging.getLogger(__name__)

# Time for the first SYN and its repetitions after 1, 3 and 7 s.
CONNECT_TIMEOUT_S = 10.0


class Line:
    """One way to the HeMS for the length of a session, and the connection that is there now.

    Of several addresses of the HeMS the first that takes our connection is kept.
    """

    def __init__(self, addresses: Sequence[Address], port: int, source: Address | None) -> None:
        """`addresses` has at least one, the best first."""
        assert addresses
        self._addresses = tuple(addresses)
        self._port = port
        self._source = source
        self._grip = Grip()
        self._opened: socket.socket | None = None

    @property
    def peer(self) -> str:
        """Where it leads, for people."""
        address = self._addresses[0]
        host = f"[{address}]" if address.version == 6 else f"{address}"
        return f"{host}:{self._port}"

    def open(self) -> None:
        """Begin to connect, without waiting; raises ExchangeError where that cannot even begin."""
        while True:
            try:
                self._opened = self._begin()
                return
            except ExchangeError as error:
                self._pass_over(error)

    def take(self) -> socket.socket:
        """Return the connection as soon as it stands; a second call opens another. Blocks.

        Raises ExchangeError.
        """
        while True:
            if self._opened is None:
                self.open()
            taken, self._opened = self._opened, None
            assert taken is not None
            code = _outcome(taken)
            if not code:
                self._addresses = self._addresses[:1]
                return taken
            taken.close()
            why = describe(OSError(code, os.strerror(code)))
            self._pass_over(ExchangeError(f"{self.peer}: {why}"))

    def lead(self, port: int, addresses: Sequence[Address] = ()) -> None:
        """Lead to another port from the next `take` on, and to these addresses, if any are given.

        An address of another family than our source would be of no use.
        """
        assert self._opened is None
        if addresses:
            version = addresses[0].version if self._source is None else self._source.version
            usable = tuple(a for a in addresses if a.version == version)
            if not usable:
                raise ExchangeError(f"{addresses[0]} cannot be reached from {self._source}")
            self._addresses = usable
        self._port = port

    def abort(self) -> None:
        """End the connection under the worker's hands; none is opened any more."""
        self._grip.cut()

    def close(self) -> None:
        """Let go of the connection; only while no worker uses the line."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        self._grip.close()

    def _pass_over(self, error: ExchangeError) -> None:
        """Turn to the next address, or raise what became of the last."""
        if len(self._addresses) == 1 or self._grip.is_cut:
            raise error
        logger.info("%s; the next address is tried", error)
        self._addresses = self._addresses[1:]

    def _begin(self) -> socket.socket:
        """Return a socket that is on its way to the first address; raises ExchangeError."""
        opened = self._socket()
        try:
            self._grip.take(opened)
            code = opened.connect_ex((str(self._addresses[0]), self._port))
            if code not in (0, errno.EINPROGRESS):
                raise OSError(code, os.strerror(code))
            if self._grip.is_cut:
                # Before there was a connection to be ended.
                raise ConnectionAbortedError("given up")
        except OSError as error:
            opened.close()
            raise ExchangeError(f"{self.peer}: {describe(error)}") from error
        return opened

    def _socket(self) -> socket.socket:
        """Return a socket bound to our source; raises ExchangeError."""
        family = socket.AF_INET6 if self._addresses[0].version == 6 else socket.AF_INET
        try:
            made = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise ExchangeError(f"{self.peer}: {describe(error)}") from error
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


def _outcome(connecting: socket.socket) -> int:
    """Wait for what becomes of a connection; return the error number, 0 where it stands."""
    poll = select.poll()
    poll.register(connecting, select.POLLOUT)
    if not poll.poll(CONNECT_TIMEOUT_S * 1000):
        return errno.ETIMEDOUT
    return connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
