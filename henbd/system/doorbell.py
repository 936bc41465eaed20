"""What wakes the loop: one poll set for everything, and signals.

A bell carries no meaning: it says "look", and what is true is read afterwards.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable

Ring = Callable[[], None]


class Doorbell:
    """The poll set. Shells add their descriptors and say what is to be called when one is ready."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._rings: dict[int, Ring] = {}
        self._forgotten: set[int] = set()

    def watch(self, descriptor: int, ring: Ring, *, writable: bool = False) -> None:
        """Have `ring` called when a descriptor is readable, or also when it is writable."""
        self._rings[descriptor] = ring
        self._poll.register(descriptor, select.POLLIN | (select.POLLOUT if writable else 0))

    def forget(self, descriptor: int) -> None:
        """Stop watching a descriptor; one that is not watched is no error."""
        if self._rings.pop(descriptor, None) is not None:
            self._forgotten.add(descriptor)
            with contextlib.suppress(KeyError, OSError):
                self._poll.unregister(descriptor)

    def wait(self, until: float | None) -> None:
        """Sleep until something is ready, or until a monotonic time, and call what is to be called.

        A ring may forget descriptors that are ready too. Nobody is called for them in this turn:
        what has such a number by then is another one, and if it is ready it has the next turn.
        """
        timeout = None if until is None else max(0.0, until - time.monotonic()) * 1000
        ready = self._poll.poll(timeout)
        self._forgotten.clear()
        for descriptor, _ in ready:
            if descriptor not in self._forgotten:
                self._rings[descriptor]()


class Bell:
    """A bell that another thread may ring."""

    def __init__(self, doorbell: Doorbell, ring: Ring) -> None:
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._ring = ring
        self._doorbell = doorbell
        doorbell.watch(self._descriptor, self._rung)

    def ring(self) -> None:
        """Wake the loop; from any thread."""
        os.eventfd_write(self._descriptor, 1)

    def _rung(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._descriptor)
        self._ring()

    def close(self) -> None:
        """Take the bell down; nobody rings it any more."""
        self._doorbell.forget(self._descriptor)
        os.close(self._descriptor)


class Signals:
    """Signals as bells: each calls its function in the loop, not in the middle of something."""

    def __init__(self, doorbell: Doorbell, handlers: dict[signal.Signals, Ring]) -> None:
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        theirs.setblocking(False)
        self._theirs = theirs
        self._handlers = handlers
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        for number in handlers:
            signal.signal(number, _ignored)
        doorbell.watch(self._ours.fileno(), self._rung)

    def _rung(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._dispatch(self._ours.recv(64))

    def _dispatch(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            handler = self._handlers.get(signal.Signals(number))
            if handler is not None:
                handler()


def _ignored(_number: int, _frame: object) -> None:
    """Let the wake-up descriptor speak: a Python handler must exist for it to be written to."""
