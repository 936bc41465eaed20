"""The information elements of S1AP that the lab speaks (TS 36.413 9.2, 9.3.4): values and types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TypeVar

from tests.lab.s1ap.aper import (
    AperError,
    Reader,
    Type,
    Writer,
    bit_string,
    decode,
    encode,
    enumerated,
    integer,
    list_of,
)
from tests.lab.s1ap.causes import CAUSES, Cause

T = TypeVar("T")

_PRINTABLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")


class Criticality(IntEnum):
    """What one is to do who does not know an element (TS 36.413 10.3.2)."""

    REJECT = 0
    IGNORE = 1
    NOTIFY = 2


class EnbKind(Enum):
    """The kinds of eNB identity, and their bits."""

    MACRO = 20
    HOME = 28


@dataclass(frozen=True, slots=True)
class GlobalEnbId:
    """Global eNB ID; the PLMN as 5 or 6 digits."""

    plmn: str
    identity: int
    kind: EnbKind = EnbKind.HOME


@dataclass(frozen=True, slots=True)
class SupportedTa:
    """A tracking area and the PLMNs that are broadcast in it."""

    tac: int
    plmns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServedGummei:
    """What an MME serves."""

    plmns: tuple[str, ...]
    group_ids: tuple[int, ...]
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UeConnection:
    """A UE-associated logical S1-connection, by what one or both ends call it."""

    mme_ue_id: int | None = None
    enb_ue_id: int | None = None


def sequence(write: Callable[[Writer, T], None], read: Callable[[Reader], T]) -> Type[T]:
    """SEQUENCE {..., iE-Extensions OPTIONAL, ...}; extensions are skipped, and never written."""

    def write_all(writer: Writer, value: T) -> None:
        writer.bits(0, 2)
        write(writer, value)

    def read_all(reader: Reader) -> T:
        extended, has_extensions = reader.bits(1), reader.bits(1)
        value = read(reader)
        skip_extensions(reader, extended, has_extensions)
        return value

    return Type(write_all, read_all)


def skip_extensions(reader: Reader, extended: int, has_extensions: int) -> None:
    """Pass over iE-Extensions, and over what a later version of a SEQUENCE may hold."""
    if has_extensions:
        for _ in range(reader.number(1, 65_535)):
            reader.number(0, 65_535)
            reader.bits(2)
            reader.open_type()
    if extended:
        present = [reader.bits(1) for _ in range(reader.small_number() + 1)]
        for _ in range(sum(present)):
            reader.open_type()


def is_printable(text: str) -> bool:
    """Return whether PrintableString has all these characters."""
    return _PRINTABLE.issuperset(text)


def printable_string(high: int) -> Type[str]:
    """PrintableString (SIZE (1..high, ...))."""

    def write(writer: Writer, value: str) -> None:
        if not is_printable(value):
            raise AperError(f"not printable: {value!r}")
        writer.bits(0, 1)
        writer.number(len(value), 1, high)
        writer.octets(value.encode("ascii"))

    def read(reader: Reader) -> str:
        length = reader.length() if reader.bits(1) else reader.number(1, high)
        value = reader.octets(length).decode("latin-1")
        if not is_printable(value):
            raise AperError(f"not printable: {value!r}")
        return value

    return Type(write, read)


def _write_plmn(writer: Writer, value: str) -> None:
    if len(value) not in (5, 6) or not (value.isascii() and value.isdigit()):
        raise AperError(f"no PLMN: {value!r}")
    mcc, mnc = value[:3], value[3:].ljust(3, "f")
    # TS 36.413 9.2.3.8: nibbles swapped, the filler where the third digit of the MNC would be.
    writer.octets(bytes.fromhex(mcc[1] + mcc[0] + mnc[2] + mcc[2] + mnc[1] + mnc[0]))


def _read_plmn(reader: Reader) -> str:
    mcc2, mcc1, mnc3, mcc3, mnc2, mnc1 = tuple(reader.octets(3).hex())
    value = mcc1 + mcc2 + mcc3 + mnc1 + mnc2 + (mnc3 if mnc3 != "f" else "")
    if not value.isdigit():
        raise AperError(f"no PLMN: {value!r}")
    return value


def _write_cause(writer: Writer, value: Cause) -> None:
    if value.group not in CAUSES:
        raise AperError(f"no such cause: {value}")
    writer.bits(0, 1)
    writer.number(_GROUPS.index(value.group), 0, len(_GROUPS) - 1)
    _NAMES[value.group].write(writer, value.name)


def _read_cause(reader: Reader) -> Cause:
    if reader.bits(1):
        raise AperError("unknown group of causes")
    group = _GROUPS[reader.number(0, len(_GROUPS) - 1)]
    return Cause(group, _NAMES[group].read(reader))


def _write_global_enb_id(writer: Writer, value: GlobalEnbId) -> None:
    PLMN.write(writer, value.plmn)
    writer.bits(0, 1)
    writer.bits(1 if value.kind is EnbKind.HOME else 0, 1)
    bit_string(value.kind.value).write(writer, value.identity)


def _read_global_enb_id(reader: Reader) -> GlobalEnbId:
    plmn = PLMN.read(reader)
    if reader.bits(1):
        raise AperError("unknown kind of eNB identity")
    kind = EnbKind.HOME if reader.bits(1) else EnbKind.MACRO
    return GlobalEnbId(plmn, bit_string(kind.value).read(reader), kind)


def _write_supported_ta(writer: Writer, value: SupportedTa) -> None:
    _TAC.write(writer, value.tac)
    _BROADCAST_PLMNS.write(writer, value.plmns)


def _read_supported_ta(reader: Reader) -> SupportedTa:
    return SupportedTa(_TAC.read(reader), _BROADCAST_PLMNS.read(reader))


def _write_served_gummei(writer: Writer, value: ServedGummei) -> None:
    _SERVED_PLMNS.write(writer, value.plmns)
    _SERVED_GROUPS.write(writer, value.group_ids)
    _SERVED_CODES.write(writer, value.codes)


def _read_served_gummei(reader: Reader) -> ServedGummei:
    return ServedGummei(
        _SERVED_PLMNS.read(reader), _SERVED_GROUPS.read(reader), _SERVED_CODES.read(reader)
    )


def _write_ue_connection(writer: Writer, value: UeConnection) -> None:
    writer.bits(0, 1)
    for identity in (value.mme_ue_id, value.enb_ue_id):
        writer.bits(0 if identity is None else 1, 1)
    writer.bits(0, 1)
    if value.mme_ue_id is not None:
        MME_UE_ID.write(writer, value.mme_ue_id)
    if value.enb_ue_id is not None:
        ENB_UE_ID.write(writer, value.enb_ue_id)


def _read_ue_connection(reader: Reader) -> UeConnection:
    extended, has_mme, has_enb, has_extensions = (reader.bits(1) for _ in range(4))
    mme_ue_id = MME_UE_ID.read(reader) if has_mme else None
    enb_ue_id = ENB_UE_ID.read(reader) if has_enb else None
    skip_extensions(reader, extended, has_extensions)
    return UeConnection(mme_ue_id, enb_ue_id)


def _write_reset_type(writer: Writer, value: tuple[UeConnection, ...]) -> None:
    writer.bits(0, 1)
    writer.bits(1 if value else 0, 1)
    if value:
        RESET_CONNECTIONS.write(writer, value)
    else:
        _RESET_ALL.write(writer, "reset-all")


def _read_reset_type(reader: Reader) -> tuple[UeConnection, ...]:
    if reader.bits(1):
        raise AperError("unknown type of Reset")
    if reader.bits(1):
        return RESET_CONNECTIONS.read(reader)
    _RESET_ALL.read(reader)
    return ()


def _connection_list(criticality: Criticality) -> Type[tuple[UeConnection, ...]]:
    """Return the list of a Reset or its Acknowledge: each item in a container of its own."""

    def write(writer: Writer, value: UeConnection) -> None:
        writer.number(_CONNECTION_ITEM_ID, 0, 65_535)
        writer.bits(criticality, 2)
        writer.open_type(encode(UE_CONNECTION, value))

    def read(reader: Reader) -> UeConnection:
        found = reader.number(0, 65_535)
        if found != _CONNECTION_ITEM_ID:
            raise AperError(f"item {found} in a list of connections")
        reader.bits(2)
        return decode(UE_CONNECTION, reader.open_type())

    return list_of(Type(write, read), 1, 256)


_CONNECTION_ITEM_ID = 91
_GROUPS = tuple(CAUSES)
_NAMES = {group: enumerated(*names) for group, names in CAUSES.items()}

PLMN = Type(_write_plmn, _read_plmn)
CAUSE = Type(_write_cause, _read_cause)
MME_UE_ID = integer(0, (1 << 32) - 1)
ENB_UE_ID = integer(0, (1 << 24) - 1)
UE_CONNECTION = Type(_write_ue_connection, _read_ue_connection)
NAME = printable_string(150)
GLOBAL_ENB_ID = sequence(_write_global_enb_id, _read_global_enb_id)
PAGING_DRX = enumerated((32, 64, 128, 256))
TIME_TO_WAIT = enumerated((1, 2, 5, 10, 20, 60))
CAPACITY = integer(0, 255)

_TAC: Type[int] = bit_string(16)  # OCTET STRING (SIZE (2)) looks the same
_BROADCAST_PLMNS = list_of(PLMN, 1, 6)
SUPPORTED_TAS = list_of(sequence(_write_supported_ta, _read_supported_ta), 1, 256)

_CSG_ID: Type[int] = bit_string(27)
CSG_IDS = list_of(sequence(_CSG_ID.write, _CSG_ID.read), 1, 256)

_SERVED_PLMNS = list_of(PLMN, 1, 32)
_SERVED_GROUPS = list_of(bit_string(16), 1, 65_535)
_SERVED_CODES = list_of(bit_string(8), 1, 256)
SERVED_GUMMEIS = list_of(sequence(_write_served_gummei, _read_served_gummei), 1, 8)

_RESET_ALL = enumerated(("reset-all",))
RESET_CONNECTIONS = _connection_list(Criticality.REJECT)
RESET_TYPE = Type(_write_reset_type, _read_reset_type)
ACKNOWLEDGED_CONNECTIONS = _connection_list(Criticality.IGNORE)
