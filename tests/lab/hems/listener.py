"""A TCP port that can be shut and opened again, or go deaf.

The socket is made once, on the calling thread (and so in that thread's network namespace), and is
never made anew: shutdown() takes a Linux socket out of the listening state, listen() puts it back.
"""

from __future__ import annotations

import errno
import socket
import threading
from ipaddress import IPv6Address, ip_address

_BACKLOG = 128


class Listener:
    """A listening socket, upon which several threads may wait in `accept`."""

    def __init__(self, address: str, port: int) -> None:
        v6 = isinstance(ip_address(address), IPv6Address)
        self._family = socket.AF_INET6 if v6 else socket.AF_INET
        self._socket = self._bound(address, port or self._free_port(address))
        self.port: int = self._socket.getsockname()[1]
        self._address = address
        self._filler: socket.socket | None = None
        self._state = threading.Condition()
        self._listening = False
        self._open = False
        self._closed = False
        self._accepting = 0
        self.open()

    def _bound(self, address: str, port: int) -> socket.socket:
        listening = socket.socket(self._family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((address, port))
        except OSError:
            listening.close()
            raise
        return listening

    def _free_port(self, address: str) -> int:
        """Return a free port: one that bind() chose itself would be lost in shutdown()."""
        with self._bound(address, 0) as chosen:
            return int(chosen.getsockname()[1])

    def accept(self) -> tuple[socket.socket, tuple[str, int]] | None:
        """Return the next connection and where it comes from; None after `close`."""
        while True:
            with self._state:
                self._state.wait_for(lambda: self._open or self._closed)
                if self._closed:
                    return None
                self._accepting += 1
            try:
                connection, source = self._socket.accept()
            except OSError as error:
                # EINVAL: the port was shut while we waited. ECONNABORTED: the other side gave up.
                if error.errno not in (errno.EINVAL, errno.ECONNABORTED):
                    raise
            else:
                return connection, (source[0], source[1])
            finally:
                with self._state:
                    self._accepting -= 1
                    self._state.notify_all()

    def open(self) -> None:
        """Accept connections (again)."""
        with self._state:
            self._shut()
            self._listen(_BACKLOG)
            self._open = True
            self._state.notify_all()

    def shut(self) -> None:
        """Answer every SYN with a RST."""
        with self._state:
            self._shut()

    def deafen(self) -> None:
        """Leave every SYN unanswered; to be called in the network namespace of the socket.

        The queue of the listening socket is made as short as can be, and filled.
        """
        with self._state:
            self._shut()
            # A thread that has not yet seen the port shut would take the first connection.
            self._state.wait_for(lambda: not self._accepting)
            self._listen(0)
            self._filler = socket.socket(self._family, socket.SOCK_STREAM)
            self._filler.connect((self._address, self.port))

    def close(self) -> None:
        """Shut the port for good, and let every thread return from `accept`."""
        with self._state:
            self._shut()
            self._closed = True
            self._state.notify_all()

    def release(self) -> None:
        """Give the socket back, when no thread waits in `accept` any longer."""
        self._socket.close()

    def _listen(self, backlog: int) -> None:
        self._socket.listen(backlog)
        self._listening = True

    def _shut(self) -> None:
        self._open = False
        if self._filler is not None:
            self._filler.close()
            self._filler = None
        # Only if it listens: else it would be marked as shut for reading, and every connection that
        # it accepts later would inherit that.
        if self._listening:
            self._socket.shutdown(socket.SHUT_RD)
            self._listening = False
