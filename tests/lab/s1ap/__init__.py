"""S1AP (TS 36.413) for the lab: messages as values, `encode` and `decode`."""

from tests.lab.s1ap.causes import Cause
from tests.lab.s1ap.codec import S1apError, decode, encode
from tests.lab.s1ap.elements import (
    Criticality,
    EnbKind,
    GlobalEnbId,
    ServedGummei,
    SupportedTa,
    UeConnection,
)
from tests.lab.s1ap.messages import (
    PORT,
    PPID,
    EnbConfigurationUpdate,
    EnbConfigurationUpdateAcknowledge,
    EnbConfigurationUpdateFailure,
    ErrorIndication,
    Kind,
    Message,
    Other,
    Reset,
    ResetAcknowledge,
    S1SetupFailure,
    S1SetupRequest,
    S1SetupResponse,
)

__all__ = [
    "PORT",
    "PPID",
    "Cause",
    "Criticality",
    "EnbConfigurationUpdate",
    "EnbConfigurationUpdateAcknowledge",
    "EnbConfigurationUpdateFailure",
    "EnbKind",
    "ErrorIndication",
    "GlobalEnbId",
    "Kind",
    "Message",
    "Other",
    "Reset",
    "ResetAcknowledge",
    "S1SetupFailure",
    "S1SetupRequest",
    "S1SetupResponse",
    "S1apError",
    "ServedGummei",
    "SupportedTa",
    "UeConnection",
    "decode",
    "encode",
]
