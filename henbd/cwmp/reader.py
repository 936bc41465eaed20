"""What the HeMS's messages say: the element in the SOAP Body to a message.

Forgiving: prefixes, xsi:type, array counts and blanks do not matter; the types of the model decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from henbd.cwmp.messages import (
    AutonomousTransferCompleteResponse,
    Fault,
    GetParameterNames,
    GetParameterValues,
    GetRPCMethods,
    Incoming,
    InformResponse,
    MalformedRequest,
    ParameterFault,
    ParameterValue,
    SetParameterValues,
    TransferCompleteResponse,
    UnknownMethod,
)


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
    names = child(element, "ParameterNames")
    if names is None:
        return MalformedRequest("GetParameterValues has no ParameterNames")
    return GetParameterValues(tuple((name.text or "").strip() for name in names))


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


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"\s*[0-9]{1,9}\s*", text) else 0


def truth(element: etree._Element) -> bool | None:
    """Return what a boolean element says, None where it is none."""
    word = (element.text or "").strip().lower()
    return {"1": True, "true": True, "0": False, "false": False}.get(word)
