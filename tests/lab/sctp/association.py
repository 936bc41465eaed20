"""An SCTP association as its user sees it, whichever back end carries it.

A back end owns the socket and a thread; it fills an `Inbox`, from which any other thread reads. All
methods of an association may be called by any thread at any time.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address

# Why an association ended. Where sending failed, the system's own words for it stand instead.
SHUT_DOWN = "shut down"
SHUT_DOWN_BY_PEER = "shut down by the peer"
ABORTED = "aborted"
ABORTED_BY_PEER = "aborted by the peer"
REFUSED = "refused by the peer"
RESTARTED = "restarted by the peer"
NO_ANSWER = "no answer"
CAUSES_OF_PEER = (SHUT_DOWN_BY_PEER, ABORTED_BY_PEER, REFUSED, RESTARTED)


class SctpError(Exception):
    """SCTP could not do what it was asked; the text says why."""


class AssociationEnded(SctpError):
    """The association is no more (or never came to be); the text is the cause."""


@dataclass(frozen=True, slots=True)
class Message:
    """One user message. `ppid` says whose it is: 18 is S1AP (TS 36.412 7)."""

    data: bytes
    ppid: int
    stream: int = 0


@dataclass(frozen=True, slots=True)
class Timers:
    """How patient an association is.

    A lab wants to see a dead peer within half a minute, and an association that outlives the few
    seconds in which a tunnel is changed. RFC 9260 16 has 1 s, 60 s, 10 and 30 s.
    """

    rto_initial_s: float = 0.5
    rto_max_s: float = 2.0
    max_retransmissions: int = 5
    heartbeat_s: float = 2.0


class Inbox:
    """What came in for one association, and whether it lives."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._messages: deque[Message] = deque()
        self._up = False
        self._end: str | None = None

    @property
    def up(self) -> bool:
        """Whether the association was ever established."""
        return self._up

    @property
    def ended(self) -> str | None:
        """The cause of the end; None while there is none."""
        return self._end

    def set_up(self) -> None:
        """Note that the association is established."""
        with self._changed:
            self._up = True
            self._changed.notify_all()

    def put(self, message: Message) -> None:
        """Add a message that came in."""
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    def end(self, cause: str) -> None:
        """Note the end; the first cause counts."""
        with self._changed:
            if self._end is None:
                self._end = cause
            self._changed.notify_all()

    def wait_up(self, timeout_s: float) -> bool:
        """Return whether the association is established within the time; raise AssociationEnded."""
        with self._changed:
            self._changed.wait_for(lambda: self._up or self._end is not None, timeout_s)
            if self._end is not None:
                raise AssociationEnded(self._end)
            return self._up

    def wait_end(self, timeout_s: float) -> bool:
        """Return whether the association has ended within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._end is not None, timeout_s)

    def get(self, timeout_s: float) -> Message | None:
        """Return the next message, None after the time; raise AssociationEnded after the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._messages or self._end is not None, timeout_s)
            if self._messages:
                return self._messages.popleft()
            if self._end is not None:
                raise AssociationEnded(self._end)
            return None


class Association(ABC):
    """One association with one address at each end."""

    def __init__(self, local: Address, peer: Address, peer_port: int) -> None:
        self.local = local
        self.peer = peer
        self.peer_port = peer_port
        self.inbox = Inbox()

    @property
    def trouble(self) -> str | None:
        """What the system says of sending to the peer; None: nothing, or it does not tell."""
        return None

    def wait_up(self, timeout_s: float) -> bool:
        """Return whether it is established within `timeout_s`; raise AssociationEnded."""
        return self.inbox.wait_up(timeout_s)

    def receive(self, timeout_s: float) -> Message | None:
        """Return the next message, or None if none comes within `timeout_s`.

        What came in before the end is still given out; then AssociationEnded is raised.
        """
        return self.inbox.get(timeout_s)

    def shutdown(self, timeout_s: float) -> bool:
        """End it gracefully, or by ABORT after `timeout_s`; return whether it ended by itself.

        What is not established yet has nothing to be ended gracefully.
        """
        agreed = False
        if self.inbox.up:
            deadline = time.monotonic() + timeout_s
            self._begin_shutdown()
            agreed = self.inbox.wait_end(deadline - time.monotonic())
        self.abort()
        return agreed

    @abstractmethod
    def send(self, data: bytes, ppid: int, stream: int = 0) -> None:
        """Send a message; raise AssociationEnded, or SctpError for one that cannot be sent."""

    @abstractmethod
    def abort(self) -> None:
        """End it at once with an ABORT, and release everything; after the end only the latter."""

    @abstractmethod
    def _begin_shutdown(self) -> None:
        """Start the graceful end; the inbox tells of its completion."""


class Listener(ABC):
    """A local address and port at which associations come in."""

    def __init__(self, local: Address, port: int) -> None:
        self.local = local
        self.port = port

    @abstractmethod
    def accept(self, timeout_s: float) -> Association | None:
        """Return the next association, established; None if none comes within `timeout_s`."""

    @abstractmethod
    def close(self) -> None:
        """Accept no more. Associations that were accepted live on."""
