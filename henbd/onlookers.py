"""Service manager, status file, trace and log: they are told a moment after something has happened.

To make a status and to write it down costs more than the Inform that it tells of; so it is made
once for all that happens in such a moment, and not while an Inform is about to leave, unless it has
waited for a second.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from henbd.control import secrecy
from henbd.parties import Parties
from henbd.status import status, summary
from henbd.trace import Recording

if TYPE_CHECKING:
    from henbd.daemon import Daemon

# People see no difference; to a burst of bells it makes one.
MOMENT_S = 0.1

# However much happens meanwhile.
AT_LATEST_S = 1.0


class Onlookers:
    """Those who only want to know. `daemon` is what they look at."""

    def __init__(self, daemon: Daemon, parties: Parties) -> None:
        self._daemon = daemon
        self._parties = parties
        # When they are to be told, and since when there is something to tell.
        self._at: float | None = None
        self._since: float | None = None
        self._not_before = daemon.clock.monotonic()

    def happened(self) -> None:
        """Have them told as soon as may be."""
        now, _ = self._wish()
        at = max(now, self._not_before)
        self._at = at if self._at is None else min(self._at, at)

    def begun(self) -> None:
        """Have them told of the session that has begun, unless it is over in a moment."""
        now, since = self._wish()
        self._at = self._not_before = min(now + MOMENT_S, since + AT_LATEST_S)

    def ended(self) -> None:
        """Have them told of the session that has ended, now."""
        self._at = self._not_before = self._wish()[0]

    def _wish(self) -> tuple[float, float]:
        """There is something to tell: return the time, and since when that has been so."""
        now = self._daemon.clock.monotonic()
        self._since = now if self._since is None else self._since
        return now, self._since

    def wake_at(self) -> float | None:
        """Return when they are to be told, in monotonic seconds."""
        return self._at

    def tick(self, now: float, *, calm: bool) -> None:
        """Tell them if it is time; not `calm`: there is something better to do, if that can be."""
        if self._at is None or self._since is None:
            return
        if now >= (self._at if calm else self._since + AT_LATEST_S):
            self.tell()

    def tell(self) -> None:
        """Tell them now."""
        self._at = self._since = None
        self._not_before = self._daemon.clock.monotonic() + MOMENT_S
        self._parties.flush_log()
        values = status(self._daemon)
        self._parties.supervisor.status(summary(values))
        self._parties.board.show(values)
        self._keep()

    def leave(self) -> None:
        """Take the status down, and keep the last sessions: the daemon ends."""
        self._keep()
        self._parties.board.clear()

    def _keep(self) -> None:
        for recording in self._daemon.trace.take():
            self._parties.diary.keep(told(self._daemon, recording))


def told(daemon: Daemon, recording: Recording) -> dict[str, Any]:
    """Return a recorded session as people may see it: without secrets."""
    # What blots them takes a while to make, and there is nothing to be blotted before a session.
    from henbd.trace_document import document

    tree = daemon.memory.tree
    known = secrecy.secrets(daemon.settlement.settings, daemon.memory.state.secret, tree)
    return document(recording, known, partial(secrecy.is_secret, tree))
