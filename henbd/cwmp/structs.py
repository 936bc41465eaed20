"""The structures that the RPC messages of TR-069 are made of, as frozen dataclasses.

A value is the text of the wire; its type is the model's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class ParameterValue(NamedTuple):
    """A ParameterValueStruct; `type` is the local name of its XML Schema type.

    A frozen dataclass takes three times as long to make, which a SetParameterValues of hundreds
    of them shows.
    """

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
class QueuedTransfer:
    """An AllQueuedTransferStruct; `state` 1: not yet started, 2: in progress."""

    command_key: str
    state: int
    is_download: bool
    file_type: str
    file_size: int
    target_file_name: str


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


# The one entity of an AccessList that the standard has (A.3.2.4).
SUBSCRIBER = "Subscriber"


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """A SetParameterAttributesStruct; what is None stays as it is.

    `subscriber`: the AccessList names the Subscriber. Other entities are a vendor's own, and of
    this vendor there are none.
    """

    name: str
    notification: int | None
    subscriber: bool | None = None
