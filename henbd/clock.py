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

    `shown` is what the box's clock shows. Where that is less than when this program was `built`, it
    was never set. Where it is more, somebody may still have put it to the last time that he knew,
    unless `synchronised` says that it is kept right. `kept` is when something was kept last.
    """

    monotonic: Callable[[], float]
    shown: Callable[[], datetime]
    built: datetime = CLOCK_IS_SET
    kept: datetime = EPOCH
    synchronised: Callable[[], bool] = lambda: True

    @property
    def floor(self) -> datetime:
        """What has passed for sure, whatever a clock shows that was never set."""
        return max(self.built, self.kept)

    @property
    def is_set(self) -> bool:
        """Whether the clock shows what may be the time."""
        return self.shown() >= self.built

    def wall(self) -> datetime:
        """Return the time; of a clock that was never set, how long the box has run, after 1970."""
        shown = self.shown()
        return shown if shown >= self.built else EPOCH + timedelta(seconds=self.monotonic())

    def passed(self) -> datetime | None:
        """Return what certainly has passed, None where the clock is kept right and knows better.

        What was kept counts for a clock alone that was never set: it may have been kept by a wrong
        one, and must not stand against a clock that somebody has put right since.
        """
        shown = self.shown()
        if shown < self.built:
            return self.floor
        return None if self.synchronised() else shown

    def moment(self) -> Moment:
        """Return what both show."""
        return Moment(self.monotonic(), self.wall())
