"""The alarms of this box and what has been told of them → the tables of Device.FaultMgmt, and back.

The tables of events begin empty and grow to a fixed number of rows, of which the oldest is then
written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from henbd.control.alarms import KINDS, MOST_RAISED
from henbd.control.faults import CLEARED, Event, Faults, Ring
from henbd.model import paths
from henbd.model.tree import Tree
from henbd.model.types import UNKNOWN_TIME
from henbd.settings import DeviceSettings

# What has to be escaped in a name (RFC 2253 2.4, after which 3GPP TS 32.300 is modelled).
SPECIAL = re.compile(r'([,=+<>#;"\\])')

RINGS: Mapping[str, str] = {
    paths.ALARM_HISTORY: "history",
    paths.EXPEDITED_EVENTS: "expedited",
    paths.QUEUED_EVENTS: "queued",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that is raised, for people; `raised` is None where the clock had not been set."""

    severity: str
    text: str
    raised: datetime | None


def current(tree: Tree) -> list[Alarm]:
    """Return the alarms that are raised now, in the order of their rows."""
    rows = (f"{paths.CURRENT_ALARMS}{n}." for n in tree.instances.get(paths.CURRENT_ALARMS, ()))
    return [_alarm(tree, row) for row in rows]


def _alarm(tree: Tree, row: str) -> Alarm:
    value = tree.values
    problem = value[row + "SpecificProblem"] or value[row + "ProbableCause"]
    raised = value[row + "AlarmRaisedTime"]
    return Alarm(
        severity=value[row + "PerceivedSeverity"],
        text=": ".join(filter(None, (problem, value[row + "AdditionalText"]))),
        raised=None
        if raised in ("", UNKNOWN_TIME)
        else datetime.fromisoformat(raised.replace("Z", "+00:00")).astimezone(UTC),
    )


def supported() -> dict[str, str]:
    """Return the rows of SupportedAlarm as they leave the factory."""
    values = {paths.MOST_ALARMS: str(MOST_RAISED)}
    for number, kind in KINDS.items():
        row = f"{paths.SUPPORTED_ALARMS}{number}."
        values |= _named(row, number) | {row + "PerceivedSeverity": kind.severity}
        values[row + "ReportingMechanism"] = kind.reporting
    return values


def mechanisms(tree: Tree) -> dict[int, str]:
    """Return how each kind of alarm is to be told, as the HeMS wants it."""
    rows = ((n, f"{paths.SUPPORTED_ALARMS}{n}.ReportingMechanism") for n in KINDS)
    return {number: tree.values[path] for number, path in rows}


def instances(tree: Tree, device: DeviceSettings) -> dict[int, str]:
    """Return the name of the object that each kind of alarm is about (3GPP TS 32.300).

    DNPrefix is put before the name that it has within the box (TR-196 FAPService.{i}.DNPrefix).
    """
    prefix = tree.values[paths.DN_PREFIX].rstrip(", ")
    box = "ManagedElement=" + SPECIAL.sub(r"\\\1", f"{device.oui}-{device.serial_number}")
    return {n: ",".join(filter(None, (prefix, box, kind.unit))) for n, kind in KINDS.items()}


def reported(tree: Tree, faults: Faults) -> Tree:
    """Return the tree with the alarms that are raised, and the events that were told of them."""
    tree = tree.report_rows(paths.CURRENT_ALARMS, (alarm.identifier for alarm in faults.raised))
    values: dict[str, str] = {}
    for alarm in faults.raised:
        row = f"{paths.CURRENT_ALARMS}{alarm.identifier}."
        values |= _named(row, alarm.kind)
        values[row + "AlarmIdentifier"] = str(alarm.identifier)
        values[row + "AlarmRaisedTime"] = alarm.raised_at
        values[row + "AlarmChangedTime"] = alarm.changed_at
        values[row + "ManagedObjectInstance"] = alarm.instance
        values[row + "PerceivedSeverity"] = KINDS[alarm.kind].severity
        values[row + "AdditionalText"] = alarm.text
    for table, ring in _rings(faults):
        tree = tree.report_rows(table, range(1, len(ring.events) + 1))
        for number, event in enumerate(ring.events, 1):
            values |= _event(f"{table}{number}.", event)
    return tree.report(values)


def _rings(faults: Faults) -> Iterator[tuple[str, Ring]]:
    return ((table, getattr(faults, name)) for table, name in RINGS.items())


def written(before: Faults, after: Faults) -> frozenset[str]:
    """Return the rows that now tell of another event; it may well have the same values."""
    return frozenset(
        f"{table}{number}."
        for (table, old), (_, new) in zip(_rings(before), _rings(after), strict=True)
        for number, event in enumerate(new.events, 1)
        if old.events[number - 1 : number] != (event,)
    )


def _named(row: str, number: int) -> dict[str, str]:
    kind = KINDS[number]
    return {
        row + "EventType": kind.event_type,
        row + "ProbableCause": kind.probable_cause,
        row + "SpecificProblem": kind.problem,
    }


def _event(row: str, event: Event) -> dict[str, str]:
    cleared = event.notification == CLEARED
    return {
        **_named(row, event.kind),
        row + "EventTime": event.at,
        row + "AlarmIdentifier": str(event.identifier),
        row + "NotificationType": event.notification,
        row + "ManagedObjectInstance": event.instance,
        row + "PerceivedSeverity": "Cleared" if cleared else KINDS[event.kind].severity,
        row + "AdditionalText": event.text,
        # An event takes the place of those before it: since when, it tells as well.
        row + "AdditionalInformation": f"raised {event.raised_at}",
    }
