"""SCTP packets and chunks (RFC 9260 section 3): bytes to values and back, no state."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

# The checksum covers no pseudo-header, so it is the same over IPv4 and IPv6 (RFC 9260 6.8).
_POLYNOMIAL = 0x82F63B78
_COMMON_HEADER = struct.Struct("!HHI4s")
_CHUNK_HEADER = struct.Struct("!BBH")
_PARAMETER_HEADER = struct.Struct("!HH")
_INIT = struct.Struct("!IIHHI")
_DATA = struct.Struct("!IHHI")
_SACK = struct.Struct("!IIHH")
_CUMULATIVE_TSN = struct.Struct("!I")

# What we can take in at once; there is no reason for a lab to let it shrink.
WINDOW = 131_072


class PacketError(Exception):
    """Bytes that are no SCTP packet, or a chunk that is cut short."""


class ChunkType(IntEnum):
    """The chunk types that are spoken here (RFC 9260 3.2)."""

    DATA = 0
    INIT = 1
    INIT_ACK = 2
    SACK = 3
    HEARTBEAT = 4
    HEARTBEAT_ACK = 5
    ABORT = 6
    SHUTDOWN = 7
    SHUTDOWN_ACK = 8
    ERROR = 9
    COOKIE_ECHO = 10
    COOKIE_ACK = 11
    SHUTDOWN_COMPLETE = 14


class Parameter(IntEnum):
    """The parameters of INIT and INIT ACK that are spoken here (RFC 9260 3.3.2)."""

    STATE_COOKIE = 7
    UNRECOGNIZED = 8


# Chunk flags.
ENDING, BEGINNING = 0x01, 0x02  # DATA: the last, the first fragment of a message
REFLECTED = 0x01  # ABORT, SHUTDOWN COMPLETE: the tag is the receiver's own (the T bit)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk; `type` may be one that we do not know."""

    type: int
    value: bytes = b""
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: the common header and its chunks."""

    source_port: int
    destination_port: int
    tag: int
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Init:
    """The value of INIT and INIT ACK."""

    tag: int
    window: int
    outbound_streams: int
    inbound_streams: int
    tsn: int
    parameters: tuple[tuple[int, bytes], ...] = ()

    def parameter(self, wanted: Parameter) -> bytes | None:
        """Return the value of a parameter, None if it is not there."""
        return next((value for kind, value in self.parameters if kind == wanted), None)


@dataclass(frozen=True, slots=True)
class Data:
    """The value of DATA; `begins` and `ends` tell fragments of a message apart."""

    tsn: int
    stream: int
    sequence: int
    ppid: int
    payload: bytes
    begins: bool = True
    ends: bool = True


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """Return the CRC32c of the bytes (RFC 9260 Appendix A)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def encode_packet(packet: Packet) -> bytes:
    """Return the bytes of a packet, with its checksum."""
    ports_and_tag = (packet.source_port, packet.destination_port, packet.tag)
    body = b"".join(
        _padded(_CHUNK_HEADER.pack(c.type, c.flags, _CHUNK_HEADER.size + len(c.value)) + c.value)
        for c in packet.chunks
    )
    # The checksum is the one field that goes out with its least significant byte first.
    checksum = crc32c(_COMMON_HEADER.pack(*ports_and_tag, bytes(4)) + body).to_bytes(4, "little")
    return _COMMON_HEADER.pack(*ports_and_tag, checksum) + body


def decode_packet(data: bytes) -> Packet:
    """Return the packet; raise PacketError if it is cut short or its checksum is wrong."""
    if len(data) < _COMMON_HEADER.size:
        raise PacketError("shorter than the common header")
    source, destination, tag, checksum = _COMMON_HEADER.unpack_from(data)
    if crc32c(data[:8] + bytes(4) + data[12:]).to_bytes(4, "little") != checksum:
        raise PacketError("wrong checksum")
    chunks = tuple(_chunks(data[_COMMON_HEADER.size :]))
    if not chunks:
        raise PacketError("no chunk")
    return Packet(source, destination, tag, chunks)


