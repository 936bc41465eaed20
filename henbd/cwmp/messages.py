"""The messages of a session as frozen dataclasses: ours, those of the HeMS, and their envelope.

`soap` makes bytes of them and the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from henbd.cwmp.structs import DeviceId, Event, Fault, ParameterValue

if TYPE_CHECKING:
    # Not needed to inform, and a start has no time to waste.
    from henbd.cwmp.requests import Request
    from henbd.cwmp.responses import Response


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
class InformResponse:
    """A.3.3.1."""


@dataclass(frozen=True, slots=True)
class TransferCompleteResponse:
    """A.3.3.2."""


@dataclass(frozen=True, slots=True)
class AutonomousTransferCompleteResponse:
    """A.3.3.3."""


# What we ask of the HeMS, and what it answers.
Call = TransferComplete | AutonomousTransferComplete

CallResponse = TransferCompleteResponse | AutonomousTransferCompleteResponse

Outgoing: TypeAlias = "Inform | Call | Response"

Incoming: TypeAlias = "InformResponse | CallResponse | Request | Fault"


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
