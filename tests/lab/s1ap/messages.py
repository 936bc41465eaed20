"""The messages of S1AP (TS 36.413) that concern S1 as a whole, as values.

An eNB registers (S1 Setup) and tells of changes (eNB Configuration Update); either side starts anew
(Reset) or complains (Error Indication). Other procedures are recognised, not understood.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from tests.lab.s1ap.causes import Cause
from tests.lab.s1ap.elements import (
    Criticality,
    GlobalEnbId,
    ServedGummei,
    SupportedTa,
    UeConnection,
)

# TS 36.412 7: the payload protocol identifier and the port of S1AP.
PPID = 18
PORT = 36_412


class Kind(IntEnum):
    """The alternatives of S1AP-PDU."""

    INITIATING = 0
    SUCCESSFUL = 1
    UNSUCCESSFUL = 2


@dataclass(frozen=True, slots=True)
class S1SetupRequest:
    """TS 36.413 9.1.8.4; no CSG ids: no list."""

    global_enb_id: GlobalEnbId
    supported_tas: tuple[SupportedTa, ...]
    default_paging_drx: int = 128
    enb_name: str | None = None
    csg_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class S1SetupResponse:
    """TS 36.413 9.1.8.5."""

    served_gummeis: tuple[ServedGummei, ...]
    relative_mme_capacity: int
    mme_name: str | None = None


@dataclass(frozen=True, slots=True)
class S1SetupFailure:
    """TS 36.413 9.1.8.6."""

    cause: Cause
    time_to_wait_s: int | None = None


@dataclass(frozen=True, slots=True)
class EnbConfigurationUpdate:
    """TS 36.413 9.1.8.7: what is not there stays as it was."""

    enb_name: str | None = None
    supported_tas: tuple[SupportedTa, ...] = ()
    csg_ids: tuple[int, ...] = ()
    default_paging_drx: int | None = None


@dataclass(frozen=True, slots=True)
class EnbConfigurationUpdateAcknowledge:
    """TS 36.413 9.1.8.8."""


@dataclass(frozen=True, slots=True)
class EnbConfigurationUpdateFailure:
    """TS 36.413 9.1.8.9."""

    cause: Cause
    time_to_wait_s: int | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """TS 36.413 9.1.8.1; no connections: all of S1."""

    cause: Cause
    connections: tuple[UeConnection, ...] = ()


@dataclass(frozen=True, slots=True)
class ResetAcknowledge:
    """TS 36.413 9.1.8.2."""

    connections: tuple[UeConnection, ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorIndication:
    """TS 36.413 9.1.8.3: the cause should be there, or the diagnostics, which are not kept here."""

    mme_ue_id: int | None = None
    enb_ue_id: int | None = None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Other:
    """A message of a procedure that is not understood here."""

    kind: Kind
    procedure: int
    criticality: Criticality


Message = (
    S1SetupRequest
    | S1SetupResponse
    | S1SetupFailure
    | EnbConfigurationUpdate
    | EnbConfigurationUpdateAcknowledge
    | EnbConfigurationUpdateFailure
    | Reset
    | ResetAcknowledge
    | ErrorIndication
    | Other
)
