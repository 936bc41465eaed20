"""A small DNS server (UDP, RFC 1035): A and AAAA from a table, and failures on demand."""

from __future__ import annotations

import heapq
import os
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import TracebackType
from typing import Self

from tests.lab.events import Log

TYPE_A = 1
TYPE_AAAA = 28
_CLASS_IN = 1
_TYPE_NAMES = {TYPE_A: "A", TYPE_AAAA: "AAAA"}
_HEADER = struct.Struct("!6H")
_QUESTION = struct.Struct("!2H")
_RECORD = struct.Struct("!3HIH")
_TTL_S = 1
# The owner's name in an answer: a pointer to the question, which follows the header.
_POINTER = 0xC000 | _HEADER.size
_RESPONSE, _OPCODE, _AUTHORITATIVE, _RECURSION_DESIRED = 0x8000, 0x7800, 0x0400, 0x0100
_DATAGRAM = 4096


class Behaviour(Enum):
    """What a server does with questions; the value is the response code, if there is one."""

    ANSWER = 0
    SERVFAIL = 2
    NXDOMAIN = 3
    REFUSED = 5
    SILENCE = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it was asked: `name` in lower case and without the last dot."""

    number: int
    flags: int
    name: str
    type: int
    raw: bytes


class DnsError(ValueError):
    """A datagram that is no question which we could answer."""


def read_question(datagram: bytes) -> Question:
    """Read a query with one question; DnsError for anything else."""
    if len(datagram) < _HEADER.size:
        raise DnsError("shorter than a header")
    number, flags, questions, *_ = _HEADER.unpack_from(datagram)
    if flags & (_RESPONSE | _OPCODE) or questions != 1:
        raise DnsError("not one plain question")
    labels, position = [], _HEADER.size
    while length := _byte(datagram, position):
        label = datagram[position + 1 : position + 1 + length]
        if length > 63 or len(label) < length:
            raise DnsError("a broken name")
        labels.append(label.decode("ascii", "replace").lower())
        position += 1 + length
    end = position + 1 + _QUESTION.size
    if len(datagram) < end:
        raise DnsError("shorter than its question")
    kind, class_ = _QUESTION.unpack_from(datagram, position + 1)
    if class_ != _CLASS_IN:
        raise DnsError(f"a question of the class {class_}")
    return Question(number, flags, ".".join(labels), kind, datagram[_HEADER.size : end])


def _byte(datagram: bytes, position: int) -> int:
    if position >= len(datagram):
        raise DnsError("a name without end")
    return datagram[position]


def write_answer(
    question: Question, code: int, addresses: tuple[IPv4Address | IPv6Address, ...] = ()
) -> bytes:
    """Return the answer to a question, with a record for each address."""
    flags = _RESPONSE | _AUTHORITATIVE | (question.flags & _RECURSION_DESIRED) | code
    header = _HEADER.pack(question.number, flags, 1, len(addresses), 0, 0)
    records = (
        _RECORD.pack(_POINTER, question.type, _CLASS_IN, _TTL_S, len(address.packed))
        + address.packed
        for address in addresses
    )
    return header + question.raw + b"".join(records)


class Dns:
    """A DNS server at an address; the socket is made on the calling thread."""

    def __init__(self, log: Log, address: str, port: int = 53) -> None:
        self._log = log
        self._names: dict[str, tuple[IPv4Address | IPv6Address, ...]] = {}
        self._behaviours: dict[str, Behaviour] = {}
        self._behaviour = Behaviour.ANSWER
        self._delay_s = 0.0
        # What is to be sent when, the earliest first.
        self._due: list[tuple[float, bytes, tuple[str, int]]] = []
        self._socket = _bound(address, port)
        self.port: int = self._socket.getsockname()[1]
        self._stop = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._serve, name=f"DNS {self.port}", daemon=True)
        self._thread.start()

    def name(self, name: str, *addresses: str) -> None:
        """Let a name have these addresses, in this order; without any, it has none (no data)."""
        self._names[name.lower()] = tuple(ip_address(address) for address in addresses)

    def forget(self, name: str) -> None:
        """Let a name not exist."""
        self._names.pop(name.lower(), None)

    def behave(
        self, behaviour: Behaviour, name: str | None = None, *, delay_s: float = 0.0
    ) -> None:
        """Treat all questions so, or those for one name; answers come after a delay."""
        if name is None:
            self._behaviour, self._behaviours = behaviour, {}
        else:
            self._behaviours[name.lower()] = behaviour
        self._delay_s = delay_s

    def close(self) -> None:
        """End the server; may be called again."""
        if self._thread.is_alive():
            os.eventfd_write(self._stop, 1)
            self._thread.join()
            self._socket.close()
            os.close(self._stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _serve(self) -> None:
        stop, server = self._stop, self._socket.fileno()
        while True:
            wait_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            ready, _, _ = select.select([server, stop], [], [], wait_s)
            if stop in ready:
                return
            if server in ready:
                self._take(*self._socket.recvfrom(_DATAGRAM))
            while self._due and self._due[0][0] <= time.monotonic():
                _, datagram, source = heapq.heappop(self._due)
                self._send(datagram, source)

    def _take(self, datagram: bytes, source: tuple[str, int]) -> None:
        try:
            question = read_question(datagram)
        except DnsError as error:
            text = f"DNS  {error}  from {source[0]}"
            self._log.add("HeNB", "DNS", "DNS", text, error=str(error), source=source[:2])
        else:
            self._answer(question, source)

    def _answer(self, question: Question, source: tuple[str, int]) -> None:
        behaviour = self._behaviours.get(question.name, self._behaviour)
        known = self._names.get(question.name)
        if behaviour is Behaviour.ANSWER and known is None:
            behaviour = Behaviour.NXDOMAIN
        fitting = tuple(a for a in known or () if _type_of(a) == question.type)
        addresses = fitting if behaviour is Behaviour.ANSWER else ()
        kind = _TYPE_NAMES.get(question.type, str(question.type))
        told = ", ".join(map(str, addresses)) or (
            "no data" if behaviour is Behaviour.ANSWER else behaviour.name
        )
        self._log.add(
            "HeNB",
            "DNS",
            "DNS",
            f"DNS  {question.name} {kind}?  {told}  from {source[0]}",
            name=question.name,
            type=kind,
            addresses=addresses,
            behaviour=behaviour,
            source=source[:2],
        )
        if behaviour is Behaviour.SILENCE:
            return
        datagram = write_answer(question, behaviour.value, addresses)
        heapq.heappush(self._due, (time.monotonic() + self._delay_s, datagram, source))

    def _send(self, datagram: bytes, source: tuple[str, int]) -> None:
        try:
            self._socket.sendto(datagram, source)
        except OSError as error:
            # The asker's route may be gone, or a guard of the kernel be in the way: it asks again.
            self._log.add("DNS", "HeNB", "DNS", f"DNS  not sent: {error}", error=str(error))


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    try:
        server.bind((address, port))
    except OSError:
        server.close()
        raise
    return server


def _type_of(address: IPv4Address | IPv6Address) -> int:
    return TYPE_A if address.version == 4 else TYPE_AAAA
