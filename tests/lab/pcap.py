"""Packet captures: the file format, and so much of a packet as tells who sends what to whom."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from tests.lab.namespaces import Address

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
ICMP, TCP, UDP, ESP, ICMPV6, SCTP = 1, 6, 17, 50, 58, 132
_PROTOCOL_NAMES = {ICMP: "ICMP", TCP: "TCP", UDP: "UDP", ESP: "ESP", ICMPV6: "ICMPv6", SCTP: "SCTP"}

_FILE_HEADER = struct.Struct("<IHHiIII")
_RECORD_HEADER = struct.Struct("<IIII")
_MAGIC = 0xA1B2C3D4
_ETHERNET = 1

# IPv6 extension headers that stand before the payload: hop-by-hop, routing, fragment, destination.
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION = 0, 43, 44, 60

# Unreachable, too big, time exceeded, parameter problem: they quote what they are about.
_QUOTING = {(ICMP, bytes([kind])): IPV4 for kind in (3, 11, 12)} | {
    (ICMPV6, bytes([kind])): IPV6 for kind in (1, 2, 3, 4)
}


class MalformedCapture(ValueError):
    """The bytes are no capture of Ethernet frames as tcpdump writes it on this machine."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One Ethernet frame; `at` is in seconds of the wall clock."""

    at: float
    ethertype: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Packet:
    """The outside of an IP packet.

    `ports` and `icmp_type` are None where the protocol has none, or where they are not in this
    fragment. An error of ICMP has the ports of the datagram of UDP that it is about.
    """

    at: float
    source: Address
    destination: Address
    protocol: int
    ports: tuple[int, int] | None
    icmp_type: int | None
    size: int
    fragment: bool = False

    def __str__(self) -> str:
        protocol = _PROTOCOL_NAMES.get(self.protocol, f"protocol {self.protocol}")
        source, destination = str(self.source), str(self.destination)
        if self.ports is not None:
            source, destination = f"{source}:{self.ports[0]}", f"{destination}:{self.ports[1]}"
        return f"{protocol} {source} > {destination} {self.size} bytes"


def frames(capture: bytes) -> Iterator[Frame]:
    """Yield the frames of a capture; one that is still being written at the end is left out."""
    if len(capture) < _FILE_HEADER.size:
        return
    magic, *_, link_type = _FILE_HEADER.unpack_from(capture)
    if magic != _MAGIC:
        raise MalformedCapture(f"magic {magic:#010x}")
    if link_type != _ETHERNET:
        raise MalformedCapture(f"link type {link_type}")
    offset = _FILE_HEADER.size
    while offset + _RECORD_HEADER.size <= len(capture):
        seconds, microseconds, size, _ = _RECORD_HEADER.unpack_from(capture, offset)
        start = offset + _RECORD_HEADER.size
        offset = start + size
        if offset > len(capture):
            return
        frame = capture[start:offset]
        if len(frame) >= 14:
            (ethertype,) = struct.unpack_from("!H", frame, 12)
            yield Frame(seconds + microseconds / 1e6, ethertype, frame[14:])


def packet(frame: Frame) -> Packet | None:
    """Return the IP packet in a frame; None: it has none, or not even its whole header."""
    if frame.ethertype == IPV4:
        return _ipv4(frame)
    if frame.ethertype == IPV6:
        return _ipv6(frame)
    return None


def _ipv4(frame: Frame) -> Packet | None:
    data = frame.payload
    if len(data) < 20 or data[0] >> 4 != 4:
        return None
    length = max(20, (data[0] & 0xF) * 4)
    (fragment_offset,) = struct.unpack_from("!H", data, 6)
    first, more = not fragment_offset & 0x1FFF, bool(fragment_offset & 0x2000)
    payload = data[length:] if first else b""
    return Packet(
        at=frame.at,
        source=IPv4Address(data[12:16]),
        destination=IPv4Address(data[16:20]),
        protocol=data[9],
        ports=_ports(data[9], payload),
        icmp_type=_icmp_type(data[9], payload),
        size=struct.unpack_from("!H", data, 2)[0],
        fragment=more or not first,
    )


def _ipv6(frame: Frame) -> Packet | None:
    data = frame.payload
    if len(data) < 40 or data[0] >> 4 != 6:
        return None
    protocol, payload, fragment = data[6], data[40:], False
    while protocol in (_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION) and len(payload) >= 8:
        fragment |= protocol == _FRAGMENT
        size = 8 if protocol == _FRAGMENT else 8 * (payload[1] + 1)
        if protocol == _FRAGMENT and struct.unpack_from("!H", payload, 2)[0] >= 8:
            # What follows the header of a later fragment is the middle of something.
            protocol, payload = payload[0], b""
            break
        protocol, payload = payload[0], payload[size:]
    return Packet(
        at=frame.at,
        source=IPv6Address(data[8:24]),
        destination=IPv6Address(data[24:40]),
        protocol=protocol,
        ports=_ports(protocol, payload),
        icmp_type=_icmp_type(protocol, payload),
        size=40 + struct.unpack_from("!H", data, 4)[0],
        fragment=fragment,
    )


def _ports(protocol: int, payload: bytes) -> tuple[int, int] | None:
    if (protocol, payload[:1]) in _QUOTING:
        quoted = packet(Frame(0.0, _QUOTING[protocol, payload[:1]], payload[8:]))
        return None if quoted is None or quoted.protocol != UDP else quoted.ports
    if protocol not in (TCP, UDP, SCTP) or len(payload) < 4:
        return None
    source, destination = struct.unpack_from("!HH", payload)
    return source, destination


def _icmp_type(protocol: int, payload: bytes) -> int | None:
    return payload[0] if protocol in (ICMP, ICMPV6) and payload else None
