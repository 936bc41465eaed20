"""Datagrams that are numbered, from the HeNB to a host of the core: which of them got lost?"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self

from tests.lab.lab import Lab

PORT = 5000
PAUSE_S = 0.005

# What is sent last has this long to arrive.
LINGER_S = 0.5


class Stream:
    """Sends from its start until the block ends. `lost` are the numbers that did not arrive."""

    def __init__(self, lab: Lab, to: object) -> None:
        with lab.net.core.inside():
            self._receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._receiver.bind((str(to), PORT))
        self._receiver.settimeout(0.1)
        with lab.net.henb.inside():
            self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._to = (str(to), PORT)
        self._sent = 0
        self._arrived: set[int] = set()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=run) for run in (self._send, self._receive)]

    @property
    def received(self) -> int:
        """How many have arrived."""
        return len(self._arrived)

    @property
    def lost(self) -> list[int]:
        """Which have not."""
        return sorted(set(range(self._sent)) - self._arrived)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._sender.close()
        self._receiver.close()

    def _send(self) -> None:
        while not self._ended.wait(PAUSE_S):
            # What the guards stop is lost, too.
            with contextlib.suppress(OSError):
                self._sender.sendto(str(self._sent).encode(), self._to)
            self._sent += 1

    def _receive(self) -> None:
        until = None
        while until is None or time.monotonic() < until:
            if self._ended.is_set() and until is None:
                until = time.monotonic() + LINGER_S
            with contextlib.suppress(TimeoutError):
                self._arrived.add(int(self._receiver.recv(64)))
