"""The two clocks of the daemon, and what is known of the time while that of the wall is not set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from henbd.model.types import CLOCK_IS_SET
from henbd.values import Moment

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """One that never jumps, in seconds, and that of the wall, in UTC.

    `shown` is what the box's clock shows. It has lost the time where it shows less than the floor:
    the newer of when this program was `built` and when it last `kept` something.
    """

    monotonic: Callable[[], float]
    shown: Callable[[], datetime]
    built: datetime = CLOCK_IS_SET
    kept: datetime = EPOCH

    @property
    def floor(self) -> datetime:
        """The least that a clock can show that is set."""
        return max(self.built, self.kept)

    @property
    def is_set(self) -> bool:
        """Whether the time is known."""
        return self.shown() >= self.floor

    def wall(self) -> datetime:
        """Return the time; while nobody knows it, how long the box has run, after 1970.

        So whoever is given a time sees that it is none, however near to the truth a clock has been
        put by somebody who did not know it either.
        """
        shown = self.shown()
        if shown >= self.floor:
            return shown
        return EPOCH + timedelta(seconds=self.monotonic())

    def passed(self) -> datetime | None:
        """Return what certainly has passed, None where the clock is set and knows better.

        A clock that was put back behind what is kept, and not behind the build, contradicts that:
        one of the two is wrong, and nobody can say which.
        """
        if self.is_set:
            return None
        return self.floor if self.shown() < self.built else self.built

    def moment(self) -> Moment:
        """Return what both show."""
        return Moment(self.monotonic(), self.wall())
