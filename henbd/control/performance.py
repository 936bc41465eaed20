"""Performance files (TR-181 FAP.PerfMgmt, TR-196 Annex B.1): when one is due, and what is in it.

A file has what was counted in a period, in the XML of 3GPP TS 32.435. The names of the counters are
our own (VS.), as the standards have none for S1 transport as a HeNB sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from henbd.cwmp.writer import escape
from henbd.model import paths
from henbd.model.tree import Tree
from henbd.settings import DeviceSettings
from henbd.values import Moment

# What the kernel counts for us, by the names of TR-181; it wraps at 32 bits, on some boards.
SCTP_COUNTERS = (
    *("OutSCTPPacks", "InSCTPPacks", "OutOrderChunks", "InOrderChunks", "OutUnorderChunks"),
    *("InUnorderChunks", "OutCtrlChunks", "InCtrlChunks", "FragUsrMsgs", "ReasmUsrMsgs"),
    *("OutOfBlues", "ChecksumErrors"),
)
S1_COUNTERS = ("SetupAttempts", "SetupFailures")
WRAP = 2**32

NAMESPACE = "http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec"


@dataclass(frozen=True, slots=True)
class Job:
    """An enabled row of FAP.PerfMgmt.Config; `reference` is its PeriodicUploadTime."""

    url: str
    username: str
    password: str = field(repr=False)
    interval_s: int
    reference: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted up to a moment: counters by object and name."""

    at: Moment
    counters: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Policy:
    """Of which transfers that it has not asked for the HeMS wants to hear.

    Device.ManagementServer.AutonomousTransferCompletePolicy (TR-181).
    """

    enabled: bool
    transfers: str
    results: str
    file_types: tuple[str, ...]


def jobs(tree: Tree) -> tuple[Job, ...]:
    """Return the uploads that the HeMS has configured."""
    value = tree.values
    rows = [f"{paths.PERFORMANCE_CONFIGS}{n}." for n in tree.instances[paths.PERFORMANCE_CONFIGS]]
    return tuple(
        Job(
            url=value[row + "URL"],
            username=value[row + "Username"],
            password=value[row + "Password"],
            interval_s=int(value[row + "PeriodicUploadInterval"]),
            reference=value[row + "PeriodicUploadTime"],
        )
        for row in rows
        if value[row + "Enable"] == "true" and value[row + "URL"]
    )


def counts(tree: Tree, oui: str, sctp: Mapping[str, int], now: Moment) -> Counts:
    """Return what is counted up to now: `sctp` by the kernel, S1 as it is reported.

    The rows of the kernel's counters will not do: they are as old as a HeMS's last question.
    """
    value = tree.values
    objects = {"SCTP": {f"VS.SCTP.{name}": sctp.get(name, 0) for name in SCTP_COUNTERS}}
    table = paths.s1_peers(oui)
    for number in tree.instances.get(table, ()):
        row = f"{table}{number}."
        objects[f"S1={value[row + 'PeerAddress']}"] = {
            f"VS.S1.{name}": int(value[row + name] or 0) for name in S1_COUNTERS
        }
    return Counts(now, objects)


def period(before: Counts, after: Counts) -> tuple[datetime, datetime]:
    """Return when a period began and ended, to the second, by the wall clock as it is at the end.

    It may have been set meanwhile; how long the period was, the other clock tells.
    """
    lasted_s = round(after.at.monotonic - before.at.monotonic)
    # A clock that lags a little shows the end of the minute before.
    end = (after.at.wall + timedelta(seconds=0.5)).replace(microsecond=0)
    return end - timedelta(seconds=lasted_s), end


def file_name(device: DeviceSettings, before: Counts, after: Counts) -> str:
    """Return the name of a file, of a single network element and period (TS 32.435 annex A)."""
    begin, end = period(before, after)
    until = f"{end:%H%M%z}" if begin.date() == end.date() else f"{end:%Y%m%d.%H%M%z}"
    return f"A{begin:%Y%m%d.%H%M%z}-{until}_{sender(device)}.xml"


def sender(device: DeviceSettings) -> str:
    """Return the name by which a network element is known: that of TR-069, without blanks."""
    name = f"{device.oui}-{device.product_class}-{device.serial_number}"
    return "".join(c if c.isalnum() or c in "-." else "-" for c in name)


def file(device: DeviceSettings, before: Counts, after: Counts) -> bytes:
    """Return a measurement file of the period between two moments (TS 32.435)."""
    began, ended = period(before, after)
    seconds = round((ended - began).total_seconds())
    begin, end = _quoted(began.isoformat()), _quoted(ended.isoformat())
    name, version = _quoted(sender(device)), _quoted(device.software_version)
    groups = "".join(
        _group(number, seconds, end, measured, before.counters.get(measured, {}), counters)
        for number, (measured, counters) in enumerate(after.counters.items(), 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<measCollecFile xmlns="{NAMESPACE}">\n'
        f"<fileHeader fileFormatVersion={_quoted('32.435 V10.0')}"
        f" vendorName={_quoted(device.manufacturer)}>"
        f'<fileSender localDn={name} elementType="HeNB"/>'
        f"<measCollec beginTime={begin}/></fileHeader>\n"
        f"<measData><managedElement localDn={name} swVersion={version}/>\n"
        f"{groups}</measData>\n"
        f"<fileFooter><measCollec endTime={end}/></fileFooter>\n"
        "</measCollecFile>\n"
    ).encode()


def _group(
    number: int,
    seconds: int,
    end: str,
    measured: str,
    before: Mapping[str, int],
    after: Mapping[str, int],
) -> str:
    """Return the counters of one object: how far each has come in the period."""
    types = _numbered("measType", after)
    values = _numbered("r", (str(_come(before.get(n, 0), after[n])) for n in after))
    return (
        f'<measInfo measInfoId="{number}">'
        f'<granPeriod duration="PT{seconds}S" endTime={end}/><repPeriod duration="PT{seconds}S"/>'
        f"{types}<measValue measObjLdn={_quoted(measured)}>{values}</measValue></measInfo>\n"
    )


def _come(before: int, after: int) -> int:
    """Return how far a counter has come: it has wrapped, or its object went and came again."""
    if after < before < WRAP // 2:
        return after
    return (after - before) % WRAP


def _quoted(text: str) -> str:
    """Return a text as the value of an attribute."""
    return '"' + escape(text).replace('"', "&quot;") + '"'


def _numbered(element: str, texts: Iterable[str]) -> str:
    return "".join(
        f'<{element} p="{number}">{escape(text)}</{element}>'
        for number, text in enumerate(texts, 1)
    )


def policy(tree: Tree) -> Policy:
    """Return of which transfers the HeMS wants to hear."""
    value, row = tree.values, paths.AUTONOMOUS_TRANSFERS
    return Policy(
        enabled=value[row + "Enable"] == "true",
        transfers=value[row + "TransferTypeFilter"],
        results=value[row + "ResultTypeFilter"],
        file_types=tuple(value[row + "FileTypeFilter"].split(",")),
    )


def wanted(chosen: Policy, file_type: str, *, failed: bool) -> bool:
    """Return whether the HeMS wants to hear of an upload that it has not asked for.

    A file type that is not listed is excluded, and so are all where none is.
    """
    return (
        chosen.enabled
        and chosen.transfers in ("Upload", "Both")
        and chosen.results in ("Failure" if failed else "Success", "Both")
        and file_type in chosen.file_types
    )
