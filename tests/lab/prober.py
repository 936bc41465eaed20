"""Somebody on the HeNB who tries all the time to send in the clear what belongs inside.

In each round there is a datagram to the MME, the S-GW and the HeMS: from a socket that leaves the
way to the kernel, from one that is bound to an outer address, and from one that is bound to an
outer device. What the guards stop is no error; what crosses the link is for the capture to see.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from ipaddress import IPv4Address
from types import TracebackType
from typing import Self

from tests.lab import topology
from tests.lab.events import PATIENCE
from tests.lab.namespaces import Namespace

ROUND_S = 0.02

# S1 signalling, user plane, CWMP: as far as the capture is concerned the address tells.
TARGETS = ((topology.MME, 36412), (topology.SGW, 2152), (topology.HEMS, 7557))
OUTER = ("10.10.1.2", "10.10.2.2")
DEVICES = ("wan0", "wan1")

Sender = tuple[socket.socket, str | None]


class Prober:
    """A thread that sends from its start until `close`; `tried` counts the datagrams."""

    def __init__(
        self, henb: Namespace, targets: tuple[tuple[IPv4Address, int], ...] = TARGETS
    ) -> None:
        self._targets = targets
        with henb.inside():
            self._free = _sender()
            self._bound = [(_sender(), address) for address in OUTER]
            self._on_device = [_sender() for _ in DEVICES]
        for sender, device in zip(self._on_device, DEVICES, strict=True):
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        self.tried = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it; again is no error."""
        self._ended.set()
        self._thread.join()
        for sender in (self._free, *self._on_device, *(s for s, _ in self._bound)):
            sender.close()

    def _run(self) -> None:
        while not self._ended.wait(ROUND_S * PATIENCE):
            for sender, address in self._bound:
                # The address may be away for a while, with its device.
                with contextlib.suppress(OSError):
                    sender.bind((address, 0))
            for sender in (self._free, *self._on_device, *(s for s, _ in self._bound)):
                for target, port in self._targets:
                    self.tried += 1
                    with contextlib.suppress(OSError):
                        sender.sendto(b"belongs inside", (str(target), port))


def _sender() -> socket.socket:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setblocking(False)
    return sender