def init_chunk(kind: ChunkType, init: Init) -> Chunk:
    """Return an INIT or INIT ACK chunk."""
    fixed = _INIT.pack(init.tag, init.window, init.outbound_streams, init.inbound_streams, init.tsn)
    return Chunk(kind, fixed + b"".join(encode_parameter(*p) for p in init.parameters))


def encode_parameter(kind: int, value: bytes) -> bytes:
    """Return the bytes of one parameter, padded."""
    return _padded(_PARAMETER_HEADER.pack(kind, _PARAMETER_HEADER.size + len(value)) + value)


def decode_init(value: bytes) -> Init:
    """Return the value of an INIT or INIT ACK; raise PacketError if it is none that is allowed."""
    if len(value) < _INIT.size:
        raise PacketError("INIT cut short")
    tag, window, outbound, inbound, tsn = _INIT.unpack_from(value)
    # RFC 9260 3.3.2: a tag of 0, and no stream in either direction, MUST NOT be.
    if not (tag and outbound and inbound):
        raise PacketError("INIT without tag or streams")
    return Init(tag, window, outbound, inbound, tsn, tuple(_parameters(value[_INIT.size :])))


def data_chunk(data: Data) -> Chunk:
    """Return a DATA chunk."""
    flags = (BEGINNING if data.begins else 0) | (ENDING if data.ends else 0)
    fixed = _DATA.pack(data.tsn, data.stream, data.sequence, data.ppid)
    return Chunk(ChunkType.DATA, fixed + data.payload, flags)


def decode_data(chunk: Chunk) -> Data:
    """Return what a DATA chunk carries; raise PacketError."""
    if len(chunk.value) <= _DATA.size:
        raise PacketError("DATA without user data")
    tsn, stream, sequence, ppid = _DATA.unpack_from(chunk.value)
    begins, ends = bool(chunk.flags & BEGINNING), bool(chunk.flags & ENDING)
    return Data(tsn, stream, sequence, ppid, chunk.value[_DATA.size :], begins, ends)


def sack_chunk(cumulative_tsn: int) -> Chunk:
    """Return a SACK without gaps: what comes out of order is not kept here."""
    return Chunk(ChunkType.SACK, _SACK.pack(cumulative_tsn, WINDOW, 0, 0))


def shutdown_chunk(cumulative_tsn: int) -> Chunk:
    """Return a SHUTDOWN."""
    return Chunk(ChunkType.SHUTDOWN, _CUMULATIVE_TSN.pack(cumulative_tsn))


def decode_cumulative_tsn(chunk: Chunk) -> int:
    """Return the cumulative TSN, the first field of SACK and SHUTDOWN; raise PacketError."""
    if len(chunk.value) < _CUMULATIVE_TSN.size:
        raise PacketError("no cumulative TSN")
    tsn: int = _CUMULATIVE_TSN.unpack_from(chunk.value)[0]
    return tsn


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _chunks(data: bytes) -> Iterator[Chunk]:
    while data:
        if len(data) < _CHUNK_HEADER.size:
            raise PacketError("chunk header cut short")
        kind, flags, length = _CHUNK_HEADER.unpack_from(data)
        if not _CHUNK_HEADER.size <= length <= len(data):
            raise PacketError("chunk cut short")
        yield Chunk(kind, data[_CHUNK_HEADER.size : length], flags)
        data = data[(length + 3) & ~3 :]


def _parameters(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        if len(data) < _PARAMETER_HEADER.size:
            raise PacketError("parameter header cut short")
        kind, length = _PARAMETER_HEADER.unpack_from(data)
        if not _PARAMETER_HEADER.size <= length <= len(data):
            raise PacketError("parameter cut short")
        yield kind, data[_PARAMETER_HEADER.size : length]
        data = data[(length + 3) & ~3 :]
