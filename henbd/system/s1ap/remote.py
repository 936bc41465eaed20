"""The remote API of a stack that a service manager runs: JSON over a WebSocket. Experimental.

It is asked how S1 is while the stack runs, and to end S1 before the stack is stopped.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable

from henbd.system.doorbell import Doorbell
from henbd.system.s1ap.runner import Runner, Watch
from henbd.system.s1ap.websocket import WebSocket

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"

# How often it is asked; also how soon a connection is tried again.
ASK_S = 1.0

# An API that has not answered for so long leaves it unknown how S1 is; to open takes it longer.
PATIENCE_S = 10.0
OPENING_S = 60.0

# S1 has taken its leave by then; the protocol's own limit for a stack is the same.
LEAVE_S = 1.0

STATUS, LEAVE = '{"message":"s1"}', '{"message":"s1disconnect"}'


class Remote:
    """A connection to the API. `heard` is called with each answer, from the poll set."""

    def __init__(self, port: int, doorbell: Doorbell, heard: Callable[[str], None]) -> None:
        self._doorbell = doorbell
        self._heard = heard
        self._name = f"{HOST}:{port}"
        self._websocket = WebSocket(self._name, os.urandom(16), lambda: os.urandom(4))
        self.ended = False
        try:
            self._socket = _connecting(port)
        except OSError as error:
            logger.info("the remote API at %s: %s", self._name, error.strerror)
            self.ended = True
            return
        doorbell.watch(self._socket.fileno(), self._ready, writable=True)

    @property
    def open(self) -> bool:
        """Whether it can be asked."""
        return self._websocket.open and not self.ended

    def ask(self, message: str) -> None:
        """Send a message."""
        self._websocket.send(message)
        self._write()

    def close(self) -> None:
        """End the connection."""
        if not self.ended:
            self._doorbell.forget(self._socket.fileno())
            self._socket.close()
            self.ended = True

    def _ready(self) -> None:
        try:
            self._write()
            data = self._socket.recv(65_536)
            if not data:
                self._end("it closed the connection")
                return
            texts = self._websocket.feed(data)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(str(error.strerror))
            return
        except ValueError as wrong:
            self._end(str(wrong))
            return
        self._write()
        for text in texts:
            self._heard(text)
        if self._websocket.closed:
            self._end("it said good-bye")

    def _write(self) -> None:
        if self.ended:
            return
        outgoing = self._websocket.outgoing
        try:
            while outgoing:
                del outgoing[: self._socket.send(outgoing)]
        except BlockingIOError:
            pass
        except OSError as error:
            self._end(str(error.strerror))
            return
        self._doorbell.watch(self._socket.fileno(), self._ready, writable=bool(outgoing))

    def _end(self, reason: str) -> None:
        logger.info("the remote API at %s: %s", self._name, reason)
        self.close()


def _connecting(port: int) -> socket.socket:
    """Return a socket on its way to the API."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        with contextlib.suppress(BlockingIOError):
            found.connect((HOST, port))
    except OSError:
        found.close()
        raise
    return found


class RemoteRunner:
    """Runs a stack as another runner does, and says of it what its remote API answers."""

    def __init__(
        self,
        port: int,
        inner: Callable[[Watch], Runner],
        doorbell: Doorbell,
        clock: Callable[[], float],
        watch: Watch,
    ) -> None:
        self._port = port
        self._doorbell = doorbell
        self._clock = clock
        self._watch = watch
        self._remote: Remote | None = None
        self._ask_at: float | None = None
        self._answer_by: float | None = None
        self._leave_by: float | None = None
        self._inner = inner(Watch(self._started, self._stopped, lambda _line: None, self._failed))

    def look(self) -> None:
        """Find out whether it runs."""
        self._inner.look()

    def start(self) -> None:
        """Have it run."""
        self._inner.start()

    def stop(self) -> None:
        """Have S1 ended, if it can be asked for that, then the stack itself."""
        self._ask_at = self._answer_by = None
        if self._remote is not None and self._remote.open:
            self._remote.ask(LEAVE)
            self._leave_by = self._clock() + LEAVE_S
        else:
            self._inner.stop()

    def wake_at(self) -> float | None:
        """Return when it is to be asked, or has had its time."""
        times = (self._ask_at, self._answer_by, self._leave_by, self._inner.wake_at())
        return min((at for at in times if at is not None), default=None)

    def tick(self, now: float) -> None:
        """Do what is due."""
        self._inner.tick(now)
        if self._leave_by is not None and now >= self._leave_by:
            self._leave_by = None
            self._inner.stop()
        if self._answer_by is not None and now >= self._answer_by:
            self._failed("its remote API does not answer")
        if self._ask_at is not None and now >= self._ask_at:
            self._ask_at = now + ASK_S
            self._ask()

    def close(self) -> None:
        """Let go of it."""
        self._forget()
        self._inner.close()

    def _ask(self) -> None:
        if self._remote is None or self._remote.ended:
            self._remote = Remote(self._port, self._doorbell, self._heard)
        elif self._remote.open:
            self._remote.ask(STATUS)

    def _heard(self, answer: str) -> None:
        if self._leave_by is not None:
            if '"s1disconnect"' in answer:
                self._leave_by = None
                self._inner.stop()
            return
        self._answer_by = self._clock() + PATIENCE_S
        self._watch.said(answer)

    def _started(self) -> None:
        self._ask_at = self._clock()
        self._answer_by = self._ask_at + OPENING_S
        self._watch.started()

    def _stopped(self) -> None:
        self._forget()
        self._watch.stopped()

    def _failed(self, text: str) -> None:
        self._forget()
        self._watch.failed(text)

    def _forget(self) -> None:
        """Ask nothing any more."""
        if self._remote is not None:
            self._remote.close()
            self._remote = None
        self._ask_at = self._answer_by = self._leave_by = None
