"""What we answer to each RPC of the HeMS (TR-069 A.3, A.4)."""

from __future__ import annotations

from dataclasses import dataclass

from henbd.cwmp.structs import Fault, QueuedTransfer


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
    """A.3.2.2; of each parameter its name, value and type on the wire."""

    parameters: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class SetParameterValuesResponse:
    """A.3.2.1: 0, applied; 1, committed and not yet applied."""

    status: int


@dataclass(frozen=True, slots=True)
class SetParameterAttributesResponse:
    """A.3.2.4."""


@dataclass(frozen=True, slots=True)
class GetParameterAttributesResponse:
    """A.3.2.5: names with their notification; the AccessList of those that are `closed` is empty.

    Of all others it is the Subscriber.
    """

    attributes: tuple[tuple[str, int], ...]
    closed: frozenset[str] = frozenset()


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
class MustUnderstand:
    """The SOAP fault that it is answered with; it has no CWMP fault in it."""

    header: str


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
