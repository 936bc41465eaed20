"""One end of one SCTP association (RFC 9260) as a state machine: no socket, no clock.

Chunks and times come in; events come out, and what is to be sent waits in `take`. There is one
path, and the retransmission timer doubles from a fixed start: enough for signalling in a lab.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from tests.lab.sctp.association import (
    ABORTED,
    ABORTED_BY_PEER,
    NO_ANSWER,
    REFUSED,
    SHUT_DOWN,
    SHUT_DOWN_BY_PEER,
    AssociationEnded,
    Message,
    SctpError,
    Timers,
)
from tests.lab.sctp.packet import (
    WINDOW,
    Chunk,
    ChunkType,
    Init,
    PacketError,
    Parameter,
    decode_cumulative_tsn,
    decode_init,
    encode_parameter,
    init_chunk,
    sack_chunk,
    shutdown_chunk,
)
from tests.lab.sctp.patience import Patience
from tests.lab.sctp.states import Ended, Established, Event, Received, State
from tests.lab.sctp.transfer import Inbound, Outbound

STREAMS = 10

_HEARTBEAT_INFO = 1  # the parameter of HEARTBEAT (RFC 9260 3.3.5)
_USER_INITIATED_ABORT = b"\x00\x0c\x00\x04"  # the error cause (RFC 9260 3.3.10.12)


@dataclass(frozen=True, slots=True)
class _Rule:
    """In which states a chunk means something, and what it does; elsewhere it is ignored."""

    states: tuple[State, ...]
    handler: Callable[[SctpProtocol, Chunk, float], list[Event]]


def own_init() -> Init:
    """Return what a new association says of us: its numbers cannot be guessed (RFC 9260 5.3.1)."""
    tag, tsn = (int.from_bytes(os.urandom(4), "big") or 1 for _ in range(2))
    return Init(tag, WINDOW, STREAMS, STREAMS, tsn)


class SctpProtocol:
    """The state machine; made by `connecting` or `accepted`."""

    def __init__(self, timers: Timers, own: Init, state: State, now: float) -> None:
        self.state = state
        self.own = own
        self.peer: Init | None = None
        # What the system says of sending to the peer; None while it works.
        self.path_error: str | None = None
        self._outgoing: list[tuple[int, Chunk]] = []
        self._outbound = Outbound(own.tsn)
        self._inbound = Inbound(0)
        self._cookie = b""
        self._sack_due = False
        self._ending = SHUT_DOWN
        self._patience = Patience(timers, now)
        self._heartbeat: bytes | None = None

    @classmethod
    def connecting(cls, timers: Timers, now: float) -> SctpProtocol:
        """Begin an association: the INIT is ready to be sent."""
        protocol = cls(timers, own_init(), State.COOKIE_WAIT, now)
        protocol._transmit_outstanding(now)
        return protocol

    @classmethod
    def accepted(cls, timers: Timers, own: Init, peer: Init, now: float) -> SctpProtocol:
        """Make the association that a COOKIE ECHO asked for: the COOKIE ACK is ready to be sent."""
        protocol = cls(timers, own, State.ESTABLISHED, now)
        protocol._learn(peer)
        protocol.acknowledge_cookie()
        return protocol

    @property
    def peer_tag(self) -> int:
        """The tag that the peer wants to see; 0 before it is known."""
        return self.peer.tag if self.peer is not None else 0

    def take(self) -> list[tuple[int, Chunk]]:
        """Return, and forget, what is to be sent: verification tags and chunks, in order."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def receive(self, chunks: Iterable[Chunk], now: float) -> list[Event]:
        """Take in the chunks of one packet whose tag was checked."""
        events: list[Event] = []
        try:
            for chunk in chunks:
                rule = self._RULES.get(chunk.type)
                # RFC 9260 3.2: of an unknown type, the highest bit says whether to go on.
                if rule is None and not chunk.type & 0x80:
                    break
                if rule is not None and self.state in rule.states:
                    events += rule.handler(self, chunk, now)
        except PacketError:
            # What came before the malformed chunk has happened; the rest cannot be trusted.
            pass
        self._answer_data(now)
        return events

    def wake_at(self) -> float | None:
        """Return when `tick` must be called next; None: the association is over."""
        return None if self.state is State.CLOSED else self._patience.wake_at()

    def tick(self, now: float) -> list[Event]:
        """Do what is due by time."""
        if self.state is State.CLOSED:
            return []
        due = self._patience.due(now)
        if due.give_up:
            return self._finish(self.path_error or NO_ANSWER)
        if due.retransmit:
            self._transmit_outstanding(now)
        if due.beat:
            self._beat(now)
        return []

    def send(self, message: Message, now: float) -> None:
        """Send a message; raise AssociationEnded or SctpError."""
        if self.state is not State.ESTABLISHED:
            raise AssociationEnded(f"not established: {self.state.name}")
        assert self.peer is not None
        if not 0 <= message.stream < min(STREAMS, self.peer.inbound_streams):
            raise SctpError(f"no stream {message.stream}")
        if not message.data:
            raise SctpError("a message is never empty")
        for chunk in self._outbound.add(message):
            self._queue(chunk)
        if not self._patience.waiting:
            self._patience.sent(now, outstanding=True)

    def shutdown(self, now: float) -> None:
        """Begin the graceful end: what was sent is delivered first (RFC 9260 9.2)."""
        if self.state is State.ESTABLISHED:
            self.state = State.SHUTDOWN_PENDING
            self._go_on_with_shutdown(now)

    def abort(self) -> list[Event]:
        """End at once (RFC 9260 9.1)."""
        # Before the INIT ACK there is nothing at the peer, and no tag to name it by.
        if self.state not in (State.COOKIE_WAIT, State.CLOSED):
            self._queue(Chunk(ChunkType.ABORT, _USER_INITIATED_ABORT))
        return self._finish(ABORTED)

    def abandon(self, cause: str) -> list[Event]:
        """End without a word to the peer, who knows of this association no more."""
        return self._finish(cause)

    def acknowledge_cookie(self) -> None:
        """Send the COOKIE ACK (again: the first one may be lost)."""
        self._queue(Chunk(ChunkType.COOKIE_ACK))

    def _queue(self, chunk: Chunk) -> None:
        self._outgoing.append((self.peer_tag, chunk))

    def _outstanding(self) -> list[Chunk]:
        """Return what the peer still has to answer: the state alone tells."""
        match self.state:
            case State.COOKIE_WAIT:
                return [init_chunk(ChunkType.INIT, self.own)]
            case State.COOKIE_ECHOED:
                return [Chunk(ChunkType.COOKIE_ECHO, self._cookie)]
            case State.SHUTDOWN_SENT:
                return [shutdown_chunk(self._inbound.cumulative_tsn)]
            case State.SHUTDOWN_ACK_SENT:
                return [Chunk(ChunkType.SHUTDOWN_ACK)]
            case _:
                return self._outbound.unacknowledged()

    def _transmit_outstanding(self, now: float) -> None:
        outstanding = self._outstanding()
        for chunk in outstanding:
            self._queue(chunk)
        self._patience.sent(now, outstanding=bool(outstanding))

    def _answer_data(self, now: float) -> None:
        """Acknowledge the DATA of a packet, once."""
        if not self._sack_due or self.state is State.CLOSED:
            return
        self._sack_due = False
        self._queue(sack_chunk(self._inbound.cumulative_tsn))
        if self.state is State.SHUTDOWN_SENT:
            # RFC 9260 9.2: DATA that comes after our SHUTDOWN has it said again.
            self._transmit_outstanding(now)

    def _beat(self, now: float) -> None:
        """Ask the peer whether it lives (RFC 9260 8.3), unless something else asks already."""
        idle = self.state is State.ESTABLISHED and not self._patience.waiting
        if idle:
            self._heartbeat = encode_parameter(_HEARTBEAT_INFO, os.urandom(8))
            self._queue(Chunk(ChunkType.HEARTBEAT, self._heartbeat))
        self._patience.beat(now, heartbeat=idle)

    def _learn(self, peer: Init) -> None:
        self.peer = peer
        self._inbound = Inbound(peer.tsn)

    def _enter(self, state: State, now: float) -> list[Event]:
        """Go to a state whose chunk waits for an answer, and send that chunk."""
        self.state = state
        self._patience.answered()
        self._transmit_outstanding(now)
        return []

    def _finish(self, cause: str) -> list[Event]:
        if self.state is State.CLOSED:
            return []
        self.state = State.CLOSED
        return [Ended(cause)]

    def _go_on_with_shutdown(self, now: float) -> list[Event]:
        """Take the next step of the graceful end when all is delivered."""
        if self._outbound.unacknowledged():
            return []
        if self.state is State.SHUTDOWN_PENDING:
            return self._enter(State.SHUTDOWN_SENT, now)
        if self.state is State.SHUTDOWN_RECEIVED:
            return self._enter(State.SHUTDOWN_ACK_SENT, now)
        return []

    def _acknowledged(self, tsn: int, now: float) -> list[Event]:
        if self._outbound.acknowledge(tsn):
            self._patience.answered()
            self._patience.sent(now, outstanding=bool(self._outbound.unacknowledged()))
        return self._go_on_with_shutdown(now)

    def _on_init_ack(self, chunk: Chunk, now: float) -> list[Event]:
        answer = decode_init(chunk.value)
        cookie = answer.parameter(Parameter.STATE_COOKIE)
        if cookie is None:
            raise PacketError("INIT ACK without cookie")
        self._learn(answer)
        self._cookie = cookie
        return self._enter(State.COOKIE_ECHOED, now)

    def _on_cookie_ack(self, _: Chunk, now: float) -> list[Event]:
        self._enter(State.ESTABLISHED, now)
        self._patience.beat(now, heartbeat=False)
        return [Established()]

    def _on_data(self, chunk: Chunk, _: float) -> list[Event]:
        message = self._inbound.add(chunk)
        self._sack_due = True
        return [] if message is None else [Received(message)]

    def _on_sack(self, chunk: Chunk, now: float) -> list[Event]:
        return self._acknowledged(decode_cumulative_tsn(chunk), now)

    def _on_heartbeat(self, chunk: Chunk, _: float) -> list[Event]:
        self._queue(Chunk(ChunkType.HEARTBEAT_ACK, chunk.value))
        return []

    def _on_heartbeat_ack(self, chunk: Chunk, _: float) -> list[Event]:
        if chunk.value == self._heartbeat:
            self._patience.answered()
        return []

    def _on_shutdown(self, chunk: Chunk, now: float) -> list[Event]:
        if self.state is State.SHUTDOWN_SENT:
            # Both began at once (RFC 9260 9.2).
            return self._enter(State.SHUTDOWN_ACK_SENT, now)
        acknowledged = decode_cumulative_tsn(chunk)
        self._ending = SHUT_DOWN_BY_PEER
        self.state = State.SHUTDOWN_RECEIVED
        return self._acknowledged(acknowledged, now)

    def _on_shutdown_ack(self, _: Chunk, __: float) -> list[Event]:
        self._queue(Chunk(ChunkType.SHUTDOWN_COMPLETE))
        return self._finish(self._ending)

    def _on_shutdown_complete(self, _: Chunk, __: float) -> list[Event]:
        return self._finish(self._ending)

    def _on_abort(self, _: Chunk, __: float) -> list[Event]:
        setting_up = self.state in (State.COOKIE_WAIT, State.COOKIE_ECHOED)
        return self._finish(REFUSED if setting_up else ABORTED_BY_PEER)

    def _on_error(self, _: Chunk, __: float) -> list[Event]:
        # An ERROR ends nothing by itself (RFC 9260 3.3.10); what was refused goes unanswered.
        return []

    # INIT and COOKIE ECHO are missing: they concern the endpoint, where there may be no
    # association yet.
    _LIVING = tuple(state for state in State if state is not State.CLOSED)
    _GETTING_DATA = (State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_SENT)
    _HAVING_SENT = (State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_RECEIVED)
    _ENDING = (State.SHUTDOWN_SENT, State.SHUTDOWN_ACK_SENT)
    _RULES: ClassVar[dict[int, _Rule]] = {
        ChunkType.DATA: _Rule(_GETTING_DATA, _on_data),
        ChunkType.INIT_ACK: _Rule((State.COOKIE_WAIT,), _on_init_ack),
        ChunkType.SACK: _Rule(_HAVING_SENT, _on_sack),
        ChunkType.HEARTBEAT: _Rule(_LIVING, _on_heartbeat),
        ChunkType.HEARTBEAT_ACK: _Rule(_LIVING, _on_heartbeat_ack),
        ChunkType.ABORT: _Rule(_LIVING, _on_abort),
        ChunkType.SHUTDOWN: _Rule((*_HAVING_SENT, State.SHUTDOWN_SENT), _on_shutdown),
        ChunkType.SHUTDOWN_ACK: _Rule(_ENDING, _on_shutdown_ack),
        ChunkType.ERROR: _Rule(_LIVING, _on_error),
        ChunkType.COOKIE_ACK: _Rule((State.COOKIE_ECHOED,), _on_cookie_ack),
        ChunkType.SHUTDOWN_COMPLETE: _Rule((State.SHUTDOWN_ACK_SENT,), _on_shutdown_complete),
    }
