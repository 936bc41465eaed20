"""What the service manager is told (sd_notify(3)); nothing where none listens, as under procd."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Protocol, cast

logger = logging.getLogger(__name__)

# sd_watchdog_enabled(3): be alive twice in the time that is allowed.
SAFETY = 2


class Notifier(Protocol):
    """What is used of sdnotify.SystemdNotifier."""

    def notify(self, state: str) -> None:
        """Send a datagram."""


class Notify:
    """The word to the service manager, and the sign of life that it may want."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._notifier = _notifier()
        self._status: str | None = None
        self._failure: str | None = None
        self.watchdog_interval_s = _watchdog_interval_s() if self._notifier else None
        self._alive_at = None if self.watchdog_interval_s is None else clock()

    def ready(self) -> None:
        """Say that the daemon is at work."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Say what is going on, unless it was said already."""
        if text == self._status:
            return
        self._status = text
        # sdnotify sends Latin-1, the service manager wants UTF-8; a line end would end the status.
        plain = text.encode("ascii", "replace").decode()
        self._send("STATUS=" + " ".join(plain.split()))

    def stopping(self) -> None:
        """Say that the daemon is ending."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Say that the loop still turns."""
        self._send("WATCHDOG=1")

    def wake_at(self) -> float | None:
        """Return when the next sign of life is due, None where none is wanted."""
        return self._alive_at

    def tick(self, now: float) -> None:
        """Give a sign of life when it is due."""
        if self._alive_at is None or self.watchdog_interval_s is None or now < self._alive_at:
            return
        self._alive_at = now + self.watchdog_interval_s
        self.alive()

    def _send(self, state: str) -> None:
        if self._notifier is None:
            return
        failure = None
        try:
            self._notifier.notify(state)
        except OSError as error:
            failure = error.strerror
        if failure is not None and failure != self._failure:
            logger.warning("the service manager is not told %s: %s", state, failure)
        self._failure = failure


def _notifier() -> Notifier | None:
    if not os.environ.get("NOTIFY_SOCKET"):
        return None
    # Boards have no service manager that listens, and need not have this package.
    from sdnotify import SystemdNotifier

    try:
        notifier = SystemdNotifier(debug=True)
    except OSError as error:
        logger.warning("NOTIFY_SOCKET: %s", error.strerror or error)
        return None
    # A service manager that is stopped must not stop us.
    notifier.socket.setblocking(False)
    return cast(Notifier, notifier)


def _watchdog_interval_s() -> float | None:
    """Return how often a sign of life is due; it may be another process that owes it."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    return int(microseconds) / 1_000_000 / SAFETY
