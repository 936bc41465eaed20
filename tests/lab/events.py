"""What the parties of the lab saw, in one place, in one clock.

Each party (HeMS, MME, security gateway, S-GW) writes down what it sees; tests wait for events, and
the demo prints them as a ladder. `Log` may be used from any thread.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

# An emulated machine is 10 to 20 times slower; every time limit of the lab is stretched by this.
PATIENCE = float(os.environ.get("LAB_PATIENCE", "1"))


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a party saw.

    `at` is time.monotonic(), which all processes of a machine share. `kind` is a short word that
    programs look for ("Inform", "S1SetupRequest", "inner-address"); `text` is for people; `sender`
    and `receiver` name the parties ("HeNB", "HeMS", "SeGW", "MME").
    """

    at: float
    sender: str
    receiver: str
    kind: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class Log:
    """A list of events that grows, and that can be waited for."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._grown = threading.Condition()

    def add(self, sender: str, receiver: str, kind: str, text: str, **facts: Any) -> Event:
        """Write down an event that happens now."""
        event = Event(time.monotonic(), sender, receiver, kind, text, MappingProxyType(facts))
        with self._grown:
            self._events.append(event)
            self._grown.notify_all()
        return event

    def events(self, kind: str | None = None, since: float = 0.0) -> list[Event]:
        """Return the events so far, of one kind if given, that happened at or after `since`."""
        with self._grown:
            return [e for e in self._events if e.at >= since and kind in (None, e.kind)]

    def wait_beyond(self, count: int) -> None:
        """Wait until there are more than `count` events, or until `nudge`."""
        with self._grown:
            if len(self._events) <= count:
                self._grown.wait()

    def nudge(self) -> None:
        """End every wait_beyond."""
        with self._grown:
            self._grown.notify_all()

    def wait(
        self,
        kind: str,
        timeout_s: float = 10.0,
        *,
        since: float = 0.0,
        where: Callable[[Event], bool] = lambda _: True,
    ) -> Event:
        """Return the first event of that kind at or after `since` that `where` accepts.

        Waits up to `timeout_s` (times PATIENCE); raises AssertionError with all that was seen.
        """
        deadline = time.monotonic() + timeout_s * PATIENCE
        seen = 0
        with self._grown:
            while True:
                for event in self._events[seen:]:
                    if event.kind == kind and event.at >= since and where(event):
                        return event
                seen = len(self._events)
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._grown.wait(left)
            lines = [f"  {e.at:.3f} {e.sender} > {e.receiver} {e.text}" for e in self._events]
        raise AssertionError("\n".join([f"no {kind} in {timeout_s:g} s; seen:", *lines[-40:]]))
