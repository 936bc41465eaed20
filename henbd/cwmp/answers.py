"""The body of each answer to a request of the HeMS, as text (TR-069 A.3, A.4).

Built by formatting: a GetParameterValuesResponse of the whole model takes a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

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
    Response,
    ScheduleInformResponse,
    SetParameterAttributesResponse,
    SetParameterValuesResponse,
    UploadResponse,
)
from henbd.cwmp.structs import Fault, QueuedTransfer
from henbd.cwmp.writer import array, escape, parameters
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

NAME = "<ParameterInfoStruct><Name>%s</Name><Writable>%s</Writable></ParameterInfoStruct>"
ATTRIBUTES = (
    "<ParameterAttributeStruct><Name>%s</Name><Notification>%d</Notification>"
    "%s</ParameterAttributeStruct>"
)
OPEN, CLOSED = (
    '<AccessList soapenc:arrayType="xsd:string[1]"><string>Subscriber</string></AccessList>',
    '<AccessList soapenc:arrayType="xsd:string[0]"/>',
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


def answer(message: Response) -> Iterable[str]:
    """Return what stands in the SOAP Body, in pieces."""
    match message:
        case GetParameterValuesResponse():
            return _wrap("GetParameterValuesResponse", parameters(message.parameters))
        case SetParameterValuesResponse():
            return _wrap("SetParameterValuesResponse", [f"<Status>{message.status}</Status>"])
        case GetParameterNamesResponse():
            rows = [NAME % (escape(n), "true" if w else "false") for n, w in message.names]
            return _wrap(
                "GetParameterNamesResponse",
                array("ParameterList", "cwmp:ParameterInfoStruct", rows),
            )
        case GetParameterAttributesResponse():
            rows = [
                ATTRIBUTES % (escape(n), number, CLOSED if n in message.closed else OPEN)
                for n, number in message.attributes
            ]
            return _wrap(
                "GetParameterAttributesResponse",
                array("ParameterList", "cwmp:ParameterAttributeStruct", rows),
            )
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
            return _wrap(
                "GetQueuedTransfersResponse",
                array("TransferList", "cwmp:QueuedTransferStruct", rows),
            )
        case GetAllQueuedTransfersResponse(transfers):
            return _wrap(
                "GetAllQueuedTransfersResponse",
                array(
                    "TransferList",
                    "cwmp:AllQueuedTransferStruct",
                    list(map(_any_queued, transfers)),
                ),
            )
        case GetRPCMethodsResponse():
            methods = [f"<string>{escape(name)}</string>" for name in message.methods]
            return _wrap("GetRPCMethodsResponse", array("MethodList", "xsd:string", methods))
        case Fault():
            return [_fault(message)]
        case MustUnderstand(header):
            return [MUST_UNDERSTAND % escape(header)]
        case _:
            assert_never(message)


def _wrap(name: str, content: Iterable[str]) -> Iterable[str]:
    return [f"<cwmp:{name}>", *content, f"</cwmp:{name}>"]


def _any_queued(transfer: QueuedTransfer) -> str:
    return ANY_QUEUED_TRANSFER % (
        escape(transfer.command_key),
        transfer.state,
        "true" if transfer.is_download else "false",
        escape(transfer.file_type),
        transfer.file_size,
        escape(transfer.target_file_name),
    )


def _fault(fault: Fault) -> str:
    culprits = "".join(
        PARAMETER_FAULT % (escape(p.name), p.code, escape(p.text)) for p in fault.parameters
    )
    side = "Client" if fault.code in CLIENT_FAULTS else "Server"
    return FAULT % (side, fault.code, escape(fault.text), culprits)
