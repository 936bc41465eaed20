"""When an association sends again, asks for a sign of life, and gives up (RFC 9260 6.3, 8)."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.sctp.association import Timers


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now."""

    give_up: bool
    retransmit: bool
    beat: bool


class Patience:
    """The timers of an association, and how often in a row the peer did not answer."""

    def __init__(self, timers: Timers, now: float) -> None:
        self._timers = timers
        self._misses = 0
        self._rto_s = timers.rto_initial_s
        self._retransmit_at: float | None = None
        self._beat_at = now + timers.heartbeat_s
        self._heartbeat_is_out = False

    @property
    def waiting(self) -> bool:
        """Whether something is outstanding, which the peer has to answer."""
        return self._retransmit_at is not None

    def wake_at(self) -> float:
        """Return when `due` has something to say next."""
        if self._retransmit_at is None:
            return self._beat_at
        return min(self._retransmit_at, self._beat_at)

    def sent(self, now: float, *, outstanding: bool) -> None:
        """Note that everything outstanding was sent now; or that nothing is outstanding."""
        self._retransmit_at = now + self._rto_s if outstanding else None

    def beat(self, now: float, *, heartbeat: bool) -> None:
        """Note that it was time for a heartbeat, and whether one went out."""
        self._beat_at = now + self._timers.heartbeat_s
        self._heartbeat_is_out |= heartbeat

    def answered(self) -> None:
        """Note that the peer lives."""
        self._misses = 0
        self._rto_s = self._timers.rto_initial_s
        self._heartbeat_is_out = False

    def due(self, now: float) -> Due:
        """Return what is to be done, and count it if the peer has not answered in time."""
        retransmit = self._retransmit_at is not None and now >= self._retransmit_at
        beat = now >= self._beat_at
        # While something else is outstanding, that tells whether the peer lives.
        unanswered = beat and self._heartbeat_is_out and not self.waiting
        if retransmit:
            self._rto_s = min(self._rto_s * 2, self._timers.rto_max_s)
        self._misses += retransmit or unanswered
        return Due(self._misses > self._timers.max_retransmissions, retransmit, beat)
