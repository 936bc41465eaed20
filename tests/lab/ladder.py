"""A ladder of what the parties saw, printed as it happens: time, from, to, message."""

from __future__ import annotations

import sys
import textwrap
import threading
from typing import TextIO

from tests.lab.events import Event, Log

# What tells the story; the rest (connections, authentication, user plane) would hide it.
SHOWN = frozenset(
    {
        *("ike-up", "ike-down", "ike-refused", "child-up", "child-down"),
        *("Inform", "InformResponse", "SetParameterValues", "SetParameterValuesResponse"),
        *("GetParameterValues", "GetParameterValuesResponse", "session-end", "violation"),
        *("ConnectionRequest", "ConnectionRequestAnswer", "SCTP-down", "step"),
        *("S1SetupRequest", "S1SetupResponse", "S1SetupFailure", "ENBConfigurationUpdate"),
    }
)

WIDTH = 110
INDENT = 26


def line(event: Event, start: float) -> str:
    """Return an event as one rung, its essential content on lines of its own."""
    if event.kind == "step":
        return f"\n{event.text}\n"
    head, *details = [part.strip() for part in event.text.split("  ") if part.strip()]
    names = f"{event.sender:>5} → {event.receiver:<5}"
    rung = f"{event.at - start:9.3f} s  {names}  {head}"
    lines = [text for detail in details for text in _lines(detail)]
    return "\n".join([rung, *(" " * INDENT + text for text in lines)])


def _lines(detail: str) -> list[str]:
    """Return a detail in lines: parameters one by one, anything else wrapped."""
    if "=" in detail:
        return [short(pair) for pair in detail.split(", ")]
    return textwrap.wrap(detail, WIDTH - INDENT, break_long_words=False)


def short(text: str) -> str:
    """Return a parameter by the end of its path, which is what people look for."""
    return text.replace("Device.Services.FAPService.1.", "…FAPService.1.")


class Ladder:
    """Prints the events of a log on a thread of its own until it is closed."""

    def __init__(self, log: Log, start: float, out: TextIO = sys.stdout) -> None:
        self._log = log
        self._start = start
        self._out = out
        self._closing = threading.Event()
        self._printed = 0
        self._thread = threading.Thread(target=self._print, name="ladder", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Print what there is left, and stop."""
        self._closing.set()
        self._log.nudge()
        self._thread.join()

    def _print(self) -> None:
        while not self._closing.is_set():
            self._log.wait_beyond(self._printed)
            events = self._log.events()
            for event in events[self._printed :]:
                if event.kind in SHOWN:
                    print(line(event, self._start), file=self._out, flush=True)
            self._printed = len(events)
