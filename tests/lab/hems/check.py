"""What a CPE owes the HeMS, message by message: each breach is a sentence.

The order of messages is the business of session, their shape that of reader.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from tests.lab.hems.http1 import Head, Request
from tests.lab.hems.messages import (
    Fault,
    GetParameterAttributesResponse,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    Inform,
    Message,
)
from tests.lab.hems.rpc import Get, GetAttributes, Rpc, Set

# Forced Inform parameters of Device:2 and of FAPService:2 (TR-181i2, TR-196i2); {i} is any row.
FORCED = (
    "Device.RootDataModelVersion",
    "Device.DeviceInfo.HardwareVersion",
    "Device.DeviceInfo.SoftwareVersion",
    "Device.DeviceInfo.ProvisioningCode",
    "Device.ManagementServer.ParameterKey",
    "Device.ManagementServer.ConnectionRequestURL",
    "Device.Services.FAPService.{i}.FAPControl.LTE.OpState",
    "Device.Services.FAPService.{i}.FAPControl.LTE.RFTxStatus",
)

# The events of TR-069 that come once in a list and carry no CommandKey.
_SINGLE = frozenset(
    {
        "0 BOOTSTRAP",
        "1 BOOT",
        "2 PERIODIC",
        "3 SCHEDULED",
        "4 VALUE CHANGE",
        "5 KICKED",
        "6 CONNECTION REQUEST",
        "7 TRANSFER COMPLETE",
        "8 DIAGNOSTICS COMPLETE",
        "9 REQUEST DOWNLOAD",
        "10 AUTONOMOUS TRANSFER COMPLETE",
        "11 DU STATE CHANGE COMPLETE",
        "12 AUTONOMOUS DU STATE CHANGE COMPLETE",
        "13 WAKEUP",
        "14 HEARTBEAT",
    }
)
# What an event of a method must be accompanied by.
_COMPANION = {
    "M Reboot": "1 BOOT",
    "M ScheduleInform": "3 SCHEDULED",
    "M Download": "7 TRANSFER COMPLETE",
    "M Upload": "7 TRANSFER COMPLETE",
    "M ScheduleDownload": "7 TRANSFER COMPLETE",
    "M ChangeDUState": "11 DU STATE CHANGE COMPLETE",
}
_VENDOR = re.compile(r"X ([0-9A-F]{6}|\S+) .+")
_EVENTS_LIMIT = 64
_KEY_LIMIT = 32
_NAME_LIMIT = 256
_IDENTITY_LIMIT = 64
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_ROW = re.compile(r"\.[0-9]+\.")
_CPE_FAULTS = range(9000, 9900)


def check_http(request: Request) -> list[str]:
    """Check the head of a request against what its body wants."""
    head = request.head
    found = []
    if head.method != "POST":
        found.append(f"{head.method} instead of POST")
    if head.version != "HTTP/1.1":
        found.append(f"{head.version} instead of HTTP/1.1")
    if len(head.all("Host")) != 1 or not head.one("Host"):
        found.append(f"{len(head.all('Host'))} Host headers, or an empty one")
    return found + (_check_envelope_head(head) if request.body else _check_empty_head(head))


def _check_envelope_head(head: Head) -> list[str]:
    found = []
    kind = re.sub(r'[\s"]', "", head.one("Content-Type") or "").lower()
    if kind != "text/xml;charset=utf-8":
        found.append(f"the Content-Type of an envelope is {head.one('Content-Type')!r}")
    if head.all("SOAPAction") != [""]:
        found.append(
            f"an envelope with the SOAPAction {head.all('SOAPAction')} instead of one empty"
        )
    return found


def _check_empty_head(head: Head) -> list[str]:
    return [
        f"an empty POST with a {name} header"
        for name in ("Content-Type", "SOAPAction")
        if head.all(name)
    ]


def check_inform(inform: Inform, forced: Collection[str] = FORCED) -> list[str]:
    """Check what an Inform says."""
    found = _check_device_id(inform) + _check_events(inform.events)
    if inform.max_envelopes != 1:
        found.append(f"MaxEnvelopes is {inform.max_envelopes} instead of 1")
    if not _is_time(inform.current_time):
        found.append(f"CurrentTime is {inform.current_time!r}, no date-time with its offset")
    if inform.retry_count < 0:
        found.append(f"RetryCount is {inform.retry_count}")
    names = [parameter.name for parameter in inform.parameters]
    found += check_names(names)
    there = {_ROW.sub(".{i}.", name) for name in names}
    found += [f"the Inform lacks {name}" for name in forced if name not in there]
    return found


def _check_device_id(inform: Inform) -> list[str]:
    device = inform.device_id
    found = []
    if not re.fullmatch(r"[0-9A-F]{6}", device.oui):
        found.append(f"the OUI is {device.oui!r} instead of six hexadecimal digits in upper case")
    texts = (device.manufacturer, device.product_class, device.serial_number)
    if not all(0 < len(text) <= _IDENTITY_LIMIT for text in texts):
        found.append(f"the DeviceId is not complete, or too long: {device}")
    return found


def _check_events(events: Sequence[tuple[str, str]]) -> list[str]:
    codes = Counter(code for code, _ in events)
    found = [] if events else ["an Inform without events"]
    if len(events) > _EVENTS_LIMIT:
        found.append(f"{len(events)} events in an Inform")
    for code, key in events:
        single = code in _SINGLE or _VENDOR.fullmatch(code)
        if not single and not code.startswith("M "):
            found.append(f"the event {code!r} is none of TR-069's")
        if single and key:
            found.append(f"the event {code} has the CommandKey {key!r}")
        if single and codes[code] > 1:
            found.append(f"the event {code} is in the list {codes[code]} times")
        if len(key) > _KEY_LIMIT:
            found.append(f"a CommandKey of {len(key)} characters")
        if (companion := _COMPANION.get(code)) and companion not in codes:
            found.append(f"the event {code} without {companion}")
    return list(dict.fromkeys(found))


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def check_names(names: Sequence[str]) -> list[str]:
    """Check the parameter names of one message."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    found = [f"the parameter {name} is in the list twice" for name in twice]
    return found + [
        f"a parameter name of {len(n)} characters" for n in names if len(n) > _NAME_LIMIT
    ]


