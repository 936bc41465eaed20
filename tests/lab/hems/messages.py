"""What a CPE says, as values: its requests, its responses and its faults.

The classes bear the names of TR-069's messages. A `type` is that of the `xsi:type` attribute with
the usual prefix ("xsd:boolean"), whatever prefix the CPE chose; "" if there was none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ParameterValue:
    name: str
    value: str
    type: str


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    name: str
    writable: bool


@dataclass(frozen=True, slots=True)
class ParameterAttribute:
    name: str
    notification: int
    access_list: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """A SetParameterValuesFault: which parameter was refused, and why."""

    name: str
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class DeviceId:
    manufacturer: str
    oui: str
    product_class: str
    serial_number: str

    def __str__(self) -> str:
        return f"{self.oui}/{self.product_class}/{self.serial_number}"


@dataclass(frozen=True, slots=True)
class Inform:
    """An Inform; `events` are pairs of EventCode and CommandKey."""

    device_id: DeviceId
    events: tuple[tuple[str, str], ...]
    max_envelopes: int
    current_time: str
    retry_count: int
    parameters: tuple[ParameterValue, ...]

    @property
    def values(self) -> Mapping[str, str]:
        return _values(self.parameters)


@dataclass(frozen=True, slots=True)
class TransferComplete:
    command_key: str
    fault_code: int
    fault_text: str
    start_time: str
    complete_time: str


@dataclass(frozen=True, slots=True)
class AutonomousTransferComplete:
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
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetParameterValuesResponse:
    status: int


@dataclass(frozen=True, slots=True)
class GetParameterValuesResponse:
    parameters: tuple[ParameterValue, ...]

    @property
    def values(self) -> Mapping[str, str]:
        return _values(self.parameters)


@dataclass(frozen=True, slots=True)
class GetParameterNamesResponse:
    parameters: tuple[ParameterInfo, ...]


@dataclass(frozen=True, slots=True)
class GetParameterAttributesResponse:
    parameters: tuple[ParameterAttribute, ...]


@dataclass(frozen=True, slots=True)
class AddObjectResponse:
    instance_number: int
    status: int


@dataclass(frozen=True, slots=True)
class DeleteObjectResponse:
    status: int


@dataclass(frozen=True, slots=True)
class DownloadResponse:
    status: int
    start_time: str
    complete_time: str


@dataclass(frozen=True, slots=True)
class UploadResponse:
    status: int
    start_time: str
    complete_time: str


@dataclass(frozen=True, slots=True)
class Bare:
    """A message without arguments, such as RebootResponse, or the CPE's GetRPCMethods."""

    method: str


@dataclass(frozen=True, slots=True)
class Other:
    """A message that the HeMS does not know."""

    method: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault with its cwmp:Fault; `faultcode` is "Client" or "Server"."""

    faultcode: str
    faultstring: str
    code: int
    text: str
    parameters: tuple[ParameterFault, ...] = ()


Message = (
    Inform
    | TransferComplete
    | AutonomousTransferComplete
    | GetRPCMethodsResponse
    | SetParameterValuesResponse
    | GetParameterValuesResponse
    | GetParameterNamesResponse
    | GetParameterAttributesResponse
    | AddObjectResponse
    | DeleteObjectResponse
    | DownloadResponse
    | UploadResponse
    | Bare
    | Other
    | Fault
)


def _values(parameters: tuple[ParameterValue, ...]) -> Mapping[str, str]:
    return MappingProxyType({parameter.name: parameter.value for parameter in parameters})
