"""gpsd's JSON socket: where the box is, while somebody wants to know (gpsd_json(5)).

Decides nothing: the last position is there to be asked for, and is dropped when nobody watches.
"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from typing import Any

from henbd.errors import InvalidValueError
from henbd.model.schema import Base, Type
from henbd.model.types import UNKNOWN_TIME, canonical
from henbd.system.doorbell import Doorbell
from henbd.system.lines import LineConnection
from henbd.values import Address, Coordinates, Fix

logger = logging.getLogger(__name__)

WATCH = b'?WATCH={"enable":true,"json":true}'

# A gpsd that is not there is tried again so soon.
AGAIN_S = 10.0

MICRO = 1_000_000

DATE_TIME = Type(Base.DATE_TIME)


class Gpsd:
    """A client of gpsd; it has a connection while it is watched."""

    def __init__(
        self, address: tuple[Address, int], doorbell: Doorbell, clock: Callable[[], float]
    ) -> None:
        self._address = address
        self._doorbell = doorbell
        self._clock = clock
        self._connection: LineConnection | None = None
        self._again_at: float | None = None
        self._fix: Fix | None = None
        self._satellites = 0

    def watch(self, *, wanted: bool) -> None:
        """Have positions, or have no more of them."""
        if not wanted:
            if self._connection is not None:
                self._connection.close()
            self._connection, self._again_at, self._fix = None, None, None
        elif self._connection is None and self._again_at is None:
            self._connect()

    def fix(self) -> Fix | None:
        """Return the last position, None while there is none."""
        return self._fix

    def wake_at(self) -> float | None:
        """Return when gpsd is tried again."""
        return self._again_at

    def tick(self, now: float) -> None:
        """Try again, if it is time."""
        if self._again_at is not None and now >= self._again_at:
            self._connect()

    def _connect(self) -> None:
        self._again_at = None
        host, port = self._address
        family = socket.AF_INET6 if host.version == 6 else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        connection.setblocking(False)
        try:
            connection.connect((str(host), port))
        except BlockingIOError:
            pass
        except OSError as error:
            connection.close()
            self._ended(str(error.strerror))
            return
        self._connection = LineConnection(
            connection, self._doorbell, self._received, self._ended, longest_queue=4096
        )
        self._connection.send(WATCH)

    def _ended(self, reason: str) -> None:
        logger.warning("gpsd at %s port %d: %s", *self._address, reason)
        self._connection, self._fix = None, None
        self._again_at = self._clock() + AGAIN_S

    def _received(self, line: bytes) -> None:
        report = report_of(line)
        if report.get("class") == "SKY":
            self._satellites = satellites_used(report)
        elif report.get("class") == "TPV":
            self._fix = position(report, self._satellites)


def report_of(line: bytes) -> dict[str, Any]:
    """Return the report in a line; an empty one where it has none."""
    try:
        report = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return report if isinstance(report, dict) else {}


def satellites_used(report: dict[str, Any]) -> int:
    """Return how many satellites a position is made of."""
    used = report.get("uSat")
    if isinstance(used, int) and used >= 0:
        return used
    listed = report.get("satellites")
    satellites = listed if isinstance(listed, list) else []
    return sum(1 for s in satellites if isinstance(s, dict) and s.get("used") is True)


def position(report: dict[str, Any], satellites: int) -> Fix | None:
    """Return the position in a report, None where it has none; mode 2 is one in the plane."""
    mode = report.get("mode")
    latitude, longitude = _degrees(report.get("lat"), 90), _degrees(report.get("lon"), 180)
    if not isinstance(mode, int) or mode < 2 or latitude is None or longitude is None:
        return None
    return Fix(Coordinates(latitude, longitude), satellites, _time(report.get("time")))


def _degrees(value: Any, most: int) -> int | None:
    """Return an angle in millionths of a degree, None where it is none."""
    if not isinstance(value, int | float) or not -most <= value <= most:
        return None
    return round(value * MICRO)


def _time(value: Any) -> str:
    """Return a time of gpsd's as a dateTime; the Unknown Time where it is none."""
    try:
        return canonical(DATE_TIME, str(value))
    except InvalidValueError:
        return UNKNOWN_TIME
