"""Netlink by hand: messages and attributes as bytes, and a socket that asks the kernel.

A dump with pyroute2 costs ten times as much, and XFRM it does not know; see netlink(7).
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

from henbd.errors import KernelError

# <linux/netlink.h>
_REQUEST, _ACK = 0x01, 0x04
_DUMP = 0x300
_CREATE = 0x600  # NLM_F_CREATE, NLM_F_EXCL
_INTERRUPTED = 0x10
_ERROR, _DONE = 2, 3
_TYPE_MASK = 0x3FFF

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ERRNO = struct.Struct("=i")

# The kernel fills at most 32 KiB at a time.
_CHUNK = 64 * 1024
# The kernel answers before `send` has returned; an answer that is not there then was lost.
_ANSWER_WITHIN_S = 1.0
# What changes all the time is not waited for.
_ATTEMPTS = 5


class Message(NamedTuple):
    """One netlink message; `body` is what follows the header.

    A dump has dozens of them, and a tuple is made in a third of the time of a dataclass.
    """

    kind: int
    flags: int
    sequence: int
    body: bytes


def encoded(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """Return the bytes of a message to the kernel."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, sequence, 0) + body


def messages(datagram: bytes) -> Iterator[Message]:
    """Yield the messages of a datagram; raise KernelError where it is cut or damaged."""
    offset = 0
    while offset < len(datagram):
        if len(datagram) - offset < _HEADER.size:
            raise KernelError("netlink: a message without a header")
        length, kind, flags, sequence, _ = _HEADER.unpack_from(datagram, offset)
        if not _HEADER.size <= length <= len(datagram) - offset:
            raise KernelError(f"netlink: a message of {length} bytes in {len(datagram) - offset}")
        body = datagram[offset + _HEADER.size : offset + length]
        yield Message(kind, flags, sequence, body)
        offset += _aligned(length)


def attributes(body: bytes, offset: int = 0) -> dict[int, bytes]:
    """Return the attributes from an offset on, by type; raise KernelError where one is damaged."""
    found = {}
    end = len(body)
    while end - offset >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if not _ATTRIBUTE.size <= length <= end - offset:
            raise KernelError(f"netlink: an attribute of {length} bytes in {end - offset}")
        # The upper two bits of a type say how its value is to be read.
        found[kind & _TYPE_MASK] = body[offset + _ATTRIBUTE.size : offset + length]
        offset += _aligned(length)
    return found


def number(found: Mapping[int, bytes], kind: int, default: int) -> int:
    """Return the value of a 32-bit attribute; raise KernelError if it is of another size."""
    value = found.get(kind)
    if value is None:
        return default
    if len(value) != 4:
        raise KernelError(f"netlink: a number of {len(value)} bytes")
    return int.from_bytes(value, sys.byteorder)


def attribute(kind: int, value: bytes) -> bytes:
    """Return the bytes of an attribute."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(_aligned(length) - length)


def unpacked(layout: struct.Struct, body: bytes) -> tuple[Any, ...]:
    """Return the fixed part of a body; raise KernelError where it is too short."""
    if len(body) < layout.size:
        raise KernelError(f"netlink: a body of {len(body)} bytes")
    return layout.unpack_from(body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the kernel said to a request. `interrupted`: something changed while it was dumped."""

    messages: tuple[Message, ...]
    interrupted: bool


def answer(datagrams: Iterator[bytes], sequence: int) -> Answer:
    """Return the answer to a request, up to its end; raise OSError where the kernel refused it.

    What answers an earlier request, whose end was not waited for, is left out.
    """
    found: list[Message] = []
    interrupted = False
    for datagram in datagrams:
        for message in messages(datagram):
            if message.sequence != sequence:
                continue
            interrupted |= bool(message.flags & _INTERRUPTED)
            if message.kind in (_ERROR, _DONE):
                _check(message)
                return Answer(tuple(found), interrupted)
            found.append(message)
    raise KernelError("netlink: an answer without an end")


def _check(message: Message) -> None:
    """Raise OSError if the message that ends an answer says that the request failed."""
    # The end of a dump need not carry a code.
    code: int = unpacked(_ERRNO, message.body)[0] if message.body else 0
    if code:
        raise OSError(-code, os.strerror(-code))


class NetlinkSocket:
    """A socket for questions to the kernel, of one protocol of netlink.

    It belongs to the network namespace in which it is made. The constructor raises OSError where
    the kernel does not have the protocol.
    """

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol
        )
        self._socket.settimeout(_ANSWER_WITHIN_S)
        self._sequences = count(1)

    def dump(self, kind: int, body: bytes) -> tuple[Message, ...]:
        """Return all that the kernel has of a kind, as it was at one moment; raise OSError."""
        for _ in range(_ATTEMPTS):
            found = self._ask(kind, _REQUEST | _DUMP, body)
            if not found.interrupted:
                return found.messages
        raise KernelError("netlink: it changes while it is read")

    def request(self, kind: int, body: bytes, *, create: bool = False) -> None:
        """Have something done; raise OSError where the kernel refuses, as what is there already."""
        self._ask(kind, _REQUEST | _ACK | (_CREATE if create else 0), body)

    def close(self) -> None:
        """Free the socket."""
        self._socket.close()

    def _ask(self, kind: int, flags: int, body: bytes) -> Answer:
        sequence = next(self._sequences) & 0xFFFFFFFF
        self._socket.send(encoded(kind, flags, sequence, body))
        return answer(iter(self._receive, None), sequence)

    def _receive(self) -> bytes:
        return self._socket.recv(_CHUNK)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
