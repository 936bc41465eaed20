"""The loop's hold on a connection that a thread waits on: to end it, wherever the thread is."""

from __future__ import annotations

import contextlib
import socket
import struct
from threading import Lock

# What is not acknowledged when the last of us closes is thrown away (socket(7), SO_LINGER): the
# kernel would go on to repeat it, and it would arrive long after it was given up.
_AT_ONCE = struct.pack("ii", 1, 0)


class Grip:
    """A duplicate of the socket that a thread uses now.

    To shut that down ends the connection whatever urllib3 and ssl have done to theirs meanwhile,
    and wakes the thread; to close theirs would not.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: socket.socket | None = None
        self.is_cut = False

    def take(self, connection: socket.socket) -> None:
        """Hold this connection instead of the one before; raises OSError if it is not wanted."""
        with self._lock:
            if self.is_cut:
                raise ConnectionAbortedError("given up")
            self._let_go()
            self._held = connection.dup()

    def cut(self) -> None:
        """End the connection, and any that is still to come; from any thread, and again is fine."""
        with self._lock:
            self.is_cut = True
            if self._held is not None:
                # One that is no longer there is what we want.
                with contextlib.suppress(OSError):
                    self._held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                    self._held.shutdown(socket.SHUT_RDWR)
            self._let_go()

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