def is_one_of(name: str, paths: Collection[str]) -> bool:
    """Say whether a parameter is among these; {i} in a path stands for any instance number."""
    return _ROW.sub(".{i}.", name) in paths


def check_answer(request: Rpc, answer: Message) -> list[str]:
    """Check what a response or fault says against what was asked."""
    if isinstance(answer, Fault):
        return _check_fault(request, answer)
    if isinstance(answer, GetParameterValuesResponse) and isinstance(request, Get):
        return _check_asked(request.names, [parameter.name for parameter in answer.parameters])
    if isinstance(answer, GetParameterAttributesResponse) and isinstance(request, GetAttributes):
        return _check_asked(request.names, [parameter.name for parameter in answer.parameters])
    if isinstance(answer, GetParameterNamesResponse):
        return check_names([parameter.name for parameter in answer.parameters])
    status = getattr(answer, "status", 0)
    return [f"the Status is {status}"] if status not in (0, 1) else []


def _check_asked(asked: Sequence[str], names: Sequence[str]) -> list[str]:
    """Check that an answer has what was asked for, by name or partial path, and nothing else."""
    full = {name for name in asked if name and not name.endswith(".")}
    partial = tuple(name for name in asked if name not in full)
    found = [] if len(set(asked)) < len(asked) else check_names(names)
    found += [f"{name} was asked for and is not in the answer" for name in full - set(names)]
    return found + [
        f"{name} was not asked for"
        for name in names
        if name not in full and not _below(name, partial)
    ]


def _below(name: str, partial: tuple[str, ...]) -> bool:
    return any(name.startswith(path) for path in partial)


def _check_fault(request: Rpc, fault: Fault) -> list[str]:
    found = []
    if fault.faultcode not in ("Client", "Server"):
        found.append(f"the faultcode is {fault.faultcode!r} instead of Client or Server")
    if fault.faultstring != "CWMP fault":
        found.append(f"the faultstring is {fault.faultstring!r} instead of 'CWMP fault'")
    if fault.code not in _CPE_FAULTS:
        found.append(f"the FaultCode is {fault.code}, which is no CPE's")
    if not isinstance(request, Set):
        return found + (["SetParameterValuesFault for another method"] if fault.parameters else [])
    if fault.code == 9003 and not fault.parameters:
        found.append("9003 to SetParameterValues without a SetParameterValuesFault")
    for culprit in fault.parameters:
        if culprit.name not in request.values:
            found.append(f"a SetParameterValuesFault for {culprit.name}, which was not set")
        if culprit.code not in _CPE_FAULTS:
            found.append(f"a SetParameterValuesFault with the code {culprit.code}")
    return found
