"""Bytes to messages and back: SOAP 1.1 with the encoding of CWMP (TR-069 3.5, A.2).

Strict in what it builds, forgiving in what it reads: prefixes, xsi:type, array counts and blanks do
not matter. No DTD, no entities, no network; size and depth are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import assert_never

from lxml import etree

from henbd.cwmp import bounds
from henbd.cwmp.messages import (
    Envelope,
    Fault,
    GetParameterNames,
    GetParameterNamesResponse,
    GetParameterValues,
    GetParameterValuesResponse,
    GetRPCMethods,
    GetRPCMethodsResponse,
    Incoming,
    Inform,
    InformResponse,
    MalformedRequest,
    MustUnderstand,
    Outgoing,
    ParameterFault,
    ParameterValue,
    SetParameterValues,
    SetParameterValuesResponse,
    UnknownHeader,
    UnknownMethod,
)
from henbd.errors import FaultCode, HemsError

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
CWMP = "urn:dslforum-org:cwmp-"

NAMESPACE = re.compile(re.escape(CWMP) + r"(1-[0-9])")

# The namespace of each version of CWMP; from 1.2 on it stays the same.
NAMESPACE_VERSIONS = {
    "auto": "1-2",
    "1.0": "1-0",
    "1.1": "1-1",
    "1.2": "1-2",
    "1.3": "1-2",
    "1.4": "1-2",
}

# The other headers of CWMP: nothing follows from them for us (TR-069 3.5).
HEADERS = frozenset({"NoMoreRequests", "SessionTimeout", "UseCWMPVersion"})

# A.5.1 of TR-069 leaves the SOAP faultcode to the CPE; these are the mistakes of the caller.
CLIENT_FAULTS = frozenset(
    {
        FaultCode.INVALID_ARGUMENTS,
        FaultCode.INVALID_NAME,
        FaultCode.INVALID_TYPE,
        FaultCode.INVALID_VALUE,
        FaultCode.NOT_WRITABLE,
    }
)


def envelope(message: Outgoing, identity: str | None, version: str) -> bytes:
    """Return the bytes of one envelope.

    `identity` is the text of cwmp:ID, None for none; `version` the number at the end of the cwmp
    namespace, such as "1-2".
    """
    header = "" if identity is None else HEADER % _escape(identity)
    text = ENVELOPE % (version, header, "".join(_body(message)))
    return text.encode()


ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:soapenc="{ENCODING}"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' xmlns:cwmp="{CWMP}%s">%s<soap:Body>%s</soap:Body></soap:Envelope>\n'
)
HEADER = '<soap:Header><cwmp:ID soap:mustUnderstand="1">%s</cwmp:ID></soap:Header>'
PARAMETER = (
    "<ParameterValueStruct><Name>%s</Name>"
    '<Value xsi:type="xsd:%s">%s</Value></ParameterValueStruct>'
)
INFORM = (
    "<cwmp:Inform><DeviceId><Manufacturer>%s</Manufacturer><OUI>%s</OUI>"
    "<ProductClass>%s</ProductClass><SerialNumber>%s</SerialNumber></DeviceId>"
)
EVENT = "<EventStruct><EventCode>%s</EventCode><CommandKey>%s</CommandKey></EventStruct>"
NAME = "<ParameterInfoStruct><Name>%s</Name><Writable>%s</Writable></ParameterInfoStruct>"
PARAMETER_FAULT = (
    "<SetParameterValuesFault><ParameterName>%s</ParameterName><FaultCode>%d</FaultCode>"
    "<FaultString>%s</FaultString></SetParameterValuesFault>"
)
FAULT = (
    "<soap:Fault><faultcode>%s</faultcode><faultstring>CWMP fault</faultstring>"
    "<detail><cwmp:Fault><FaultCode>%d</FaultCode><FaultString>%s</FaultString>%s"
    "</cwmp:Fault></detail></soap:Fault>"
)

MUST_UNDERSTAND = (
    "<soap:Fault><faultcode>soap:MustUnderstand</faultcode>"
    "<faultstring>%s is not understood</faultstring></soap:Fault>"
)

# What XML 1.0 cannot carry, by any means (section 2.2), and what must be written otherwise.
ESCAPES = dict.fromkeys([*range(0x20), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], "\ufffd")
ESCAPES |= {9: "&#9;", 10: "&#10;", 13: "&#13;", ord("&"): "&amp;", ord("<"): "&lt;"}
ESCAPES |= {ord(">"): "&gt;"}


def _escape(text: str) -> str:
    return text if text.isalnum() and text.isascii() else text.translate(ESCAPES)


def _body(message: Outgoing) -> Iterable[str]:
    match message:
        case Inform():
            return _inform(message)
        case GetParameterValuesResponse():
            return _wrap("GetParameterValuesResponse", _parameters(message.parameters))
        case SetParameterValuesResponse():
            return _wrap("SetParameterValuesResponse", [f"<Status>{message.status}</Status>"])
        case GetParameterNamesResponse():
            rows = [NAME % (_escape(n), "true" if w else "false") for n, w in message.names]
            array = _array("ParameterList", "cwmp:ParameterInfoStruct", rows)
            return _wrap("GetParameterNamesResponse", array)
        case GetRPCMethodsResponse():
            methods = [f"<string>{_escape(name)}</string>" for name in message.methods]
            return _wrap("GetRPCMethodsResponse", _array("MethodList", "xsd:string", methods))
        case Fault():
            return [_fault(message)]
        case MustUnderstand(header):
            return [MUST_UNDERSTAND % _escape(header)]
        case _:
            assert_never(message)


def _wrap(name: str, content: Iterable[str]) -> Iterable[str]:
    return [f"<cwmp:{name}>", *content, f"</cwmp:{name}>"]


def _array(name: str, kind: str, rows: list[str]) -> Iterable[str]:
    return [f'<{name} soapenc:arrayType="{kind}[{len(rows)}]">', *rows, f"</{name}>"]


def _parameters(parameters: Iterable[ParameterValue]) -> Iterable[str]:
    rows = [PARAMETER % (p.name, p.type, _escape(p.value)) for p in parameters]
    return _array("ParameterList", "cwmp:ParameterValueStruct", rows)


def _inform(inform: Inform) -> Iterable[str]:
    device = inform.device_id
    identity = (device.manufacturer, device.oui, device.product_class, device.serial_number)
    events = [EVENT % (_escape(e.code), _escape(e.command_key)) for e in inform.events]
    return [
        INFORM % tuple(map(_escape, identity)),
        *_array("Event", "cwmp:EventStruct", events),
        f"<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>{inform.current_time}</CurrentTime>",
        f"<RetryCount>{inform.retry_count}</RetryCount>",
        *_parameters(inform.parameters),
        "</cwmp:Inform>",
    ]


def _fault(fault: Fault) -> str:
    culprits = "".join(
        PARAMETER_FAULT % (_escape(p.name), p.code, _escape(p.text)) for p in fault.parameters
    )
    side = "Client" if fault.code in CLIENT_FAULTS else "Server"
    return FAULT % (side, fault.code, _escape(fault.text), culprits)


def parse(data: bytes) -> Envelope:
    """Return the envelope in these bytes; raises HemsError with what is wrong with it."""
    bounds.check(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise HemsError(f"no XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise HemsError("a document type declaration is not accepted")
    if _local(root) != "Envelope":
        raise HemsError(f"the root element is {_local(root)!r}, not a SOAP Envelope")
    body = _child(root, "Body")
    if body is None or len(body) != 1:
        raise HemsError("there is not exactly one element in the SOAP Body")
    return _envelope(root, body[0])


def _envelope(root: etree._Element, element: etree._Element) -> Envelope:
    header = _child(root, "Header")
    identity, hold, unknown = None, False, ""
    for entry in () if header is None else header:
        if _local(entry) == "ID":
            identity = entry.text or ""
        elif _local(entry) == "HoldRequests":
            hold = _truth(entry) is True
        elif _local(entry) not in HEADERS and entry.get(f"{{{SOAP}}}mustUnderstand") == "1":
            unknown = _local(entry)
    message = UnknownHeader(unknown) if unknown else _message(element)
    return Envelope(message, identity, _version(element), hold)


def _version(element: etree._Element) -> str:
    """Return the version of the message's own namespace; that of any other that is declared."""
    for namespace in (etree.QName(element).namespace, *element.nsmap.values()):
        if found := NAMESPACE.fullmatch(namespace or ""):
            return found[1]
    return "1-0"


