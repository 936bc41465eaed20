"""The states of an association, and what happens to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from tests.lab.sctp.association import Message


class State(Enum):
    """The states of RFC 9260 4."""

    COOKIE_WAIT = auto()
    COOKIE_ECHOED = auto()
    ESTABLISHED = auto()
    SHUTDOWN_PENDING = auto()
    SHUTDOWN_SENT = auto()
    SHUTDOWN_RECEIVED = auto()
    SHUTDOWN_ACK_SENT = auto()
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Established:
    """The association can be used."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message came in."""

    message: Message


@dataclass(frozen=True, slots=True)
class Ended:
    """The association is no more."""

    cause: str


Event = Established | Received | Ended
