"""How S1 with a far end is, and how it is tried."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tests.lab.enb.messages import Address


class State(Enum):
    """The states of a peer in `status`."""

    DOWN = "down"
    CONNECTING = "connecting"
    SETUP = "setup"
    UP = "up"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """How S1 with a far end is."""

    state: State
    local: Address | None = None
    cause: str | None = None
    time_to_wait_s: int | None = None
    mme_name: str | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a far end is tried, and how long one attempt may wait for each answer."""

    retry_s: float = 10.0
    answer_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Wait:
    """The TimeToWait of a far end: it outlives the association, and changes of the config."""

    until: float
    status: PeerStatus
