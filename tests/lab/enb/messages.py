"""The native protocol between henbd and an S1AP stack: lines to values, values to lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NoReturn, TypeVar

Address = IPv4Address | IPv6Address
Json = dict[str, Any]
T = TypeVar("T")

VERSION = 1
LONGEST_LINE = 262_144

# An eNB broadcasts no more (TS 36.413 9.2.3.7: maxnoofBPLMNs).
MOST_PLMNS = 6


class ProtocolError(ValueError):
    """A line that is against the protocol; the text is for the `error` that answers it."""


@dataclass(frozen=True, slots=True)
class FarEnd:
    """An S1 far end."""

    address: Address
    port: int


@dataclass(frozen=True, slots=True)
class Cell:
    """What S1 Setup says of us; the first PLMN is that of the Global eNB ID.

    No PLMN in a config: those of the stack's own configuration.
    """

    identity: int
    tac: int
    plmns: tuple[str, ...]
    name: str | None
    csg_id: int | None


@dataclass(frozen=True, slots=True)
class Link:
    """Where to register, from where, and as whom."""

    local: Address
    user_plane_local: Address
    peers: tuple[FarEnd, ...]
    inside: bool
    may_transmit: bool
    cell: Cell


@dataclass(frozen=True, slots=True)
class Config:
    """henbd's desired state; `received` is the link as it came."""

    generation: int
    link: Link | None
    received: Json | None


@dataclass(frozen=True, slots=True)
class Remark:
    """A message that asks for nothing: `pong`, `error`, or one of unknown type."""

    type: str
    text: str = ""


class LineReader:
    """Cuts a stream into lines of the permitted length."""

    def __init__(self) -> None:
        self._buffer = b""
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes | ProtocolError]:
        """Yield the lines that are complete now, and an error for each that is too long."""
        self._buffer += data
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if not self._skipping and len(line) + 1 > LONGEST_LINE:
                self._skipping = True
                yield ProtocolError(f"a line of more than {LONGEST_LINE} bytes")
            if not newline:
                if self._skipping:
                    self._buffer = b""
                return
            self._buffer = rest
            if not self._skipping:
                yield line
            self._skipping = False


def encode(message: Mapping[str, Any]) -> bytes:
    """Return the line of a message."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> Config | Remark:
    """Return what a line of henbd's says; raise ProtocolError."""
    try:
        message = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"no JSON: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolError("not a JSON object")
    kind = _Fields(message, "message").text("type")
    if kind == "config":
        return _config(_Fields(message, kind))
    # An error is never answered with an error: two sides that mend each other would never end.
    return Remark(kind, str(message.get("text", "")))


def is_plmn(value: object) -> bool:
    """Return whether this is a PLMN: 5 or 6 digits."""
    digits = isinstance(value, str) and value.isascii() and value.isdigit()
    return digits and len(str(value)) in (5, 6)


class _Fields:
    """The fields of a JSON object; what is missing or of the wrong type is a ProtocolError."""

    def __init__(self, fields: Json, name: str) -> None:
        self._fields = fields
        self._name = name

    def text(self, field: str) -> str:
        return self._typed(field, str, "a string")

    def boolean(self, field: str) -> bool:
        return self._typed(field, bool, "a boolean")

    def integer(self, field: str, low: int, high: int) -> int:
        value = self._get(field)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self._refuse(field, f"an integer in {low}..{high}")
        return value

    def address(self, field: str) -> Address:
        text = self.text(field)
        try:
            address = ip_address(text)
        except ValueError:
            self._refuse(field, "an address")
        if address.version == 6 and address.scope_id is not None:
            self._refuse(field, "an address without zone")
        return address

    def inner(self, field: str) -> _Fields:
        return _Fields(self.raw_object(field), f"{self._name}.{field}")

    def raw_object(self, field: str) -> Json:
        return self._typed(field, dict, "an object")

    def array(self, field: str) -> list[Any]:
        return self._typed(field, list, "a list")

    def nullable(self, field: str, read: Callable[[str], T]) -> T | None:
        """Return what `read` makes of the field, None if it is null."""
        return None if self._get(field) is None else read(field)

    def _typed(self, field: str, kind: type[T], words: str) -> T:
        value = self._get(field)
        if not isinstance(value, kind):
            self._refuse(field, words)
        return value

    def _get(self, field: str) -> Any:
        if field not in self._fields:
            raise ProtocolError(f"{self._name}: no {field}")
        return self._fields[field]

    def _refuse(self, field: str, wanted: str) -> NoReturn:
        raise ProtocolError(f"{self._name}: {field} is not {wanted}")


def _config(fields: _Fields) -> Config:
    generation = fields.integer("generation", 1, 1 << 62)
    received = fields.nullable("link", fields.raw_object)
    link = None if received is None else _link(fields.inner("link"))
    return Config(generation, link, received)


def _link(fields: _Fields) -> Link:
    peers = tuple(_far_end(peer) for peer in fields.array("peers"))
    if not peers:
        raise ProtocolError("config.link: peers is empty")
    return Link(
        local=fields.address("local"),
        user_plane_local=fields.address("user_plane_local"),
        peers=peers,
        inside=fields.boolean("inside"),
        may_transmit=fields.boolean("may_transmit"),
        cell=_cell(fields.inner("cell")),
    )


def _far_end(value: Any) -> FarEnd:
    if not isinstance(value, dict):
        raise ProtocolError("config.link: a peer is not an object")
    fields = _Fields(value, "config.link.peers")
    return FarEnd(fields.address("address"), fields.integer("port", 1, 65_535))


def _cell(fields: _Fields) -> Cell:
    plmns = fields.array("plmns")
    if len(plmns) > MOST_PLMNS or not all(is_plmn(plmn) for plmn in plmns):
        raise ProtocolError(f"config.link.cell: plmns is not up to {MOST_PLMNS} PLMNs")
    fields.raw_object("parameters")
    return Cell(
        identity=fields.integer("identity", 0, (1 << 28) - 1),
        tac=fields.integer("tac", 0, (1 << 16) - 1),
        plmns=tuple(plmns),
        name=fields.nullable("name", fields.text),
        csg_id=fields.nullable("csg_id", lambda field: fields.integer(field, 0, (1 << 27) - 1)),
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
