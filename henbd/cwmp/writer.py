"""The body of each message that we send, as text (TR-069 A.3, A.4).

Built by formatting: a GetParameterValuesResponse of the whole model takes a millisecond.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import assert_never

from henbd.cwmp.messages import AutonomousTransferComplete, Inform, Outgoing, TransferComplete
from henbd.cwmp.responses import (
    AddObjectResponse,
    CancelTransferResponse,
    DeleteObjectResponse,
    DownloadResponse,
    FactoryResetResponse,
    GetAllQueuedTransfersResponse,
    GetParameterAttributesResponse,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    GetQueuedTransfersResponse,
    GetRPCMethodsResponse,
    MustUnderstand,
    RebootResponse,
    ScheduleInformResponse,
    SetParameterAttributesResponse,
    SetParameterValuesResponse,
    UploadResponse,
)
from henbd.cwmp.structs import Fault, ParameterValue, QueuedTransfer
from henbd.errors import FaultCode
from henbd.model.types import UNKNOWN_TIME

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


HEAD = '<ParameterValueStruct><Name>%s</Name><Value xsi:type="xsd:%s">'
TAIL = "</Value></ParameterValueStruct>"
INFORM = (
    "<cwmp:Inform><DeviceId><Manufacturer>%s</Manufacturer><OUI>%s</OUI>"
    "<ProductClass>%s</ProductClass><SerialNumber>%s</SerialNumber></DeviceId>"
)
EVENT = "<EventStruct><EventCode>%s</EventCode><CommandKey>%s</CommandKey></EventStruct>"
NAME = "<ParameterInfoStruct><Name>%s</Name><Writable>%s</Writable></ParameterInfoStruct>"
ATTRIBUTES = (
    "<ParameterAttributeStruct><Name>%s</Name><Notification>%d</Notification>"
    '<AccessList soapenc:arrayType="xsd:string[1]"><string>Subscriber</string></AccessList>'
    "</ParameterAttributeStruct>"
)
ADDED = (
    "<cwmp:AddObjectResponse><InstanceNumber>%d</InstanceNumber><Status>%d</Status>"
    "</cwmp:AddObjectResponse>"
)
PARAMETER_FAULT = (
    "<SetParameterValuesFault><ParameterName>%s</ParameterName><FaultCode>%d</FaultCode>"
    "<FaultString>%s</FaultString></SetParameterValuesFault>"
)
FAULT = (
    "<soap:Fault><faultcode>%s</faultcode><faultstring>CWMP fault</faultstring>"
    "<detail><cwmp:Fault><FaultCode>%d</FaultCode><FaultString>%s</FaultString>%s"
    "</cwmp:Fault></detail></soap:Fault>"
)

TRANSFER_COMPLETE = (
    "<cwmp:TransferComplete><CommandKey>%s</CommandKey>"
    "<FaultStruct><FaultCode>%d</FaultCode><FaultString>%s</FaultString></FaultStruct>"
    "<StartTime>%s</StartTime><CompleteTime>%s</CompleteTime></cwmp:TransferComplete>"
)
AUTONOMOUS_TRANSFER_COMPLETE = (
    "<cwmp:AutonomousTransferComplete><AnnounceURL>%s</AnnounceURL><TransferURL>%s</TransferURL>"
    "<IsDownload>%s</IsDownload><FileType>%s</FileType><FileSize>%d</FileSize>"
    "<TargetFileName>%s</TargetFileName>"
    "<FaultStruct><FaultCode>%d</FaultCode><FaultString>%s</FaultString></FaultStruct>"
    "<StartTime>%s</StartTime><CompleteTime>%s</CompleteTime></cwmp:AutonomousTransferComplete>"
)
# A.3.2.8: not carried out yet, so the times are not known.
QUEUED = f"<Status>1</Status><StartTime>{UNKNOWN_TIME}</StartTime>"
QUEUED += f"<CompleteTime>{UNKNOWN_TIME}</CompleteTime>"
QUEUED_TRANSFER = (
    "<QueuedTransferStruct><CommandKey>%s</CommandKey><State>%d</State></QueuedTransferStruct>"
)
ANY_QUEUED_TRANSFER = (
    "<AllQueuedTransferStruct><CommandKey>%s</CommandKey><State>%d</State>"
    "<IsDownload>%s</IsDownload><FileType>%s</FileType><FileSize>%d</FileSize>"
    "<TargetFileName>%s</TargetFileName></AllQueuedTransferStruct>"
)
MUST_UNDERSTAND = (
    "<soap:Fault><faultcode>soap:MustUnderstand</faultcode>"
    "<faultstring>%s is not understood</faultstring></soap:Fault>"
)

# What XML 1.0 cannot carry, by any means (section 2.2), and what must be written otherwise.
ESCAPES = dict.fromkeys([*range(0x20), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], "\ufffd")
ESCAPES |= {9: "&#9;", 10: "&#10;", 13: "&#13;", ord("&"): "&amp;", ord("<"): "&lt;"}
ESCAPES |= {ord(">"): "&gt;"}
# Most texts have none of these, and to look is ten times as quick as to translate.
SPECIAL = re.compile("[\x00-\x1f&<>\ufffe\uffff\ud800-\udfff]")


def escape(text: str) -> str:
    """Return a text as the content of an element; what XML cannot carry is replaced."""
    return text.translate(ESCAPES) if SPECIAL.search(text) else text


def body(message: Outgoing) -> Iterable[str]:
    """Return what stands in the SOAP Body, in pieces."""
    match message:
        case Inform():
            return _inform(message)
        case TransferComplete() | AutonomousTransferComplete():
            return [_transfer_complete(message)]
        case GetParameterValuesResponse():
            return _wrap("GetParameterValuesResponse", _parameters(message.parameters))
        case SetParameterValuesResponse():
            return _wrap("SetParameterValuesResponse", [f"<Status>{message.status}</Status>"])
        case GetParameterNamesResponse():
            rows = [NAME % (escape(n), "true" if w else "false") for n, w in message.names]
            array = _array("ParameterList", "cwmp:ParameterInfoStruct", rows)
            return _wrap("GetParameterNamesResponse", array)
        case GetParameterAttributesResponse():
            rows = [ATTRIBUTES % (escape(n), number) for n, number in message.attributes]
            array = _array("ParameterList", "cwmp:ParameterAttributeStruct", rows)
            return _wrap("GetParameterAttributesResponse", array)
        case AddObjectResponse(number, status):
            return [ADDED % (number, status)]
        case DeleteObjectResponse(status):
            return _wrap("DeleteObjectResponse", [f"<Status>{status}</Status>"])
        case (
            SetParameterAttributesResponse()
            | RebootResponse()
            | FactoryResetResponse()
            | ScheduleInformResponse()
            | CancelTransferResponse()
        ):
            return [f"<cwmp:{type(message).__name__}/>"]
        case DownloadResponse() | UploadResponse():
            return _wrap(type(message).__name__, [QUEUED])
        case GetQueuedTransfersResponse(transfers):
            rows = [QUEUED_TRANSFER % (escape(t.command_key), t.state) for t in transfers]
            array = _array("TransferList", "cwmp:QueuedTransferStruct", rows)
            return _wrap("GetQueuedTransfersResponse", array)
        case GetAllQueuedTransfersResponse(transfers):
            array = _array(
                "TransferList", "cwmp:AllQueuedTransferStruct", list(map(_any_queued, transfers))
            )
            return _wrap("GetAllQueuedTransfersResponse", array)
        case GetRPCMethodsResponse():
            methods = [f"<string>{escape(name)}</string>" for name in message.methods]
            return _wrap("GetRPCMethodsResponse", _array("MethodList", "xsd:string", methods))
        case Fault():
            return [_fault(message)]
        case MustUnderstand(header):
            return [MUST_UNDERSTAND % escape(header)]
        case _:
            assert_never(message)


def _wrap(name: str, content: Iterable[str]) -> Iterable[str]:
    return [f"<cwmp:{name}>", *content, f"</cwmp:{name}>"]


def _array(name: str, kind: str, rows: list[str]) -> Iterable[str]:
    return [f'<{name} soapenc:arrayType="{kind}[{len(rows)}]">', *rows, f"</{name}>"]


def _parameters(parameters: Iterable[ParameterValue]) -> Iterable[str]:
    rows = [_head(p.name, p.type) + escape(p.value) + TAIL for p in parameters]
    return _array("ParameterList", "cwmp:ParameterValueStruct", rows)


# Twice the parameters of the largest model that a HeNB has reason to have.
@lru_cache(4096)
def _head(name: str, kind: str) -> str:
    """Return all of a ParameterValueStruct before its value: it never changes."""
    return HEAD % (name, kind)


def _any_queued(transfer: QueuedTransfer) -> str:
    return ANY_QUEUED_TRANSFER % (
        escape(transfer.command_key),
        transfer.state,
        "true" if transfer.is_download else "false",
        escape(transfer.file_type),
        transfer.file_size,
        escape(transfer.target_file_name),
    )


def _transfer_complete(message: TransferComplete | AutonomousTransferComplete) -> str:
    outcome = (message.fault_code, escape(message.fault_text))
    times = (message.start_time, message.complete_time)
    if isinstance(message, TransferComplete):
        return TRANSFER_COMPLETE % (escape(message.command_key), *outcome, *times)
    return AUTONOMOUS_TRANSFER_COMPLETE % (
        escape(message.announce_url),
        escape(message.transfer_url),
        "true" if message.is_download else "false",
        escape(message.file_type),
        message.file_size,
        escape(message.target_file_name),
        *outcome,
        *times,
    )


def _inform(inform: Inform) -> Iterable[str]:
    device = inform.device_id
    identity = (device.manufacturer, device.oui, device.product_class, device.serial_number)
    events = [EVENT % (escape(e.code), escape(e.command_key)) for e in inform.events]
    return [
        INFORM % tuple(map(escape, identity)),
        *_array("Event", "cwmp:EventStruct", events),
        f"<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>{inform.current_time}</CurrentTime>",
        f"<RetryCount>{inform.retry_count}</RetryCount>",
        *_parameters(inform.parameters),
        "</cwmp:Inform>",
    ]


def _fault(fault: Fault) -> str:
    culprits = "".join(
        PARAMETER_FAULT % (escape(p.name), p.code, escape(p.text)) for p in fault.parameters
    )
    side = "Client" if fault.code in CLIENT_FAULTS else "Server"
    return FAULT % (side, fault.code, escape(fault.text), culprits)
