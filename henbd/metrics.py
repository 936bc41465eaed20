"""Status and counts in Prometheus' text format, version 0.0.4; named by its conventions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from henbd.counts import Counts
from henbd.values import Moment

Labels = Mapping[str, str]
Samples = Iterable[tuple[Labels, float]]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric with all its samples."""

    name: str
    kind: str
    help: str
    samples: Samples


def text(values: Mapping[str, Any], counts: Counts, now: Moment) -> str:
    """Return the metrics of a status (henbd.status) and of the counts."""
    lines = []
    for metric in (*_gauges(values), *_counters(counts, now)):
        lines.append(f"# HELP henbd_{metric.name} {metric.help}")
        lines.append(f"# TYPE henbd_{metric.name} {metric.kind}")
        for labels, value in metric.samples:
            lines.append(f"henbd_{metric.name}{_labels(labels)} {float(value):.15g}")
    return "\n".join([*lines, ""])


def _gauge(name: str, text: str, value: float) -> Metric:
    return Metric(name, "gauge", text, [({}, value)])


def _gauges(values: Mapping[str, Any]) -> Iterator[Metric]:
    device = {**values["device"], "version": values["version"]}
    yield Metric("info", "gauge", "Which device and which henbd this is.", [(device, 1)])
    yield from _hems(values["hems"])
    if values["tunnel"]:
        yield from _tunnel(values["tunnel"])
    guards = values["guards"]
    yield _gauge("kernel_readable", "Whether the kernel answers.", guards["kernel"] == "answers")
    yield _gauge("guards_standing", "Networks and addresses guarded.", len(guards["standing"]))
    yield _gauge("guards_missing", "Guards that should stand.", len(guards["missing"]))
    yield from _s1(values["s1"])
    severities = [alarm["severity"] for alarm in values["alarms"]]
    found = [({"severity": s}, severities.count(s)) for s in sorted(set(severities))]
    yield Metric("alarms", "gauge", "Alarms that are raised.", found)
    yield _gauge(
        "waiting_for", "Things that are not as they should be.", len(values["waiting_for"])
    )


def _hems(hems: Mapping[str, Any]) -> Iterator[Metric]:
    yield _gauge("registered", "Whether the HeMS knows this boot.", hems["registered"])
    yield _gauge("hems_reachable", "Whether there is a way to the HeMS.", bool(hems["way"]))
    yield _gauge("session_active", "Whether a session goes on.", bool(hems["session"]))
    yield _gauge("session_failures", "Sessions failed in a row.", hems["failures"])
    yield _gauge("pending_events", "Events the HeMS is owed.", len(hems["pending_events"]))
    if hems["sessions"]:
        ago_s = hems["sessions"][0]["ago_s"]
        yield _gauge("session_end_age_seconds", "Since the last session ended.", ago_s)


def _tunnel(tunnel: Mapping[str, Any]) -> Iterator[Metric]:
    yield _gauge("charon_reachable", "Whether charon answers.", tunnel["charon"] == "answers")
    yield _gauge("tunnel_up", "Whether the tunnel is up.", tunnel["condition"] == "up")
    yield _gauge("tunnel_state_age_seconds", "Since it last changed.", tunnel["since_s"])


def _s1(s1: Mapping[str, Any]) -> Iterator[Metric]:
    yield _gauge("s1_up", "Whether S1 Setup was answered.", s1["up"])
    yield _gauge("s1_inside", "Whether S1 goes through the tunnel.", s1["inside"])
    yield _gauge("s1_stack_connected", "Whether the S1AP stack is there.", s1["stack"] is not None)
    yield _gauge("transmitting", "Whether the cell transmits.", s1["transmitting"])
    yield _gauge("admin_state", "Whether it may (AdminState).", s1["admin_state"])
    peers = [
        ({"peer": peer["address"], "mme": peer["mme_name"] or ""}, peer["state"] == "up")
        for peer in s1["peers"]
    ]
    yield Metric("s1_peer_up", "gauge", "Whether S1 with this far end is up.", peers)


def _counters(counts: Counts, now: Moment) -> Iterator[Metric]:
    # By the wall clock as it is now: it may have been set since.
    started = round(now.wall.timestamp() - (now.monotonic - counts.started))
    yield _gauge("start_time_seconds", "When henbd started, since 1970.", started)
    sessions = [({"result": r}, n) for r, n in counts.sessions.items()]
    yield Metric("sessions_total", "counter", "Sessions with the HeMS.", sessions)
    spent = counts.session_s
    yield Metric("session_seconds_total", "counter", "Time spent in sessions.", [({}, spent)])
    informs = [({"event": e}, n) for e, n in sorted(counts.informs.items())]
    yield Metric("informs_total", "counter", "Informs that were opened, by event.", informs)
    for name, text, total in (
        ("tunnels_total", "Times the tunnel came up.", counts.tunnels),
        ("inner_addresses_total", "Inner addresses that came.", counts.addresses),
        ("s1_setups_total", "Times S1 came up.", counts.setups),
    ):
        yield Metric(name, "counter", text, [({}, total)])


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
