"""What TCP carries over a link, with the kernel's own times: nobody's thread has to be awake."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

# linux/if_ether.h, asm-generic/socket.h
ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
BUFFER_BYTES = 4 << 20

TLS_APPLICATION_DATA = 23
# The client's Finished is application data too, as TLS 1.3 shows itself; an Inform is longer.
LONGER_THAN_FINISHED = 256


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment with content; `at` is in seconds of the wall clock."""

    at: float
    source: str
    port: int
    content: bytes


class Tap:
    """Keeps what crosses an interface of the calling thread's network namespace."""

    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind((interface, ETH_P_ALL))
        self._socket.setblocking(False)

    def segments(self) -> list[Segment]:
        """Return what came since the last call."""
        found: list[Segment] = []
        while True:
            try:
                packet, extra, _, _ = self._socket.recvmsg(65536, socket.CMSG_SPACE(16))
            except BlockingIOError:
                return found
            segment = _segment(packet, extra[0][2])
            if segment is not None:
                found.append(segment)

    def first(self, source: str, port: int, wanted: Callable[[bytes], bool]) -> float | None:
        """Return when wanted content came first from there to a port, since the last call."""
        for segment in self.segments():
            if (segment.source, segment.port) == (source, port) and wanted(segment.content):
                return segment.at
        return None

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def in_the_clear(content: bytes) -> bool:
    """Say of any content that it is wanted."""
    return bool(content)


def in_tls(content: bytes) -> bool:
    """Say whether what a client sends has application data that is no part of the handshake."""
    while len(content) >= 5:
        kind, _, length = struct.unpack_from("!BHH", content)
        if kind == TLS_APPLICATION_DATA and length > LONGER_THAN_FINISHED:
            return True
        content = content[5 + length :]
    return False


def _segment(packet: bytes, stamp: bytes) -> Segment | None:
    """Return the TCP segment in an IPv4 packet, None for anything else."""
    if packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_TCP:
        return None
    begin = (packet[0] & 15) * 4
    length = int.from_bytes(packet[2:4], "big")
    content = packet[begin + (packet[begin + 12] >> 4) * 4 : length]
    if not content:
        return None
    seconds, nanoseconds = struct.unpack("qq", stamp)
    source = socket.inet_ntoa(packet[12:16])
    port = int.from_bytes(packet[begin + 2 : begin + 4], "big")
    return Segment(seconds + nanoseconds / 1e9, source, port, content)
