"""The RPC messages of TR-069 as frozen dataclasses.

`soap` makes bytes of them and the other way round. A value is the text of the wire; its type is the
model's.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """A ParameterValueStruct; `type` is the local name of its XML Schema type."""

    name: str
    value: str
    type: str = "string"


@dataclass(frozen=True, slots=True)
class Event:
    """An EventStruct: what a session is about."""

    code: str
    command_key: str = ""


@dataclass(frozen=True, slots=True)
class DeviceId:
    """A DeviceIdStruct: who we are."""

    manufacturer: str
    oui: str
    product_class: str
    serial_number: str


@dataclass(frozen=True, slots=True)
class Inform:
    """A.3.3.1; `current_time` is ISO 8601 text, `versions` those offered in its header."""

    device_id: DeviceId
    events: tuple[Event, ...]
    current_time: str
    retry_count: int
    parameters: tuple[ParameterValue, ...]
    versions: str = ""


@dataclass(frozen=True, slots=True)
class TransferComplete:
    """A.3.3.2; the times are ISO 8601 text, `fault_code` 0: the transfer went well."""

    command_key: str
    fault_code: int
    fault_text: str
    start_time: str
    complete_time: str


@dataclass(frozen=True, slots=True)
class AutonomousTransferComplete:
    """A.3.3.3: a transfer that nobody asked for with Download or Upload."""

    announce_url: str
    transfer_url: str
    is_download: bool
    file_type: str
    file_size: int
    target_file_name: str
    fault_code: int
    fault_text: str
    start_time: str
    complete_time: str


@dataclass(frozen=True, slots=True)
class GetRPCMethodsResponse:
    """A.3.1.1."""

    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetParameterNamesResponse:
    """A.3.2.3: names, and whether they are writable."""

    names: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class GetParameterValuesResponse:
    """A.3.2.2."""

    parameters: tuple[ParameterValue, ...]


@dataclass(frozen=True, slots=True)
class SetParameterValuesResponse:
    """A.3.2.1: 0, applied; 1, committed and not yet applied."""

    status: int


@dataclass(frozen=True, slots=True)
class SetParameterAttributesResponse:
    """A.3.2.4."""


@dataclass(frozen=True, slots=True)
class GetParameterAttributesResponse:
    """A.3.2.5: names with their notification; the access list is always the Subscriber."""

    attributes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class AddObjectResponse:
    """A.3.2.6; the status is that of SetParameterValuesResponse."""

    number: int
    status: int


@dataclass(frozen=True, slots=True)
class DeleteObjectResponse:
    """A.3.2.7; the status is that of SetParameterValuesResponse."""

    status: int


@dataclass(frozen=True, slots=True)
class RebootResponse:
    """A.3.2.9."""


@dataclass(frozen=True, slots=True)
class FactoryResetResponse:
    """A.4.1.6."""


@dataclass(frozen=True, slots=True)
class ScheduleInformResponse:
    """A.4.1.2."""


@dataclass(frozen=True, slots=True)
class DownloadResponse:
    """A.3.2.8: the transfer is in the queue, and TransferComplete tells of it."""


@dataclass(frozen=True, slots=True)
class UploadResponse:
    """A.4.1.5: as DownloadResponse."""


@dataclass(frozen=True, slots=True)
class QueuedTransfer:
    """An AllQueuedTransferStruct; `state` 1: not yet started, 2: in progress."""

    command_key: str
    state: int
    is_download: bool
    file_type: str
    file_size: int
    target_file_name: str


@dataclass(frozen=True, slots=True)
class GetQueuedTransfersResponse:
    """A.4.1.3."""

    transfers: tuple[QueuedTransfer, ...]


@dataclass(frozen=True, slots=True)
class GetAllQueuedTransfersResponse:
    """A.4.1.7."""

    transfers: tuple[QueuedTransfer, ...]


@dataclass(frozen=True, slots=True)
class CancelTransferResponse:
    """A.4.1.9."""


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """A SetParameterValuesFault."""

    name: str
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault with a CWMP fault in its detail (TR-069 3.5, A.5), from either side."""

    code: int
    text: str
    parameters: tuple[ParameterFault, ...] = ()


@dataclass(frozen=True, slots=True)
class InformResponse:
    """A.3.3.1."""


@dataclass(frozen=True, slots=True)
class TransferCompleteResponse:
    """A.3.3.2."""


@dataclass(frozen=True, slots=True)
class AutonomousTransferCompleteResponse:
    """A.3.3.3."""


@dataclass(frozen=True, slots=True)
class GetRPCMethods:
    """A.3.1.1."""


