"""S1AP messages to bytes and back (TS 36.413 9.3): a table of what is in each, and its reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.lab.s1ap import elements
from tests.lab.s1ap.aper import AperError, Reader, Type, Writer
from tests.lab.s1ap.aper import decode as decode_type
from tests.lab.s1ap.aper import encode as encode_type
from tests.lab.s1ap.elements import Criticality
from tests.lab.s1ap.messages import (
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


class S1apError(ValueError):
    """A message that cannot be encoded, or bytes that are no message."""


@dataclass(frozen=True, slots=True)
class _Element:
    """An information element, and the field that it is."""

    field: str
    id: int
    criticality: Criticality
    type: Type[Any]
    mandatory: bool = True


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a message looks on the wire: elements in the order of the standard."""

    kind: Kind
    procedure: int
    criticality: Criticality
    elements: tuple[_Element, ...] = ()


_REJECT, _IGNORE = Criticality.REJECT, Criticality.IGNORE

_NAME = _Element("enb_name", 60, _IGNORE, elements.NAME, mandatory=False)
_CSG_IDS = _Element("csg_ids", 128, _REJECT, elements.CSG_IDS, mandatory=False)
_CAUSE = _Element("cause", 2, _IGNORE, elements.CAUSE)
_TIME_TO_WAIT = _Element("time_to_wait_s", 65, _IGNORE, elements.TIME_TO_WAIT, mandatory=False)

_LAYOUTS: dict[type, _Layout] = {
    S1SetupRequest: _Layout(
        Kind.INITIATING,
        17,
        _REJECT,
        (
            _Element("global_enb_id", 59, _REJECT, elements.GLOBAL_ENB_ID),
            _NAME,
            _Element("supported_tas", 64, _REJECT, elements.SUPPORTED_TAS),
            _Element("default_paging_drx", 137, _IGNORE, elements.PAGING_DRX),
            _CSG_IDS,
        ),
    ),
    S1SetupResponse: _Layout(
        Kind.SUCCESSFUL,
        17,
        _REJECT,
        (
            _Element("mme_name", 61, _IGNORE, elements.NAME, mandatory=False),
            _Element("served_gummeis", 105, _REJECT, elements.SERVED_GUMMEIS),
            _Element("relative_mme_capacity", 87, _IGNORE, elements.CAPACITY),
        ),
    ),
    S1SetupFailure: _Layout(Kind.UNSUCCESSFUL, 17, _REJECT, (_CAUSE, _TIME_TO_WAIT)),
    EnbConfigurationUpdate: _Layout(
        Kind.INITIATING,
        29,
        _REJECT,
        (
            _NAME,
            _Element("supported_tas", 64, _REJECT, elements.SUPPORTED_TAS, mandatory=False),
            _CSG_IDS,
            _Element("default_paging_drx", 137, _IGNORE, elements.PAGING_DRX, mandatory=False),
        ),
    ),
    EnbConfigurationUpdateAcknowledge: _Layout(Kind.SUCCESSFUL, 29, _REJECT),
    EnbConfigurationUpdateFailure: _Layout(Kind.UNSUCCESSFUL, 29, _REJECT, (_CAUSE, _TIME_TO_WAIT)),
    Reset: _Layout(
        Kind.INITIATING,
        14,
        _REJECT,
        (_CAUSE, _Element("connections", 92, _REJECT, elements.RESET_TYPE)),
    ),
    ResetAcknowledge: _Layout(
        Kind.SUCCESSFUL,
        14,
        _REJECT,
        (
            _Element(
                "connections",
                93,
                _IGNORE,
                elements.ACKNOWLEDGED_CONNECTIONS,
                mandatory=False,
            ),
        ),
    ),
    ErrorIndication: _Layout(
        Kind.INITIATING,
        15,
        _IGNORE,
        (
            _Element("mme_ue_id", 0, _IGNORE, elements.MME_UE_ID, mandatory=False),
            _Element("enb_ue_id", 8, _IGNORE, elements.ENB_UE_ID, mandatory=False),
            _Element("cause", 2, _IGNORE, elements.CAUSE, mandatory=False),
        ),
    ),
}
_MESSAGES = {(layout.kind, layout.procedure): message for message, layout in _LAYOUTS.items()}


def encode(message: Message) -> bytes:
    """Return the bytes of a message; raise S1apError if a value of it does not fit."""
    layout = _LAYOUTS.get(type(message))
    if layout is None:
        raise S1apError(f"cannot be encoded: {message}")
    present = []
    for element in layout.elements:
        value = getattr(message, element.field)
        if element.mandatory or value not in (None, ()):
            present.append(_encode_element(element, value))
    body = Writer()
    body.bits(0, 1)
    body.number(len(present), 0, 65_535)
    for identifier, criticality, content in present:
        body.number(identifier, 0, 65_535)
        body.bits(criticality, 2)
        body.open_type(content)
    return _pdu(layout, body.content())


def decode(data: bytes) -> Message:
    """Return the message; raise S1apError if the bytes are none.

    Elements that are unknown here are passed over if their criticality lets them.
    """
    try:
        kind, procedure, criticality, content = _open_pdu(data)
        found = _MESSAGES.get((kind, procedure))
        if found is None:
            return Other(kind, procedure, criticality)
        return _read_message(found, Reader(content))
    except AperError as error:
        raise S1apError(str(error)) from error


def _encode_element(element: _Element, value: Any) -> tuple[int, Criticality, bytes]:
    try:
        return element.id, element.criticality, encode_type(element.type, value)
    except AperError as error:
        raise S1apError(f"{element.field}: {error}") from error


def _pdu(layout: _Layout, content: bytes) -> bytes:
    pdu = Writer()
    pdu.bits(0, 1)
    pdu.bits(layout.kind, 2)
    pdu.number(layout.procedure, 0, 255)
    pdu.bits(layout.criticality, 2)
    try:
        pdu.open_type(content)
    except AperError as error:
        raise S1apError(str(error)) from error
    return pdu.content()


def _open_pdu(data: bytes) -> tuple[Kind, int, Criticality, bytes]:
    reader = Reader(data)
    if reader.bits(1):
        raise S1apError("unknown kind of PDU")
    kind = Kind(reader.number(0, len(Kind) - 1))
    procedure = reader.number(0, 255)
    criticality = Criticality(reader.number(0, 2))
    content = reader.open_type()
    reader.finish()
    return kind, procedure, criticality, content


def _read_message(message: type, reader: Reader) -> Message:
    known = {element.id: element for element in _LAYOUTS[message].elements}
    extended = reader.bits(1)
    values: dict[str, Any] = {}
    for _ in range(reader.number(0, 65_535)):
        identifier = reader.number(0, 65_535)
        criticality, content = reader.number(0, 2), reader.open_type()
        element = known.get(identifier)
        if element is None:
            if criticality == Criticality.REJECT:
                raise S1apError(f"unknown element {identifier} that may not be passed over")
            continue
        if element.field in values:
            raise S1apError(f"element {identifier} twice")
        values[element.field] = _decode_element(element, content)
    if not extended:
        reader.finish()
    for element in known.values():
        if element.mandatory and element.field not in values:
            raise S1apError(f"no {element.field} in {message.__name__}")
    result: Message = message(**values)
    return result


def _decode_element(element: _Element, content: bytes) -> Any:
    try:
        return decode_type(element.type, content)
    except AperError as error:
        raise S1apError(f"{element.field}: {error}") from error
