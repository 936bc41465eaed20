"""The lines of gpsd."""

from __future__ import annotations

from henbd.system.gpsd import position, report_of, satellites_used


def fuzz(data: bytes) -> None:
    """Read every line; nothing may come of one that is wrong."""
    for line in data.split(b"\n"):
        report = report_of(line)
        assert satellites_used(report) >= 0
        found = position(report, 0)
        if found is not None:
            assert abs(found.place.latitude) <= 90_000_000
            assert abs(found.place.longitude) <= 180_000_000
