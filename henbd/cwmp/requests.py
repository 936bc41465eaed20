"""What the HeMS asks of us, a frozen dataclass for each RPC (TR-069 A.3, A.4)."""

from __future__ import annotations

from dataclasses import dataclass

from henbd.cwmp.structs import AttributeChange, ParameterValue
from henbd.cwmp.transfer_requests import Download, Upload


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
