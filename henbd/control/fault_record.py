"""What was written down of the alarms → the value that it was written from."""

from __future__ import annotations

from typing import Any

from henbd.control.alarms import KINDS
from henbd.control.faults import NOTHING, Event, Faults, Raised, Ring
from henbd.cwmp import record


def read(entry: Any) -> Faults:
    """Return the faults that an object tells of.

    There are none where a newer program has told of alarms that are unknown here. Raises TypeError,
    KeyError or ValueError for what was never written.
    """
    raised = tuple(record.read(Raised, alarm) for alarm in entry["raised"])
    rings = [_ring(entry[name]) for name in ("history", "expedited", "queued")]
    kinds = {alarm.kind for alarm in raised}
    kinds |= {event.kind for ring in rings for event in ring.events}
    highest = max((alarm.identifier for alarm in raised), default=0)
    if type(entry["next"]) is not int or entry["next"] <= highest:
        raise ValueError(f"{entry['next']!r} identifies no new alarm")
    return Faults(entry["next"], raised, *rings) if kinds <= KINDS.keys() else NOTHING


def _ring(entry: Any) -> Ring:
    events = tuple(record.read(Event, event) for event in entry["events"])
    if type(entry["next"]) is not int or not 0 <= entry["next"] <= len(events):
        raise ValueError(f"{entry['next']!r} is no place among {len(events)}")
    return Ring(events, entry["next"])
