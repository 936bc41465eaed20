"""What the HeMS's messages say: the element in the SOAP Body to a message.

Forgiving: prefixes, xsi:type, array counts and blanks do not matter; the types of the model decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from henbd.cwmp.messages import (
    AutonomousTransferCompleteResponse,
    Incoming,
    InformResponse,
    TransferCompleteResponse,
)
from henbd.cwmp.requests import (
    AddObject,
    CancelTransfer,
    DeleteObject,
    FactoryReset,
    GetAllQueuedTransfers,
    GetParameterAttributes,
    GetParameterNames,
    GetParameterValues,
    GetQueuedTransfers,
    GetRPCMethods,
    MalformedRequest,
    Reboot,
    ScheduleInform,
    SetParameterAttributes,
    SetParameterValues,
    UnknownMethod,
)
from henbd.cwmp.structs import SUBSCRIBER, AttributeChange, Fault, ParameterFault, ParameterValue
from henbd.cwmp.transfer_requests import Download, Upload


def message(element: etree._Element) -> Incoming:
    """Return what an element in the SOAP Body says."""
    reader = READERS.get(local(element))
    return UnknownMethod(local(element)) if reader is None else reader(element)


def _get_parameter_names(element: etree._Element) -> GetParameterNames | MalformedRequest:
    path, level = child(element, "ParameterPath"), child(element, "NextLevel")
    next_level = None if level is None else truth(level)
    if path is None or next_level is None:
        return MalformedRequest("GetParameterNames has no ParameterPath or no NextLevel")
    return GetParameterNames((path.text or "").strip(), next_level)


def _get_parameter_values(element: etree._Element) -> GetParameterValues | MalformedRequest:
    names = _names(element)
    if names is None:
        return MalformedRequest("GetParameterValues has no ParameterNames")
    return GetParameterValues(names)


def _get_parameter_attributes(
    element: etree._Element,
) -> GetParameterAttributes | MalformedRequest:
    names = _names(element)
    if names is None:
        return MalformedRequest("GetParameterAttributes has no ParameterNames")
    return GetParameterAttributes(names)


def _names(element: etree._Element) -> tuple[str, ...] | None:
    names = child(element, "ParameterNames")
    return None if names is None else tuple([(name.text or "").strip() for name in names])


def _set_parameter_values(element: etree._Element) -> SetParameterValues | MalformedRequest:
    entries = child(element, "ParameterList")
    if entries is None:
        return MalformedRequest("SetParameterValues has no ParameterList")
    for entry in entries:
        if child(entry, "Name") is None or child(entry, "Value") is None:
            return MalformedRequest("a ParameterValueStruct has no Name or no Value")
    pairs = tuple(
        ParameterValue(_text(entry, "Name").strip(), _text(entry, "Value")) for entry in entries
    )
    return SetParameterValues(pairs, _text(element, "ParameterKey"))


def _set_parameter_attributes(
    element: etree._Element,
) -> SetParameterAttributes | MalformedRequest:
    entries = child(element, "ParameterList")
    if entries is None:
        return MalformedRequest("SetParameterAttributes has no ParameterList")
    changes = []
    for entry in entries:
        flag, number = child(entry, "NotificationChange"), whole(_text(entry, "Notification"))
        # A HeMS that leaves the flag out and gives a number means it.
        change = number is not None if flag is None else truth(flag)
        if child(entry, "Name") is None or change is None or (change and number is None):
            return MalformedRequest(
                "a SetParameterAttributesStruct has no Name, or no Notification to change to"
            )
        name, access = _text(entry, "Name").strip(), child(entry, "AccessListChange")
        listed = child(entry, "AccessList")
        subscriber = None
        if access is not None and truth(access) and listed is not None:
            subscriber = any((entity.text or "").strip() == SUBSCRIBER for entity in listed)
        changes.append(AttributeChange(name, number if change else None, subscriber))
    return SetParameterAttributes(tuple(changes))


def _add_object(element: etree._Element) -> AddObject:
    return AddObject(_text(element, "ObjectName").strip(), _text(element, "ParameterKey"))


def _delete_object(element: etree._Element) -> DeleteObject:
    return DeleteObject(_text(element, "ObjectName").strip(), _text(element, "ParameterKey"))


def _schedule_inform(element: etree._Element) -> ScheduleInform | MalformedRequest:
    delay_s = whole(_text(element, "DelaySeconds"))
    if delay_s is None:
        return MalformedRequest("ScheduleInform has no DelaySeconds")
    return ScheduleInform(delay_s, _text(element, "CommandKey"))


def _download(element: etree._Element) -> Download | MalformedRequest:
    size, delay_s = _whole_or_0(element, "FileSize"), _whole_or_0(element, "DelaySeconds")
    if size is None or delay_s is None:
        return MalformedRequest("FileSize or DelaySeconds of Download is no unsignedInt")
    return Download(
        command_key=_text(element, "CommandKey"),
        file_type=_text(element, "FileType").strip(),
        url=_text(element, "URL").strip(),
        username=_text(element, "Username"),
        password=_text(element, "Password"),
        file_size=size,
        target_file_name=_text(element, "TargetFileName").strip(),
        delay_s=delay_s,
    )


def _upload(element: etree._Element) -> Upload | MalformedRequest:
    delay_s = _whole_or_0(element, "DelaySeconds")
    if delay_s is None:
        return MalformedRequest("DelaySeconds of Upload is no unsignedInt")
    return Upload(
        command_key=_text(element, "CommandKey"),
        file_type=_text(element, "FileType").strip(),
        url=_text(element, "URL").strip(),
        username=_text(element, "Username"),
        password=_text(element, "Password"),
        delay_s=delay_s,
    )


def _incoming_fault(element: etree._Element) -> Fault:
    """Read a SOAP fault; one without a CWMP fault in it has code 0."""
    for inner in element.iter(etree.Element):
        if inner is not element and local(inner) == "Fault":
            code = _text(inner, "FaultCode").strip()
            culprits = tuple(
                ParameterFault(
                    _text(c, "ParameterName"),
                    _number(_text(c, "FaultCode")),
                    _text(c, "FaultString"),
                )
                for c in inner
                if local(c) == "SetParameterValuesFault"
            )
            return Fault(_number(code), _text(inner, "FaultString"), culprits)
    return Fault(0, _text(element, "faultstring"))


READERS: dict[str, Callable[[etree._Element], Incoming]] = {
    "InformResponse": lambda _: InformResponse(),
    "TransferCompleteResponse": lambda _: TransferCompleteResponse(),
    "AutonomousTransferCompleteResponse": lambda _: AutonomousTransferCompleteResponse(),
    "GetRPCMethods": lambda _: GetRPCMethods(),
    "GetParameterNames": _get_parameter_names,
    "GetParameterValues": _get_parameter_values,
    "SetParameterValues": _set_parameter_values,
    "GetParameterAttributes": _get_parameter_attributes,
    "SetParameterAttributes": _set_parameter_attributes,
    "AddObject": _add_object,
    "DeleteObject": _delete_object,
    "Reboot": lambda element: Reboot(_text(element, "CommandKey")),
    "FactoryReset": lambda _: FactoryReset(),
    "ScheduleInform": _schedule_inform,
    "Download": _download,
    "Upload": _upload,
    "GetQueuedTransfers": lambda _: GetQueuedTransfers(),
    "GetAllQueuedTransfers": lambda _: GetAllQueuedTransfers(),
    "CancelTransfer": lambda element: CancelTransfer(_text(element, "CommandKey")),
    "Fault": _incoming_fault,
}


def local(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname


def child(element: etree._Element, name: str) -> etree._Element | None:
    """Return the first element of this name in another."""
    return next((inner for inner in element if local(inner) == name), None)


def _text(element: etree._Element, name: str) -> str:
    found = child(element, name)
    return "" if found is None else found.text or ""


def whole(text: str) -> int | None:
    """Return an unsignedInt, None for what is none."""
    return int(text) if re.fullmatch(r"\s*\+?[0-9]{1,10}\s*", text) else None


def _whole_or_0(element: etree._Element, name: str) -> int | None:
    """Return an unsignedInt, 0 where it is left out or empty, None for what is none."""
    text = _text(element, name).strip()
    return whole(text) if text else 0


def _number(text: str) -> int:
    return whole(text) or 0


def truth(element: etree._Element) -> bool | None:
    """Return what a boolean element says, None where it is none."""
    word = (element.text or "").strip().lower()
    return {"1": True, "true": True, "0": False, "false": False}.get(word)
