"""How the program of a stack is started and stopped, and what it writes: as our own child.

The same is done by a service manager in `service`.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from henbd.errors import StackError
from henbd.system.doorbell import Doorbell
from henbd.system.lines import LineBuffer
from henbd.system.process import Process

logger = logging.getLogger(__name__)

# Its own limit is 5 s (srsenb); one that hangs is killed after this.
STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told: that it runs (its lines follow from the first), that it does not, or neither."""

    started: Callable[[], None]
    stopped: Callable[[], None]
    said: Callable[[str], None]
    failed: Callable[[str], None]


class Runner(Protocol):
    """Starts and stops one program. Whatever comes of it is told to its Watch, in the loop."""

    def look(self) -> None:
        """Find out whether it runs."""

    def start(self) -> None:
        """Have it run; it does not."""

    def stop(self) -> None:
        """Have it end."""

    def wake_at(self) -> float | None:
        """Return when there is something to do, in monotonic seconds."""

    def tick(self, now: float) -> None:
        """Do what is due."""

    def close(self) -> None:
        """Let go of it."""


class ChildRunner:
    """Runs it as our own child, which ends with us."""

    def __init__(
        self, command: Sequence[str], doorbell: Doorbell, clock: Callable[[], float], watch: Watch
    ) -> None:
        self._command = tuple(command)
        self._doorbell = doorbell
        self._clock = clock
        self._watch = watch
        self._process: Process | None = None
        self._kill_at: float | None = None
        self._lines = LineBuffer()

    def look(self) -> None:
        """Tell whether it runs."""
        (self._watch.stopped if self._process is None else self._watch.started)()

    def start(self) -> None:
        """Start it."""
        self._lines = LineBuffer()
        try:
            self._process = Process(
                self._command, self._doorbell, self._said, self._watch.said, self._ended
            )
        except StackError as error:
            self._watch.failed(str(error))
            return
        self._watch.started()

    def stop(self) -> None:
        """Ask it to end."""
        if self._process is None:
            self._watch.stopped()
            return
        self._process.send(signal.SIGTERM)
        self._kill_at = self._clock() + STOP_S

    def wake_at(self) -> float | None:
        """Return when one that does not end is killed."""
        return self._kill_at

    def tick(self, now: float) -> None:
        """Kill one that does not end."""
        if self._kill_at is not None and now >= self._kill_at and self._process is not None:
            logger.warning("%s does not end: killed", self._command[0])
            self._kill_at = None
            self._process.kill()

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.abandon()
            self._process = None

    def _said(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            self._watch.said(line.decode("utf-8", "replace"))

    def _ended(self, status: int) -> None:
        logger.info("%s has ended: status %d", self._command[0], status)
        self._process, self._kill_at = None, None
        self._watch.stopped()
