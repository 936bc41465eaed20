"""The two clocks of the daemon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from henbd.values import Moment


@dataclass(frozen=True, slots=True)
class Clock:
    """One that never jumps, in seconds, and that of the wall, in UTC."""

    monotonic: Callable[[], float]
    wall: Callable[[], datetime]

    def moment(self) -> Moment:
        """Return what both show."""
        return Moment(self.monotonic(), self.wall())
