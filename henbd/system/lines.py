"""Lines of text over a connection that never blocks: what the stack and the command line share.

Nothing here knows what a line means.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Callable

from henbd.system.doorbell import Doorbell

# The longest line of the native protocol, without its end: a cell with all its neighbours. What
# goes to the console is shorter.
LONGEST_LINE = 262_144

# What one turn of the loop reads of one connection: a peer that floods us waits for its next turn.
_ONE_READ = 65_536


class LineBuffer:
    """Bytes in, whole lines out. Of a line that is too long only the beginning is kept."""

    def __init__(self) -> None:
        self._line = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that these bytes complete.

        One of more than LONGEST_LINE bytes is cut off right behind that, for the reader to refuse.
        """
        lines = []
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._keep(end)
            lines.append(bytes(self._line))
            self._line.clear()
        self._keep(rest)
        return lines

    def _keep(self, part: bytes) -> None:
        self._line += part[: LONGEST_LINE + 1 - len(self._line)]


class LineConnection:
    """One connection in the poll set.

    `received` is called with each line, without its end. `ended` is called once, with the reason,
    when the other side has gone or does not read; not after `close` or `finish`. Neither is ever
    called from within a method, only from the poll set. `open` tells whether it is not closed yet.
    """

    def __init__(
        self,
        connection: socket.socket,
        doorbell: Doorbell,
        received: Callable[[bytes], None],
        ended: Callable[[str], None],
        *,
        longest_queue: int,
    ) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._doorbell = doorbell
        self._received = received
        self._ended = ended
        self._longest_queue = longest_queue
        self._incoming = LineBuffer()
        self._outgoing = bytearray()
        self._failure: str | None = None
        self._finishing = False
        self.open = True
        doorbell.watch(connection.fileno(), self._ready)

    @property
    def gone(self) -> bool:
        """Whether the other side has closed, though there may be lines of it to be read still."""
        poll = select.poll()
        poll.register(self._socket, 0)
        return bool(poll.poll(0))

    def send(self, line: bytes) -> None:
        """Send a line as soon as the other side reads; too many unread ones end the connection."""
        if not self.open or self._finishing or self._failure is not None:
            return
        self._outgoing += line + b"\n"
        self._write()
        if len(self._outgoing) > self._longest_queue:
            self._fail("does not read what it is sent")

    def finish(self) -> None:
        """Close when what was sent has been written; nothing is received any more."""
        self._finishing = True
        if not self._outgoing:
            self.close()

    def close(self) -> None:
        """Close now; what was written still reaches the other side."""
        if not self.open:
            return
        self.open = False
        self._doorbell.forget(self._socket.fileno())
        self._socket.close()

    def _ready(self) -> None:
        self._write()
        if self._finishing and not self._outgoing:
            self.close()
            return
        try:
            data = self._socket.recv(_ONE_READ)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(str(error.strerror))
            return
        if not data:
            self._end("closed the connection")
            return
        for line in self._incoming.feed(data):
            if self.open and not self._finishing:
                self._received(line)

    def _write(self) -> None:
        if self._outgoing:
            try:
                del self._outgoing[: self._socket.send(self._outgoing)]
            except BlockingIOError:
                pass
            except OSError as error:
                self._fail(str(error.strerror))
                return
        self._doorbell.watch(self._socket.fileno(), self._ready, writable=bool(self._outgoing))

    def _fail(self, reason: str) -> None:
        """Give the connection up; the poll set finds it ended."""
        self._failure = reason
        self._outgoing.clear()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _end(self, reason: str) -> None:
        finishing = self._finishing
        self.close()
        if not finishing:
            self._ended(self._failure or reason)


def turn_away(connection: socket.socket, line: bytes) -> None:
    """Close a connection that is not wanted, with a line that says why."""
    connection.setblocking(False)
    with connection, contextlib.suppress(OSError):
        connection.send(line + b"\n")
