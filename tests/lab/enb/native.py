"""The stack's end of the native protocol's transport: one connection after the other to henbd."""

from __future__ import annotations

import logging
import select
import socket
import threading
import time

from tests.lab.enb.messages import (
    LONGEST_LINE,
    Config,
    Json,
    LineReader,
    ProtocolError,
    Remark,
    decode,
    encode,
)
from tests.lab.enb.stack import Stack

_LOG = logging.getLogger(__name__)

# The protocol's: connect again at most once a second.
_AGAIN_S = 1.0
# A henbd that reads nothing is left after so much; it finds all of it in the next hello and status.
_MOST_UNSENT = 16 * LONGEST_LINE


class Bell:
    """Wakes the thread that polls it."""

    def __init__(self) -> None:
        self.listening, self.ringing = socket.socketpair()
        self.listening.setblocking(False)
        self.ringing.setblocking(False)

    def close(self) -> None:
        """Give the sockets back."""
        self.listening.close()
        self.ringing.close()

    def ring(self) -> None:
        """Wake the thread, or its next poll."""
        try:
            self.ringing.send(b"\0")
        except BlockingIOError:
            # It has not listened for a while: one ring more would change nothing.
            return

    def listen(self) -> None:
        """Take what was rung."""
        try:
            self.listening.recv(4096)
        except BlockingIOError:
            return


class Connection:
    """One connection to henbd; an Outbox."""

    def __init__(self, stream: socket.socket, bell: Bell) -> None:
        self.stream = stream
        self.broken = False
        self._bell = bell
        self._lock = threading.Lock()
        self._unsent = bytearray()
        self._lines = LineReader()

    def put(self, message: Json | bytes) -> None:
        """Have a message sent; bytes are sent as they are."""
        line = message if isinstance(message, bytes) else encode(message)
        _LOG.debug("to henbd: %r", line)
        with self._lock:
            self._unsent += line
        self._bell.ring()

    def wants(self) -> int:
        """Return the poll events to wait for."""
        with self._lock:
            return select.POLLIN | (select.POLLOUT if self._unsent else 0)

    def flush(self) -> None:
        """Send what can be sent now."""
        with self._lock:
            try:
                while self._unsent:
                    del self._unsent[: self.stream.send(self._unsent)]
            except BlockingIOError:
                self.broken |= len(self._unsent) > _MOST_UNSENT
            except OSError as error:
                _LOG.info("henbd: %s", error.strerror)
                self.broken = True

    def read(self) -> list[Config | Remark | ProtocolError]:
        """Return what has come in."""
        try:
            data = self.stream.recv(LONGEST_LINE)
        except BlockingIOError:
            return []
        except OSError as error:
            _LOG.info("henbd: %s", error.strerror)
            data = b""
        if not data:
            self.broken = True
            return []
        said: list[Config | Remark | ProtocolError] = []
        for line in self._lines.feed(data):
            _LOG.debug("from henbd: %r", line)
            if isinstance(line, ProtocolError):
                said.append(line)
                continue
            try:
                said.append(decode(line))
            except ProtocolError as error:
                said.append(error)
        return said


class NativeClient:
    """Keeps a connection to henbd while it runs, and has the stack do what henbd says."""

    def __init__(self, path: str, stack: Stack, *, drops: bool, ping_s: float | None) -> None:
        self.bell = Bell()
        self._path = path
        self._stack = stack
        self._drops = drops
        self._ping_s = ping_s
        self._stopping = False
        self._connection: Connection | None = None
        self._again_at = 0.0
        self._ping_at = 0.0

    def stop(self) -> None:
        """Have `run` return; a signal handler may call this."""
        self._stopping = True
        self.bell.ring()

    def run(self) -> None:
        """Talk with henbd until `stop`."""
        while not self._stopping:
            if self._connection is None:
                self._connect()
            self._ping()
            self._wait()
            if self._connection is not None:
                self._serve(self._connection)
        if self._connection is not None:
            self._disconnect(self._connection)

    def _connect(self) -> None:
        now = time.monotonic()
        if now < self._again_at:
            return
        self._again_at = now + _AGAIN_S
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.setblocking(False)
        try:
            stream.connect(self._path)
        except OSError as error:
            # Not there, not listening, or (EAGAIN) more callers than it takes at once.
            _LOG.debug("henbd at %s: %s", self._path, error.strerror)
            stream.close()
            return
        _LOG.info("henbd at %s: connected", self._path)
        self._connection = Connection(stream, self.bell)
        self._ping_at = now
        self._stack.attach(self._connection)

    def _ping(self) -> None:
        if self._connection is None or self._ping_s is None:
            return
        now = time.monotonic()
        if now >= self._ping_at:
            self._ping_at = now + self._ping_s
            self._stack.ping()

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self.bell.listening, select.POLLIN)
        now = time.monotonic()
        wait_s: float | None = self._again_at - now
        if self._connection is not None:
            self._connection.flush()
            if self._connection.broken:
                return
            poll.register(self._connection.stream, self._connection.wants())
            wait_s = None if self._ping_s is None else self._ping_at - now
        poll.poll(None if wait_s is None else max(0.0, wait_s) * 1000 + 1)
        self.bell.listen()

    def _serve(self, connection: Connection) -> None:
        for said in connection.read():
            match said:
                case Config() if self._drops:
                    connection.broken = True
                    break
                case Config():
                    self._configure(said)
                case ProtocolError():
                    self._stack.complain(said)
                case Remark("error", text):
                    _LOG.warning("henbd says: %s", text)
                case Remark(kind):
                    _LOG.debug("henbd says: %s", kind)
        connection.flush()
        if connection.broken:
            self._disconnect(connection)

    def _configure(self, config: Config) -> None:
        try:
            self._stack.configure(config)
        except ProtocolError as error:
            self._stack.complain(error)

    def _disconnect(self, connection: Connection) -> None:
        _LOG.info("henbd at %s: disconnected", self._path)
        self._stack.detach()
        connection.stream.close()
        self._connection = None
