"""A JSON object from somebody else, read field by field; ValueError names the field that is wrong.

Pure, and exact: no type is taken for another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeVar

from henbd.printable import printable
from henbd.values import Address

T = TypeVar("T")

# As long as an eNBname or MMEname may be (TS 36.413 9.1.8.4), and enough for any other name.
LONGEST_TEXT = 150


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object on its way to a value; `path` leads to its fields, for error texts."""

    path: str
    fields: Mapping[str, object]

    def value(self, name: str) -> object:
        """Return a field as it is."""
        if name not in self.fields:
            raise ValueError(f"{self.path}{name} is missing")
        return self.fields[name]

    def string(self, name: str) -> str:
        """Return any string."""
        value = self.value(name)
        if not isinstance(value, str):
            raise ValueError(f"{self.path}{name} is no string")
        return value

    def text(self, name: str, longest: int = LONGEST_TEXT) -> str:
        """Return a string made fit for a log: on one line, and not too long."""
        return printable(self.string(name)[:longest])

    def integer(self, name: str, least: int, most: int) -> int:
        """Return an integer within a range."""
        value = self.value(name)
        # To Python, true and false are integers.
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"{self.path}{name} is no integer")
        if not least <= value <= most:
            raise ValueError(f"{self.path}{name} is not within {least} to {most}")
        return value

    def boolean(self, name: str) -> bool:
        """Return true or false."""
        value = self.value(name)
        if not isinstance(value, bool):
            raise ValueError(f"{self.path}{name} is no boolean")
        return value

    def address(self, name: str) -> Address:
        """Return an address."""
        return address(self.path + name, self.value(name))

    def optional(self, name: str, read: Callable[[str], T]) -> T | None:
        """Return a field that `read` reads, None where it is null; missing it may not be."""
        return None if self.value(name) is None else read(name)

    def items(self, name: str) -> list[tuple[str, object]]:
        """Return the items of a list, each with its path."""
        value = self.value(name)
        if not isinstance(value, list):
            raise ValueError(f"{self.path}{name} is no list")
        return [(f"{self.path}{name}[{number}]", item) for number, item in enumerate(value)]

    def texts(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return the strings of an object with their names, sorted."""
        found = self.inner(name)
        return tuple((key, found.string(key)) for key in sorted(found.fields))

    def inner(self, name: str) -> JsonObject:
        """Return an object."""
        return _object(self.path + name, self.value(name))

    def inners(self, name: str) -> list[JsonObject]:
        """Return a list of objects."""
        return [_object(*item) for item in self.items(name)]


def parse_object(line: bytes) -> JsonObject:
    """Return the object that a line is (RFC 8259, UTF-8)."""
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("the line is no JSON object")
    return JsonObject("", value)


def address(path: str, value: object) -> Address:
    """Return the address that a value is written as: a literal without brackets or zone."""
    if not isinstance(value, str):
        raise ValueError(f"{path} is no string")
    try:
        # Python takes an IPv6 zone for part of the address.
        if "%" not in value:
            return ip_address(value)
    except ValueError:
        pass
    raise ValueError(f"{path} is no address")


def _object(path: str, value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise ValueError(f"{path} is no object")
    return JsonObject(path + ".", value)


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is no number")
