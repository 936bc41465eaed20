"""An SCTP port at one address: which association a packet belongs to, and packets of none.

Like the state machine of an association it does no I/O and reads no clock. A cookie carries all
that is known of an association to be, so an INIT leaves nothing to remember (RFC 9260 5.1.3).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Iterator
from dataclasses import replace

from tests.lab.sctp.association import RESTARTED, Address, Timers
from tests.lab.sctp.packet import (
    REFLECTED,
    WINDOW,
    Chunk,
    ChunkType,
    Init,
    Packet,
    PacketError,
    Parameter,
    decode_init,
    decode_packet,
    encode_packet,
    encode_parameter,
    init_chunk,
)
from tests.lab.sctp.protocol import SctpProtocol, own_init
from tests.lab.sctp.states import Established, Event

# RFC 9260 16: Valid.Cookie.Life.
COOKIE_LIFE_S = 60.0

# When it was made; ours: tag, TSN; theirs: tag, outbound and inbound streams, TSN.
_COOKIE = struct.Struct("!dIIIHHI")
_SEAL_BYTES = 16

Peer = tuple[Address, int]
Happening = tuple[SctpProtocol, Event]


class SctpEndpoint:
    """One port at one address, and its associations."""

    def __init__(self, port: int, timers: Timers, *, listening: bool) -> None:
        self.port = port
        self.listening = listening
        self.associations: dict[Peer, SctpProtocol] = {}
        self._timers = timers
        self._secret = os.urandom(16)
        self._outgoing: list[tuple[Address, bytes]] = []

    def connect(self, peer: Peer, now: float) -> SctpProtocol:
        """Begin an association with a peer."""
        assert peer not in self.associations
        self.associations[peer] = protocol = SctpProtocol.connecting(self._timers, now)
        return protocol

    def take(self) -> list[tuple[Address, bytes]]:
        """Return, and forget, the packets to be sent, and to whom."""
        for peer, protocol in self.associations.items():
            for tag, chunk in protocol.take():
                self._send(peer, tag, chunk)
        # Whatever has ended has sent its last words now.
        for peer in [p for p, protocol in self.associations.items() if protocol.wake_at() is None]:
            del self.associations[peer]
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def note_path(self, address: Address, error: str | None) -> None:
        """Note what the system said of sending to an address; None: it was sent."""
        for (peer_address, _), protocol in self.associations.items():
            if peer_address == address:
                protocol.path_error = error

    def wake_at(self) -> float | None:
        """Return when `tick` must be called next; None: not by time."""
        times = [protocol.wake_at() for protocol in self.associations.values()]
        return min((at for at in times if at is not None), default=None)

    def tick(self, now: float) -> list[Happening]:
        """Do what is due by time."""
        return [(p, event) for p in self.associations.values() for event in p.tick(now)]

    def receive(self, address: Address, data: bytes, now: float) -> list[Happening]:
        """Take in what came from an address; what is no packet for this port is dropped."""
        try:
            packet = decode_packet(data)
            if packet.destination_port != self.port:
                return []
            return self._receive((address, packet.source_port), packet, now)
        except PacketError:
            return []

    def _receive(self, peer: Peer, packet: Packet, now: float) -> list[Happening]:
        first, rest = packet.chunks[0], packet.chunks[1:]
        if first.type == ChunkType.INIT:
            self._on_init(peer, packet, now)
            return []
        if first.type == ChunkType.COOKIE_ECHO and self.listening:
            return list(self._on_cookie_echo(peer, packet.tag, first.value, rest, now))
        protocol = self.associations.get(peer)
        if protocol is None:
            self._out_of_the_blue(peer, packet)
            return []
        if not _is_for(protocol, packet.tag, first):
            return []
        return [(protocol, event) for event in protocol.receive(packet.chunks, now)]

    def _on_init(self, peer: Peer, packet: Packet, now: float) -> None:
        init = decode_init(packet.chunks[0].value)
        # RFC 9260 8.5.1: the tag of its packet is 0, and it comes alone.
        if packet.tag or len(packet.chunks) > 1:
            return
        if not self.listening:
            self._send(peer, init.tag, Chunk(ChunkType.ABORT))
            return
        own = own_init()
        parameters = [(Parameter.STATE_COOKIE, self._cookie(peer, own, init, now))]
        # RFC 9260 3.2.1: the second bit of a type that we do not know asks for a report.
        for kind, value in init.parameters:
            if kind & 0x4000:
                parameters.append((Parameter.UNRECOGNIZED, encode_parameter(kind, value)))
        answer = replace(own, parameters=tuple(parameters))
        self._send(peer, init.tag, init_chunk(ChunkType.INIT_ACK, answer))

    def _on_cookie_echo(
        self, peer: Peer, tag: int, cookie: bytes, rest: tuple[Chunk, ...], now: float
    ) -> Iterator[Happening]:
        opened = self._open(peer, cookie, now)
        if opened is None or tag != opened[0].tag:
            return
        own, theirs = opened
        known = self.associations.get(peer)
        if known is not None and known.peer_tag == theirs.tag:
            if known.own.tag == own.tag:
                known.acknowledge_cookie()
                for event in known.receive(rest, now):
                    yield known, event
            # Else it is an INIT of before, late: RFC 9260 5.2.4, case C.
            return
        if known is not None:
            # The peer has begun anew: RFC 9260 5.2.4, case A.
            for event in known.abandon(RESTARTED):
                yield known, event
        protocol = SctpProtocol.accepted(self._timers, own, theirs, now)
        self.associations[peer] = protocol
        yield protocol, Established()
        for event in protocol.receive(rest, now):
            yield protocol, event

    def _out_of_the_blue(self, peer: Peer, packet: Packet) -> None:
        """Answer a packet of an association that we do not know (RFC 9260 8.4)."""
        kinds = {chunk.type for chunk in packet.chunks}
        if kinds & {ChunkType.ABORT, ChunkType.SHUTDOWN_COMPLETE, ChunkType.COOKIE_ACK}:
            return
        lost_complete = packet.chunks[0].type == ChunkType.SHUTDOWN_ACK
        answer = ChunkType.SHUTDOWN_COMPLETE if lost_complete else ChunkType.ABORT
        self._send(peer, packet.tag, Chunk(answer, flags=REFLECTED))

    def _send(self, peer: Peer, tag: int, chunk: Chunk) -> None:
        address, port = peer
        self._outgoing.append((address, encode_packet(Packet(self.port, port, tag, (chunk,)))))

    def _cookie(self, peer: Peer, own: Init, theirs: Init, now: float) -> bytes:
        streams = (theirs.outbound_streams, theirs.inbound_streams)
        body = _COOKIE.pack(now, own.tag, own.tsn, theirs.tag, *streams, theirs.tsn)
        return body + self._seal(peer, body)

    def _open(self, peer: Peer, cookie: bytes, now: float) -> tuple[Init, Init] | None:
        """Return our side and theirs from a cookie; None if it is not ours, or too old."""
        body, seal = cookie[: _COOKIE.size], cookie[_COOKIE.size :]
        if not hmac.compare_digest(seal, self._seal(peer, body)):
            return None
        made_at, tag, tsn, peer_tag, outbound, inbound, peer_tsn = _COOKIE.unpack(body)
        if now - made_at > COOKIE_LIFE_S:
            return None
        own = replace(own_init(), tag=tag, tsn=tsn)
        return own, Init(peer_tag, WINDOW, outbound, inbound, peer_tsn)

    def _seal(self, peer: Peer, body: bytes) -> bytes:
        address, port = peer
        whole = address.packed + port.to_bytes(2, "big") + body
        return hmac.new(self._secret, whole, hashlib.sha256).digest()[:_SEAL_BYTES]


def _is_for(protocol: SctpProtocol, tag: int, first: Chunk) -> bool:
    """Return whether the verification tag of a packet is right (RFC 9260 8.5)."""
    may_reflect = first.type in (ChunkType.ABORT, ChunkType.SHUTDOWN_COMPLETE)
    if may_reflect and first.flags & REFLECTED:
        return protocol.peer_tag != 0 and tag == protocol.peer_tag
    return tag == protocol.own.tag
