"""What a value of the configuration has to be: one reader for each kind.

A reader takes a value as TOML gives it, and returns it as the settings want it. It raises
ValueError where that cannot be, with a text that never repeats what may be a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from enum import Enum
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar
from urllib.parse import urlsplit

from henbd.control.refusal import is_host
from henbd.values import Address, Coordinates, Network

Reader = Callable[[object], Any]
E = TypeVar("E", bound=Enum)
V = TypeVar("V")

# What a Unix socket's address has room for (unix(7)), without the final zero.
LONGEST_SOCKET_PATH = 107

COORDINATES = re.compile(r"(-?[0-9]{1,3}(?:\.[0-9]{1,9})?)[, ] *(-?[0-9]{1,3}(?:\.[0-9]{1,9})?)")

# IFNAMSIZ, with the final zero; what iproute2 and charon take without quotes.
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")

TOML_TYPES: dict[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal number",
    str: "a text",
    list: "an array",
    dict: "a table",
}


def text(longest: int, *, least: int = 0) -> Reader:
    """Return a reader of text on one line, of so many characters."""

    def read(value: object) -> str:
        found = _typed(value, str)
        if not least <= len(found) <= longest:
            raise ValueError(f"has {len(found)} characters, {least} to {longest} are wanted")
        if not found.isprintable():
            raise ValueError("has unprintable characters")
        return found

    return read


def interface(value: object) -> str:
    """Read the name of a network interface; empty: none."""
    found = _typed(value, str)
    if found and not INTERFACE.fullmatch(found):
        raise ValueError(f"{found!r} is no name of an interface: 1 to 15 letters, digits, - . _")
    return found


def number(least: int, most: int) -> Reader:
    """Return a reader of integers within a range."""

    def read(value: object) -> int:
        found = _typed(value, int)
        if not least <= found <= most:
            raise ValueError(f"{found} is not within {least} to {most}")
        return found

    return read


def choice(kind: type[E]) -> Reader:
    """Return a reader of the words of an enumeration."""
    read = one_of(word.value for word in kind)
    return lambda value: kind(read(value))


def one_of(words: Iterable[str]) -> Reader:
    """Return a reader of these words."""
    known = tuple(words)

    def read(value: object) -> str:
        found = _typed(value, str)
        if found not in known:
            raise ValueError(f"{found!r} is not {' or '.join(map(repr, known))}")
        return found

    return read


def boolean(value: object) -> bool:
    """Read true or false."""
    return _typed(value, bool)


def path(value: object) -> str:
    """Read where a file is; a daemon has no directory that a relative path could count from."""
    found = text(4095)(value)
    if not os.path.isabs(found):
        raise ValueError(f"{found!r} is not an absolute path")
    return str(found)


def socket_path(value: object) -> str:
    """Read where a Unix socket is."""
    found = path(value)
    if len(os.fsencode(found)) > LONGEST_SOCKET_PATH:
        raise ValueError(f"{found!r} is too long for a socket")
    return found


def oui(value: object) -> str:
    """Read an Organizationally Unique Identifier."""
    found = _typed(value, str)
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", found):
        raise ValueError(f"{found!r} is not 6 hexadecimal digits")
    return found.upper()


def url(value: object) -> str:
    """Read a URL; whether it leads anywhere is seen together with the other settings."""
    found = str(text(2048, least=1)(value))
    try:
        names_somebody = "@" in urlsplit(found).netloc
    except ValueError as error:
        raise ValueError(f"{found!r}: {error}") from error
    if names_somebody:
        raise ValueError("names a user: that belongs into username and password")
    return found


def request_path(value: object) -> str:
    """Read the path of a URL, or an empty text."""
    found = str(text(256)(value))
    if found and not re.fullmatch(r"/[A-Za-z0-9._~/-]*", found):
        raise ValueError(f"{found!r} is no path that begins with / and has no special characters")
    return found


def host(value: object) -> str:
    """Read an address or a host name, of the length of SecGWServerN (TR-196)."""
    found = str(text(64, least=1)(value))
    if not is_host(found):
        raise ValueError(f"{found!r} is neither an address nor a host name")
    return found


def address(value: object) -> Address:
    """Read an address."""
    found = _typed(value, str)
    try:
        # Python takes an IPv6 zone for part of the address.
        if "%" not in found:
            return ip_address(found)
    except ValueError:
        pass
    raise ValueError(f"{found!r} is no address")


def network(value: object) -> Network:
    """Read a network in prefix notation."""
    found = _typed(value, str)
    begin = address(found.partition("/")[0])
    try:
        network = ip_network(found, strict=False)
    except ValueError as error:
        raise ValueError(f"{found!r} is no network") from error
    if begin != network.network_address:
        raise ValueError(f"{found!r} is no network; is {network} meant?")
    return network


def proposal(value: object) -> str:
    """Read a proposal as swanctl.conf(5) has it."""
    found = _typed(value, str)
    if not re.fullmatch(r"[a-z0-9_]+(-[a-z0-9_]+)*", found):
        raise ValueError(f"{found!r} is no proposal such as 'aes128gcm16-prfsha256-ecp256'")
    return found


def _typed(value: object, wanted: type[V]) -> V:
    """Return a value that is of a type of TOML; for Python, booleans are integers."""
    if type(value) is not wanted:
        found = TOML_TYPES.get(type(value), "a date or time")
        raise ValueError(f"has to be {TOML_TYPES[wanted]}, not {found}")
    return value


def coordinates(value: object) -> Coordinates:
    """Return a position that is given as two decimal numbers, latitude and longitude."""
    found = COORDINATES.fullmatch(_typed(value, str))
    if not found:
        raise ValueError('has to be latitude and longitude in degrees, as in "52.52, 13.405"')
    latitude, longitude = (round(float(number) * 1_000_000) for number in found.groups())
    if abs(latitude) > 90_000_000 or abs(longitude) > 180_000_000:
        raise ValueError("is not within 90 degrees north and south, 180 east and west")
    return Coordinates(latitude, longitude)


def endpoint(value: object) -> tuple[Address, int]:
    """Return an address with a port, as in `127.0.0.1:2947` or `[::1]:2947`."""
    host, _, port = _typed(value, str).rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ValueError('has to be an address and a port, as in "127.0.0.1:2947"')
    return address(host.removeprefix("[").removesuffix("]")), int(port)
