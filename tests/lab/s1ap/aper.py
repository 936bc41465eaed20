"""ASN.1 aligned packed encoding (X.691), as much of it as S1AP's non-UE procedures need.

A `Type` is how a value is written and read; the functions below make types of types, as ASN.1 does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

# From here on a length is sent in fragments (X.691 11.9.3.8), which nothing in S1AP comes near.
_LONGEST = 16_384


class AperError(ValueError):
    """A value that does not fit its type, or bytes that no value has."""


class Writer:
    """Bits, written from the most significant one on."""

    def __init__(self) -> None:
        self._value = 0
        self._width = 0

    def bits(self, value: int, width: int) -> None:
        """Add the lowest `width` bits of a number that has no more."""
        if not 0 <= value < 1 << width:
            raise AperError(f"{value} does not fit {width} bits")
        self._value = self._value << width | value
        self._width += width

    def align(self) -> None:
        """Fill up the octet."""
        self.bits(0, -self._width % 8)

    def octets(self, data: bytes) -> None:
        """Add whole octets, aligned."""
        self.align()
        self.bits(int.from_bytes(data, "big"), len(data) * 8)

    def number(self, value: int, low: int, high: int) -> None:
        """Add a constrained whole number (X.691 11.5.7)."""
        if not low <= value <= high:
            raise AperError(f"{value} is not in {low}..{high}")
        offset, last = value - low, high - low
        if last < 255:
            self.bits(offset, last.bit_length())
        elif last < 65_536:
            self.octets(offset.to_bytes(1 if last == 255 else 2, "big"))
        else:
            # As few octets as the value needs, after their number.
            size, most = (max(1, (n.bit_length() + 7) // 8) for n in (offset, last))
            self.number(size, 1, most)
            self.octets(offset.to_bytes(size, "big"))

    def length(self, length: int) -> None:
        """Add a length without bounds (X.691 11.9.3.6-7)."""
        if length >= _LONGEST:
            raise AperError(f"a length of {length} is not supported")
        self.octets(bytes([length]) if length < 128 else (0x8000 | length).to_bytes(2, "big"))

    def open_type(self, data: bytes) -> None:
        """Add an open type: whole octets after their number."""
        self.length(len(data))
        self.octets(data)

    def content(self) -> bytes:
        """Return all that was written, in whole octets; at least one (X.691 11.1.3)."""
        self.align()
        return self._value.to_bytes(self._width // 8, "big") or b"\0"


class Reader:
    """Bits, read in the same order. What is not there is an AperError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def bits(self, width: int) -> int:
        """Take so many bits."""
        if width > self._left:
            raise AperError("cut short")
        self._left -= width
        return self._value >> self._left & (1 << width) - 1

    def align(self) -> None:
        """Go to the next whole octet."""
        self._left -= self._left % 8

    def octets(self, count: int) -> bytes:
        """Take so many whole octets, aligned."""
        self.align()
        return self.bits(count * 8).to_bytes(count, "big")

    def number(self, low: int, high: int) -> int:
        """Take a constrained whole number."""
        last = high - low
        if last < 255:
            offset = self.bits(last.bit_length())
        elif last < 65_536:
            offset = int.from_bytes(self.octets(1 if last == 255 else 2), "big")
        else:
            size = self.number(1, (last.bit_length() + 7) // 8)
            offset = int.from_bytes(self.octets(size), "big")
        if offset > last:
            raise AperError(f"{low + offset} is not in {low}..{high}")
        return low + offset

    def length(self) -> int:
        """Take a length without bounds."""
        first = self.octets(1)[0]
        if first < 0x80:
            return first
        if first < 0xC0:
            return (first & 0x3F) << 8 | self.octets(1)[0]
        raise AperError("a length in fragments is not supported")

    def open_type(self) -> bytes:
        """Take an open type."""
        return self.octets(self.length())

    def small_number(self) -> int:
        """Take a normally small number (X.691 11.6), as extensions are numbered."""
        if self.bits(1):
            return int.from_bytes(self.open_type(), "big")
        return self.bits(6)

    def finish(self) -> None:
        """Make sure that nothing but padding is left."""
        if self._left >= 8:
            raise AperError(f"{self._left // 8} octets too many")


@dataclass(frozen=True, slots=True)
class Type(Generic[T]):
    """How a value is written and read."""

    write: Callable[[Writer, T], None]
    read: Callable[[Reader], T]


def encode(kind: Type[T], value: T) -> bytes:
    """Return the complete encoding of a value; raise AperError."""
    writer = Writer()
    kind.write(writer, value)
    return writer.content()


def decode(kind: Type[T], data: bytes) -> T:
    """Return the value of a complete encoding; raise AperError."""
    reader = Reader(data)
    value = kind.read(reader)
    reader.finish()
    return value


def integer(low: int, high: int) -> Type[int]:
    """INTEGER (low..high)."""
    return Type(lambda w, value: w.number(value, low, high), lambda r: r.number(low, high))


def enumerated(root: tuple[T, ...], additions: tuple[T, ...] = ()) -> Type[T]:
    """ENUMERATED {root, ..., additions}; an addition that we do not know is an AperError."""

    def write(writer: Writer, value: T) -> None:
        if value in root:
            writer.bits(0, 1)
            writer.number(root.index(value), 0, len(root) - 1)
        elif value in additions:
            writer.bits(1, 1)
            writer.bits(additions.index(value), 7)  # normally small: a bit 0 and six more
        else:
            raise AperError(f"no such value: {value}")

    def read(reader: Reader) -> T:
        if not reader.bits(1):
            return root[reader.number(0, len(root) - 1)]
        index = reader.small_number()
        if index >= len(additions):
            raise AperError(f"unknown addition {index} to {root[0]}...")
        return additions[index]

    return Type(write, read)


def bit_string(size: int) -> Type[int]:
    """BIT STRING (SIZE (size)) as a number: up to 16 bits stand where they stand (X.691 16.9)."""

    def write(writer: Writer, value: int) -> None:
        if size > 16:
            writer.align()
        writer.bits(value, size)

    def read(reader: Reader) -> int:
        if size > 16:
            reader.align()
        return reader.bits(size)

    return Type(write, read)


def list_of(item: Type[T], low: int, high: int) -> Type[tuple[T, ...]]:
    """SEQUENCE (SIZE (low..high)) OF item."""

    def write(writer: Writer, value: tuple[T, ...]) -> None:
        writer.number(len(value), low, high)
        for one in value:
            item.write(writer, one)

    def read(reader: Reader) -> tuple[T, ...]:
        return tuple(item.read(reader) for _ in range(reader.number(low, high)))

    return Type(write, read)
