"""The alarms that are raised, as the parameters have them (TR-196, FaultMgmt.CurrentAlarm)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from henbd.model import paths
from henbd.model.tree import Tree
from henbd.model.types import UNKNOWN_TIME


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; `raised` is None where the clock had not been set."""

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
