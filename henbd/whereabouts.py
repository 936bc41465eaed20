"""Where the box is: has the receiver look while a scan goes on, and reports what it finds."""

from __future__ import annotations

from henbd.clock import Clock
from henbd.control import location
from henbd.memory import Memory
from henbd.parties import Receiver


class Whereabouts:
    """The scan that goes on, or the next one; without a receiver there is none."""

    def __init__(self, memory: Memory, receiver: Receiver | None, clock: Clock) -> None:
        self._memory = memory
        self._receiver = receiver
        self._clock = clock
        self._scan = location.first(memory.tree)

    def tick(self) -> None:
        """Begin a scan, end it, or take what it has found."""
        moment = self._clock.moment()
        self._scan, tree = location.obeyed(self._scan, self._memory.tree)
        if self._receiver is not None:
            fix = self._receiver.fix()
            self._scan, tree = location.advanced(self._scan, tree, fix, moment)
            self._receiver.watch(wanted=location.watching(self._scan, tree))
        self._memory.report(tree)

    def wake_at(self) -> float | None:
        """Return when there is something to do by time, in monotonic seconds."""
        if self._receiver is None:
            return None
        return location.wake_at(self._scan, self._memory.tree)