def _message(element: etree._Element) -> Incoming:
    reader = READERS.get(_local(element))
    return UnknownMethod(_local(element)) if reader is None else reader(element)


def _get_parameter_names(element: etree._Element) -> GetParameterNames | MalformedRequest:
    path, level = _child(element, "ParameterPath"), _child(element, "NextLevel")
    next_level = None if level is None else _truth(level)
    if path is None or next_level is None:
        return MalformedRequest("GetParameterNames has no ParameterPath or no NextLevel")
    return GetParameterNames((path.text or "").strip(), next_level)


def _get_parameter_values(element: etree._Element) -> GetParameterValues | MalformedRequest:
    names = _child(element, "ParameterNames")
    if names is None:
        return MalformedRequest("GetParameterValues has no ParameterNames")
    return GetParameterValues(tuple((name.text or "").strip() for name in names))


def _set_parameter_values(element: etree._Element) -> SetParameterValues | MalformedRequest:
    entries = _child(element, "ParameterList")
    if entries is None:
        return MalformedRequest("SetParameterValues has no ParameterList")
    for entry in entries:
        if _child(entry, "Name") is None or _child(entry, "Value") is None:
            return MalformedRequest("a ParameterValueStruct has no Name or no Value")
    pairs = tuple(
        ParameterValue(_text(entry, "Name").strip(), _text(entry, "Value")) for entry in entries
    )
    return SetParameterValues(pairs, _text(element, "ParameterKey"))


def _incoming_fault(element: etree._Element) -> Fault:
    """Read a SOAP fault; one without a CWMP fault in it has code 0."""
    for inner in element.iter(etree.Element):
        if inner is not element and _local(inner) == "Fault":
            code = _text(inner, "FaultCode").strip()
            culprits = tuple(
                ParameterFault(
                    _text(c, "ParameterName"),
                    _number(_text(c, "FaultCode")),
                    _text(c, "FaultString"),
                )
                for c in inner
                if _local(c) == "SetParameterValuesFault"
            )
            return Fault(_number(code), _text(inner, "FaultString"), culprits)
    return Fault(0, _text(element, "faultstring"))


READERS: dict[str, Callable[[etree._Element], Incoming]] = {
    "InformResponse": lambda _: InformResponse(),
    "GetRPCMethods": lambda _: GetRPCMethods(),
    "GetParameterNames": _get_parameter_names,
    "GetParameterValues": _get_parameter_values,
    "SetParameterValues": _set_parameter_values,
    "Fault": _incoming_fault,
}


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in element if _local(child) == name), None)


def _text(element: etree._Element, name: str) -> str:
    child = _child(element, name)
    return "" if child is None else child.text or ""


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"\s*[0-9]{1,9}\s*", text) else 0


def _truth(element: etree._Element) -> bool | None:
    word = (element.text or "").strip().lower()
    return {"1": True, "true": True, "0": False, "false": False}.get(word)
