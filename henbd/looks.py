"""When the world is looked at next, and at how much of it. No I/O, no clock."""

from __future__ import annotations

from enum import Enum

# However many bells ring, all of the world is looked at so soon.
FULL_WITHIN_S = 0.05

# While bells ring, charon is at work, and to answer four questions would hold up what they are
# about: a reauthentication rings at the end of the old address, and within this for the new one.
QUIET_S = 0.01

# A thread of its own posts while the loop is still, for they share one interpreter, and TLS takes
# five milliseconds. A HeMS that asks without end holds up everything else for no longer than that.
PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.05

# charon answers a look within a millisecond: from then on the guards do without it.
LATE_S = 0.02


class Look(Enum):
    """How much is read: what an Inform of a new address needs, or everything."""

    HOT = "hot"
    FULL = "full"
    AUDIT = "audit"
    """Everything, for no other reason than that time has come: nobody waits for it."""


class Looks:
    """The looks that are wanted, and the one that is going on: one at a time.

    The hot look that a bell asks for is always followed by a full one, for what charon has loaded
    is not in it; but that waits until no bell has rung for a while.
    """

    def __init__(self, now: float) -> None:
        self._hot = False
        self._rung = False
        self._audit = False
        self._full_since: float | None = now
        self._quiet_at = now
        self.paused_until = now
        # None: a turn was made since the last pause.
        self._pausing_since: float | None = None
        self._going_on: Look | None = None
        # Whether the guards are to be seen to while a look is going on, and when.
        self._unseen = False
        self._late_at = now

    def want_hot(self) -> None:
        """A session is due: its way is to be found, and nothing else need have changed."""
        self._hot = True
        self._audit = False

    def ring(self, now: float) -> None:
        """A bell rang."""
        self._hot = self._rung = self._unseen = True
        self._audit = False
        self._quiet_at = now + QUIET_S

    def want_full(self, now: float) -> None:
        """Something was done, or may be done now."""
        self._audit = False
        if self._full_since is None:
            self._full_since = now

    def want_audit(self, now: float) -> None:
        """Not everything has been looked at for a while."""
        if self._full_since is None:
            self._audit, self._full_since = True, now

    def pause(self, now: float) -> None:
        """Let no look begin for a moment, whatever rings: a post is on its way."""
        if self._pausing_since is None:
            self._pausing_since = now
        self.paused_until = min(now + PAUSE_S, self._pausing_since + LONGEST_PAUSE_S)

    def resume(self, now: float) -> None:
        """Let looks begin again."""
        self.paused_until = min(now, self.paused_until)

    def paused(self, now: float) -> bool:
        """Return whether nothing is to begin now."""
        return now < self.paused_until

    def begin(self, now: float) -> Look | None:
        """Return the look that is to start now, and take it for going on; None: not now."""
        if self.paused(now):
            return None
        self._pausing_since = None
        if self._going_on is not None:
            return None
        full_at = self._full_at()
        if full_at is not None and full_at <= now:
            self._full_since = None
            self._hot = self._rung = False
            self._going_on = Look.AUDIT if self._audit else Look.FULL
        elif self._hot:
            if self._rung:
                self.want_full(now)
            self._hot = self._rung = False
            self._going_on = Look.HOT
        if self._going_on is not None:
            self._unseen, self._late_at = True, now + LATE_S
        return self._going_on

    def end(self) -> Look:
        """Return the look that was going on: it has been answered."""
        look, self._going_on = self._going_on, None
        assert look is not None
        return look

    def late_at(self) -> float | None:
        """Return when the guards are to be seen to before the look is answered; None: never."""
        return self._late_at if self._going_on is not None and self._unseen else None

    def seen(self, now: float) -> None:
        """The guards were seen to."""
        self._unseen, self._late_at = False, now + LATE_S

    @property
    def settled(self) -> bool:
        """Whether the last look still holds: nothing has rung since, and no other is wanted."""
        return self.wake_at() is None and not self.going_on

    @property
    def going_on(self) -> bool:
        """Whether a look has been begun and not been answered."""
        return self._going_on is not None

    @property
    def hot_going_on(self) -> bool:
        """Whether that is one in which what has not changed need not be read again."""
        return self._going_on is Look.HOT

    def wake_at(self) -> float | None:
        """Return when the next look can start; None where none is wanted."""
        at = self.paused_until if self._hot else self._full_at()
        return None if at is None else max(at, self.paused_until)

    def _full_at(self) -> float | None:
        """Return when all of the world is to be looked at, None where that is not wanted."""
        if self._full_since is None:
            return None
        late_at = self._full_since + FULL_WITHIN_S
        return late_at if self._hot else min(late_at, self._quiet_at)
