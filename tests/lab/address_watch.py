"""When addresses came to the HeNB, as a bare listener on the kernel's netlink sees it."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from tests.lab.events import PATIENCE

# linux/rtnetlink.h
_RTM_NEWADDR = 20
_GROUP_IPV4, _GROUP_IPV6 = 0x10, 0x100
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_HEADER = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")


@dataclass(frozen=True, slots=True)
class Arrival:
    """An address that came, at a time.monotonic()."""

    at: float
    address: IPv4Address | IPv6Address


class AddressWatch:
    """Notes each address that the namespace of the maker's thread is given, in time.monotonic()."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, _GROUP_IPV4 | _GROUP_IPV6))
        self._seen: list[Arrival] = []
        self._more = threading.Condition()
        self._end = os.eventfd(0)
        self._thread = threading.Thread(target=self._watch, name="address watch", daemon=True)
        self._thread.start()

    def wait(self, since: float, timeout_s: float) -> Arrival | None:
        """Return the first address that came at that moment or later, None if none does in time."""
        deadline = time.monotonic() + timeout_s * PATIENCE
        with self._more:
            while True:
                for arrival in self._seen:
                    if arrival.at >= since:
                        return arrival
                if not self._more.wait(deadline - time.monotonic()):
                    return None

    def close(self) -> None:
        """Stop watching."""
        os.eventfd_write(self._end, 1)
        self._thread.join()
        self._socket.close()
        os.close(self._end)

    def _watch(self) -> None:
        watched = [self._socket.fileno(), self._end]
        while True:
            ready, _, _ = select.select(watched, [], [])
            if self._end in ready:
                return
            at = time.monotonic()
            try:
                datagram = self._socket.recv(65536)
            except OSError as error:
                # More has come than the socket could hold; what it holds is still to be read.
                if error.errno != errno.ENOBUFS:
                    raise
                continue
            with self._more:
                self._seen += [Arrival(at, a) for a in addresses(datagram)]
                self._more.notify_all()


def addresses(datagram: bytes) -> list[IPv4Address | IPv6Address]:
    """Return the addresses of the RTM_NEWADDR messages in a datagram."""
    found = []
    while len(datagram) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(datagram)
        if kind == _RTM_NEWADDR:
            found.append(_address(datagram[_HEADER.size + _ADDRESS.size : length]))
        datagram = datagram[(length + 3) & ~3 :]
    return found


def _address(attributes: bytes) -> IPv4Address | IPv6Address:
    values: dict[int, bytes] = {}
    while len(attributes) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(attributes)
        values[kind] = attributes[_ATTRIBUTE.size : length]
        attributes = attributes[(length + 3) & ~3 :]
    return ip_address(values.get(_IFA_LOCAL) or values[_IFA_ADDRESS])
