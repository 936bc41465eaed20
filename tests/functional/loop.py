"""The loop of the daemon, turned by hand: what the tests of single shells need of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from henbd.system.doorbell import Doorbell
from tests.lab.events import PATIENCE

LIMIT_S = 10.0 * PATIENCE


class Shell(Protocol):
    """A shell with timers."""

    def wake_at(self) -> float | None: ...
    def tick(self, now: float) -> None: ...


class Loop:
    """A doorbell, and a clock that can be put forward."""

    def __init__(self) -> None:
        self.doorbell = Doorbell()
        self.ahead_s = 0.0

    def clock(self) -> float:
        """Return what the shells take for the time."""
        return time.monotonic() + self.ahead_s

    def forward(self, shell: Shell) -> None:
        """Put the clock forward to when a shell wants to be woken, and wake it."""
        wake_at = shell.wake_at()
        assert wake_at is not None, "it waits for nothing"
        self.ahead_s += max(0.0, wake_at - self.clock())
        shell.tick(self.clock())

    def turn_until(self, done: Callable[[], object], limit_s: float = LIMIT_S) -> None:
        """Turn until something is so; fails if it does not become so."""
        deadline = time.monotonic() + limit_s
        while not done():
            assert time.monotonic() < deadline, "it does not become so"
            self.doorbell.wait(time.monotonic() + 0.02)

    def settle(self) -> None:
        """Turn until nothing more happens."""
        for _ in range(3):
            self.doorbell.wait(time.monotonic() + 0.01)