@dataclass(frozen=True, slots=True)
class GetParameterNames:
    """A.3.2.3."""

    path: str
    next_level: bool


@dataclass(frozen=True, slots=True)
class GetParameterValues:
    """A.3.2.2."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetParameterValues:
    """A.3.2.1."""

    parameters: tuple[ParameterValue, ...]
    parameter_key: str


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """A SetParameterAttributesStruct; `notification` None: it stays as it is.

    The access list is not here: it gives entities in the LAN a right to write, and there are none.
    """

    name: str
    notification: int | None


@dataclass(frozen=True, slots=True)
class SetParameterAttributes:
    """A.3.2.4."""

    changes: tuple[AttributeChange, ...]


@dataclass(frozen=True, slots=True)
class GetParameterAttributes:
    """A.3.2.5."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddObject:
    """A.3.2.6."""

    path: str
    parameter_key: str


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """A.3.2.7."""

    path: str
    parameter_key: str


@dataclass(frozen=True, slots=True)
class Reboot:
    """A.3.2.9."""

    command_key: str


@dataclass(frozen=True, slots=True)
class FactoryReset:
    """A.4.1.6."""


@dataclass(frozen=True, slots=True)
class ScheduleInform:
    """A.4.1.2."""

    delay_s: int
    command_key: str


@dataclass(frozen=True, slots=True)
class Download:
    """A.3.2.8; `file_size` 0: not known. SuccessURL and FailureURL are for browsers."""

    command_key: str
    file_type: str
    url: str
    username: str
    password: str = field(repr=False)
    file_size: int
    target_file_name: str
    delay_s: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A.4.1.5."""

    command_key: str
    file_type: str
    url: str
    username: str
    password: str = field(repr=False)
    delay_s: int


@dataclass(frozen=True, slots=True)
class GetQueuedTransfers:
    """A.4.1.3."""


@dataclass(frozen=True, slots=True)
class GetAllQueuedTransfers:
    """A.4.1.7."""


@dataclass(frozen=True, slots=True)
class CancelTransfer:
    """A.4.1.9."""

    command_key: str


@dataclass(frozen=True, slots=True)
class UnknownMethod:
    """A request that we do not know; it is answered with 9000."""

    name: str


@dataclass(frozen=True, slots=True)
class MalformedRequest:
    """A request that lacks what it cannot do without; it is answered with 9003."""

    text: str


@dataclass(frozen=True, slots=True)
class UnknownHeader:
    """A request with a header that has to be understood and is not (SOAP 1.1 4.2.3)."""

    name: str


@dataclass(frozen=True, slots=True)
class MustUnderstand:
    """The SOAP fault that it is answered with; it has no CWMP fault in it."""

    header: str


Request = (
    GetRPCMethods
    | GetParameterNames
    | GetParameterValues
    | SetParameterValues
    | GetParameterAttributes
    | SetParameterAttributes
    | AddObject
    | DeleteObject
    | Reboot
    | FactoryReset
    | ScheduleInform
    | Download
    | Upload
    | GetQueuedTransfers
    | GetAllQueuedTransfers
    | CancelTransfer
    | UnknownMethod
    | MalformedRequest
    | UnknownHeader
)
Response = (
    GetRPCMethodsResponse
    | GetParameterNamesResponse
    | GetParameterValuesResponse
    | SetParameterValuesResponse
    | GetParameterAttributesResponse
    | SetParameterAttributesResponse
    | AddObjectResponse
    | DeleteObjectResponse
    | RebootResponse
    | FactoryResetResponse
    | ScheduleInformResponse
    | DownloadResponse
    | UploadResponse
    | GetQueuedTransfersResponse
    | GetAllQueuedTransfersResponse
    | CancelTransferResponse
    | Fault
    | MustUnderstand
)
# What we ask of the HeMS, and what it answers.
Call = TransferComplete | AutonomousTransferComplete
CallResponse = TransferCompleteResponse | AutonomousTransferCompleteResponse

Outgoing = Inform | Call | Response
Incoming = InformResponse | CallResponse | Request | Fault


@dataclass(frozen=True, slots=True)
class Envelope:
    """One SOAP envelope of the HeMS: the message, and what its header says.

    `version` is the number at the end of the cwmp namespace ("1-0" to "1-4"); `id` is None where
    there is no cwmp:ID. `timeout_s` 0 and `use_version` "": the HeMS does not say.
    """

    message: Incoming
    id: str | None
    version: str
    hold_requests: bool = False
    timeout_s: int = 0
    use_version: str = ""
