"""What the kernel says when something changes in it: heard, and thrown away."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable

from henbd.system.doorbell import Doorbell

_CHUNK = 64 * 1024


class KernelBell:
    """Rings when something changes in groups of a protocol of netlink.

    It belongs to the network namespace in which it is made. The constructor raises OSError where
    the kernel does not have the protocol, or does not let us listen.
    """

    def __init__(
        self, doorbell: Doorbell, protocol: int, groups: int, rung: Callable[[], None]
    ) -> None:
        self._doorbell = doorbell
        self._rung = rung
        self._events = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol
        )
        try:
            self._events.setblocking(False)
            self._events.bind((0, groups))
        except OSError:
            self._events.close()
            raise
        doorbell.watch(self._events.fileno(), self.hear)

    def close(self) -> None:
        """Free the socket."""
        self._doorbell.forget(self._events.fileno())
        self._events.close()

    def hear(self) -> None:
        """Ring if anything has come, and throw it away: the next look finds what it was about."""
        heard = False
        while True:
            try:
                self._events.recv(_CHUNK)
                heard = True
            except BlockingIOError:
                break
            except OSError as error:
                # More has come than the socket could hold: it rings all the same.
                if error.errno != errno.ENOBUFS:
                    raise
                heard = True
        if heard:
            self._rung()
