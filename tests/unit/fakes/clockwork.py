"""Simulated time, and a doorbell that lets it pass: the daemon's loop runs as fast as it computes.

The loop runs on a thread of its own only so that it can be stopped where it sleeps, and gone on
with; never do both run at a time, so nothing depends on how threads are scheduled.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Deed = Callable[[], object]

# What a turn of the loop costs; so a loop that never sleeps still sees time pass.
TURN_S = 0.0001

# More turns in one second of simulated time are a busy loop.
MOST_TURNS = 400


class Time:
    """What happens when. `now` is the monotonic clock, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wall_at_start = datetime(2026, 6, 1, 12, tzinfo=UTC)
        self._queue: list[tuple[float, int, Deed]] = []
        self._order = itertools.count()

    def monotonic(self) -> float:
        """Return the clock that never jumps."""
        return self.now

    def wall(self) -> datetime:
        """Return the time of day."""
        return self.wall_at_start + timedelta(seconds=self.now - 1000.0)

    def after(self, delay_s: float, deed: Deed) -> None:
        """Have something happen later."""
        heapq.heappush(self._queue, (self.now + delay_s, next(self._order), deed))

    @property
    def next_at(self) -> float:
        """When something happens next."""
        return self._queue[0][0] if self._queue else float("inf")

    def go_on(self, until: float) -> bool:
        """Let time pass to the next thing that happens, and have it happen; at most until then.

        Return whether anything happened.
        """
        if self.next_at > until:
            self.now = max(self.now, until)
            return False
        at, _, deed = heapq.heappop(self._queue)
        self.now = max(self.now, at)
        deed()
        return True


class KilledError(BaseException):
    """The process was killed: nothing catches it, nothing is cleaned up."""


class Process:
    """Something that runs until it pauses itself, and can be gone on with or killed."""

    def __init__(self, main: Deed) -> None:
        self._ours, self._its = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(main,), daemon=True)
        self._error: BaseException | None = None
        self._doomed = False
        self.ended = False
        self._thread.start()

    def go_on(self) -> None:
        """Run until it pauses or ends; raises what it raised."""
        self._its.release()
        self._ours.acquire()
        if self._error is not None:
            raise self._error

    def pause(self) -> None:
        """Called by what runs: stop here until `go_on`."""
        self._ours.release()
        self._its.acquire()
        if self._doomed:
            raise KilledError

    def kill(self) -> None:
        """End it where it pauses."""
        self._doomed = True
        if not self.ended:
            self.go_on()
        self._thread.join()

    def _run(self, main: Deed) -> None:
        self._its.acquire()
        try:
            if not self._doomed:
                main()
        except KilledError:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised again by go_on
            self._error = error
        finally:
            self.ended = True
            self._ours.release()


class Doorbell:
    """The bells of one daemon. Others put callbacks into it; its loop calls them when it sleeps."""

    def __init__(self, time: Time) -> None:
        self.turns = 0
        self.horizon = time.now
        self.paused: Deed = lambda: None
        self._time = time
        self._rings: deque[Deed] = deque()
        self._recent: deque[float] = deque(maxlen=MOST_TURNS)

    def ring(self, callback: Deed) -> None:
        """Have the loop woken, and this called in it."""
        self._rings.append(callback)

    def wait(self, until: float | None) -> None:
        """Sleep until something rings, or until a time; simulated time passes meanwhile."""
        time = self._time
        self._count()
        time.now += TURN_S
        until = float("inf") if until is None else until
        while not self._rings:
            if until <= min(time.next_at, self.horizon):
                time.now = max(time.now, until)
                return
            if not time.go_on(self.horizon):
                self.paused()
        while self._rings:
            self._rings.popleft()()

    def _count(self) -> None:
        self.turns += 1
        now = self._time.now
        full = len(self._recent) == MOST_TURNS
        assert not full or now - self._recent[0] > 1.0, f"a busy loop at {now - 1000:.3f} s"
        self._recent.append(now)
