"""The messages that the HeMS knows from a CPE, and how each is read.

A new message is an entry in `_BARE` if it has no arguments, else a class in messages and a
function in `_READERS`.
"""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from tests.lab.hems import messages
from tests.lab.hems.messages import Message
from tests.lab.hems.reader import Reader, local


def read(reader: Reader, element: etree._Element) -> Message:
    """Read the message in a child of soapenv:Body."""
    method = local(element)
    if method in _BARE:
        reader.parts(element)
        return messages.Bare(method)
    if method in _READERS:
        return _READERS[method](reader, element)
    return messages.Other(method)


def fault(reader: Reader, element: etree._Element) -> messages.Fault:
    """Read a soapenv:Fault."""
    code, text, detail = reader.parts(element, "faultcode", "faultstring", "detail")
    (cwmp,) = reader.parts(detail, f"{{{reader.namespace}}}Fault")
    culprits = cwmp.findall("SetParameterValuesFault")
    number, meaning, *_ = reader.parts(
        cwmp, "FaultCode", "FaultString", *("SetParameterValuesFault" for _ in culprits)
    )
    return messages.Fault(
        faultcode=reader.text(code).rpartition(":")[2],
        faultstring=reader.text(text),
        code=reader.number(number),
        text=reader.text(meaning),
        parameters=tuple(_parameter_fault(reader, culprit) for culprit in culprits),
    )


def _parameter_fault(reader: Reader, element: etree._Element) -> messages.ParameterFault:
    name, code, text = reader.parts(element, "ParameterName", "FaultCode", "FaultString")
    return messages.ParameterFault(reader.text(name), reader.number(code), reader.text(text))


def _inform(reader: Reader, element: etree._Element) -> messages.Inform:
    device, event, envelopes, time, retries, parameters = reader.parts(
        element,
        *("DeviceId", "Event", "MaxEnvelopes", "CurrentTime", "RetryCount", "ParameterList"),
    )
    identity = reader.texts(device, "Manufacturer", "OUI", "ProductClass", "SerialNumber")
    events = [
        reader.texts(struct, "EventCode", "CommandKey")
        for struct in reader.array(event, "EventStruct")
    ]
    return messages.Inform(
        device_id=messages.DeviceId(*identity),
        events=tuple((code, key) for code, key in events),
        max_envelopes=reader.number(envelopes),
        current_time=reader.text(time),
        retry_count=reader.number(retries),
        parameters=reader.values(parameters),
    )


def _fault_struct(reader: Reader, element: etree._Element) -> tuple[int, str]:
    code, text = reader.parts(element, "FaultCode", "FaultString")
    return reader.number(code), reader.text(text)


def _transfer_complete(reader: Reader, element: etree._Element) -> messages.TransferComplete:
    key, outcome, start, complete = reader.parts(
        element, "CommandKey", "FaultStruct", "StartTime", "CompleteTime"
    )
    return messages.TransferComplete(
        reader.text(key), *_fault_struct(reader, outcome), reader.text(start), reader.text(complete)
    )


def _autonomous(reader: Reader, element: etree._Element) -> messages.AutonomousTransferComplete:
    names = ("AnnounceURL", "TransferURL", "IsDownload", "FileType", "FileSize", "TargetFileName")
    announce, transfer, download, kind, size, target, outcome, start, complete = reader.parts(
        element, *names, "FaultStruct", "StartTime", "CompleteTime"
    )
    return messages.AutonomousTransferComplete(
        reader.text(announce),
        reader.text(transfer),
        reader.boolean(download),
        reader.text(kind),
        reader.number(size),
        reader.text(target),
        *_fault_struct(reader, outcome),
        reader.text(start),
        reader.text(complete),
    )


def _status(reader: Reader, element: etree._Element) -> int:
    return reader.number(*reader.parts(element, "Status"))


def _transfer_status(reader: Reader, element: etree._Element) -> tuple[int, str, str]:
    status, start, complete = reader.parts(element, "Status", "StartTime", "CompleteTime")
    return reader.number(status), reader.text(start), reader.text(complete)


def _methods(reader: Reader, element: etree._Element) -> messages.GetRPCMethodsResponse:
    (methods,) = reader.parts(element, "MethodList")
    return messages.GetRPCMethodsResponse(reader.strings(methods))


def _values(reader: Reader, element: etree._Element) -> messages.GetParameterValuesResponse:
    (parameters,) = reader.parts(element, "ParameterList")
    return messages.GetParameterValuesResponse(reader.values(parameters))


def _names(reader: Reader, element: etree._Element) -> messages.GetParameterNamesResponse:
    (parameters,) = reader.parts(element, "ParameterList")
    structs = [
        reader.parts(struct, "Name", "Writable")
        for struct in reader.array(parameters, "ParameterInfoStruct")
    ]
    return messages.GetParameterNamesResponse(
        tuple(
            messages.ParameterInfo(reader.text(name), reader.boolean(writable))
            for name, writable in structs
        )
    )


def _attributes(reader: Reader, element: etree._Element) -> messages.GetParameterAttributesResponse:
    (parameters,) = reader.parts(element, "ParameterList")
    structs = [
        reader.parts(struct, "Name", "Notification", "AccessList")
        for struct in reader.array(parameters, "ParameterAttributeStruct")
    ]
    return messages.GetParameterAttributesResponse(
        tuple(
            messages.ParameterAttribute(
                reader.text(name), reader.number(notification), reader.strings(access_list)
            )
            for name, notification, access_list in structs
        )
    )


def _added(reader: Reader, element: etree._Element) -> messages.AddObjectResponse:
    instance, status = reader.parts(element, "InstanceNumber", "Status")
    return messages.AddObjectResponse(reader.number(instance), reader.number(status))


_BARE = frozenset(
    {
        "GetRPCMethods",
        "SetParameterAttributesResponse",
        "RebootResponse",
        "FactoryResetResponse",
        "ScheduleInformResponse",
    }
)

_READERS: dict[str, Callable[[Reader, etree._Element], Message]] = {
    "Inform": _inform,
    "TransferComplete": _transfer_complete,
    "AutonomousTransferComplete": _autonomous,
    "GetRPCMethodsResponse": _methods,
    "SetParameterValuesResponse": lambda r, e: messages.SetParameterValuesResponse(_status(r, e)),
    "GetParameterValuesResponse": _values,
    "GetParameterNamesResponse": _names,
    "GetParameterAttributesResponse": _attributes,
    "AddObjectResponse": _added,
    "DeleteObjectResponse": lambda r, e: messages.DeleteObjectResponse(_status(r, e)),
    "DownloadResponse": lambda r, e: messages.DownloadResponse(*_transfer_status(r, e)),
    "UploadResponse": lambda r, e: messages.UploadResponse(*_transfer_status(r, e)),
}
