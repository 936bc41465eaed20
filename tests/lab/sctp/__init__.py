"""SCTP for the lab: the kernel's where it has it, else our own on a raw socket.

The sockets belong to the network namespace of the calling thread. Associations and listeners are
described in `association`.
"""

from __future__ import annotations

import time
from enum import Enum
from typing import Protocol

from tests.lab.sctp import kernel, raw
from tests.lab.sctp.association import (
    CAUSES_OF_PEER,
    NO_ANSWER,
    Address,
    Association,
    AssociationEnded,
    Listener,
    Message,
    SctpError,
    Timers,
)

__all__ = [
    "CAUSES_OF_PEER",
    "Address",
    "Association",
    "AssociationEnded",
    "Backend",
    "Listener",
    "Message",
    "SctpError",
    "Timers",
    "begin",
    "connect",
    "kernel_has_sctp",
    "listen",
]


class Backend(Enum):
    """Who speaks SCTP."""

    KERNEL = "kernel"
    RAW = "raw"


def kernel_has_sctp() -> bool:
    """Return whether the kernel has SCTP."""
    return kernel.available()


def begin(
    local: Address,
    peer: Address,
    port: int,
    *,
    timers: Timers | None = None,
    backend: Backend | None = None,
) -> Association:
    """Begin an association from a local address; its `wait_up` tells how that comes out.

    Raises SctpError if the local address cannot be used.
    """
    return _module(backend).connect(local, peer, port, timers or Timers())


def connect(
    local: Address,
    peer: Address,
    port: int,
    timeout_s: float,
    *,
    timers: Timers | None = None,
    backend: Backend | None = None,
) -> Association:
    """Return an association that is up; raise SctpError, AssociationEnded after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    association = begin(local, peer, port, timers=timers, backend=backend)
    if association.wait_up(deadline - time.monotonic()):
        return association
    association.abort()
    raise AssociationEnded(NO_ANSWER)


def listen(
    local: Address,
    port: int,
    *,
    timers: Timers | None = None,
    backend: Backend | None = None,
) -> Listener:
    """Wait for associations at a local address and port; raise SctpError."""
    return _module(backend).listen(local, port, timers or Timers())


class _BackendModule(Protocol):
    """What a back end offers."""

    def connect(self, local: Address, peer: Address, port: int, timers: Timers) -> Association: ...

    def listen(self, local: Address, port: int, timers: Timers) -> Listener: ...


def _module(backend: Backend | None) -> _BackendModule:
    if backend is None:
        backend = Backend.KERNEL if kernel_has_sctp() else Backend.RAW
    return kernel if backend is Backend.KERNEL else raw
