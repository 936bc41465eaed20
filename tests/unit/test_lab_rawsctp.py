"""Our own SCTP on a wire that loses, doubles and delays: no socket, and a clock that is set."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.sctp.association import (
    ABORTED,
    ABORTED_BY_PEER,
    NO_ANSWER,
    REFUSED,
    RESTARTED,
    SHUT_DOWN,
    SHUT_DOWN_BY_PEER,
    Address,
    AssociationEnded,
    Inbox,
    Message,
    SctpError,
    Timers,
)
from tests.lab.sctp.endpoint import COOKIE_LIFE_S, SctpEndpoint
from tests.lab.sctp.packet import (
    REFLECTED,
    Chunk,
    ChunkType,
    Init,
    Packet,
    PacketError,
    crc32c,
    decode_init,
    decode_packet,
    encode_packet,
    init_chunk,
    sack_chunk,
)
from tests.lab.sctp.protocol import SctpProtocol
from tests.lab.sctp.states import Ended, Established, Event, Received, State

CLIENT, SERVER = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
CLIENT_PORT, PORT = 40_000, 36_412
TIMERS = Timers(rto_initial_s=0.5, rto_max_s=2.0, max_retransmissions=5, heartbeat_s=2.0)

Keep = Callable[[Packet], bool]


class Wire:
    """A client and a server, and a clock that only `pass_time` moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sides: dict[Address, SctpEndpoint] = {
            CLIENT: SctpEndpoint(CLIENT_PORT, TIMERS, listening=False),
            SERVER: SctpEndpoint(PORT, TIMERS, listening=True),
        }
        self.events: dict[Address, list[tuple[SctpProtocol, Event]]] = {CLIENT: [], SERVER: []}
        self.sent: list[Packet] = []
        self.keep: Keep = lambda _: True

    def connect(self) -> SctpProtocol:
        return self.sides[CLIENT].connect((SERVER, PORT), self.now)

    def run(self) -> None:
        """Carry packets until there are none."""
        while True:
            carried = [(side, *one) for side, e in self.sides.items() for one in e.take()]
            if not carried:
                return
            for sender, receiver, data in carried:
                self.carry(sender, receiver, data)

    def carry(self, sender: Address, receiver: Address, data: bytes) -> None:
        packet = decode_packet(data)
        self.sent.append(packet)
        if self.keep(packet):
            self.events[receiver] += self.sides[receiver].receive(sender, data, self.now)

    def inject(self, packet: Packet, sender: Address = CLIENT, receiver: Address = SERVER) -> None:
        """Have a packet arrive that nobody sent."""
        data = encode_packet(packet)
        self.events[receiver] += self.sides[receiver].receive(sender, data, self.now)
        self.run()

    def pass_time(self, seconds: float) -> None:
        """Let time go by, from one timer to the next."""
        end = self.now + seconds
        while True:
            times = [at for side in self.sides.values() if (at := side.wake_at()) is not None]
            if not times or min(times) > end:
                break
            self.now = max(self.now, min(times))
            for address, side in self.sides.items():
                self.events[address] += side.tick(self.now)
            self.run()
        self.now = end

    def server(self) -> SctpProtocol:
        """Return the server's end of the latest association."""
        return next(p for p, e in reversed(self.events[SERVER]) if isinstance(e, Established))

    def ends(self, side: Address) -> list[str]:
        return [e.cause for _, e in self.events[side] if isinstance(e, Ended)]

    def messages(self, side: Address) -> list[bytes]:
        return [e.message.data for _, e in self.events[side] if isinstance(e, Received)]

    def kinds(self) -> list[ChunkType]:
        return [ChunkType(p.chunks[0].type) for p in self.sent]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def client(wire: Wire) -> SctpProtocol:
    """The client's end of an established association."""
    protocol = wire.connect()
    wire.run()
    assert protocol.state is State.ESTABLISHED
    return protocol


def loses(*kinds: ChunkType, times: int = 1) -> Keep:
    """Lose each of these kinds so many times."""
    left = dict.fromkeys(kinds, times)

    def keep(packet: Packet) -> bool:
        kind = ChunkType(packet.chunks[0].type)
        if left.get(kind, 0):
            left[kind] -= 1
            return False
        return True

    return keep


def test_the_checksum_is_that_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_four_packets_set_up(wire: Wire, client: SctpProtocol) -> None:
    assert wire.kinds() == [
        ChunkType.INIT,
        ChunkType.INIT_ACK,
        ChunkType.COOKIE_ECHO,
        ChunkType.COOKIE_ACK,
    ]
    assert wire.sent[0].tag == 0
    assert [type(e) for _, e in wire.events[CLIENT]] == [Established]
    assert wire.server().peer_tag == client.own.tag


@pytest.mark.parametrize(
    "kind", [*list(ChunkType)[1:3], ChunkType.COOKIE_ECHO, ChunkType.COOKIE_ACK]
)
def test_setting_up_survives_losses(wire: Wire, kind: ChunkType) -> None:
    wire.keep = loses(kind, times=3)
    client = wire.connect()
    wire.run()
    wire.pass_time(5)
    assert client.state is State.ESTABLISHED
    assert len([e for _, e in wire.events[SERVER] if isinstance(e, Established)]) == 1


def test_attempts_double_their_distance_and_end(wire: Wire) -> None:
    times = []

    def note(_: Packet) -> bool:
        times.append(wire.now - 1000)
        return False

    wire.keep = note
    wire.connect()
    wire.run()
    wire.pass_time(60)
    assert times == [0, 0.5, 1.5, 3.5, 5.5, 7.5]
    assert wire.ends(CLIENT) == [NO_ANSWER]
    assert wire.now == 1060
    assert wire.sides[CLIENT].wake_at() is None


def test_what_the_system_says_of_sending_is_the_cause(wire: Wire) -> None:
    wire.keep = lambda _: False
    wire.connect()
    wire.sides[CLIENT].note_path(SERVER, "Operation not permitted")
    wire.run()
    wire.pass_time(60)
    assert wire.ends(CLIENT) == ["Operation not permitted"]


def test_who_does_not_listen_refuses(wire: Wire) -> None:
    wire.sides[SERVER].listening = False
    wire.connect()
    wire.run()
    assert wire.ends(CLIENT) == [REFUSED]
    assert wire.kinds() == [ChunkType.INIT, ChunkType.ABORT]


@pytest.mark.parametrize("kind", [ChunkType.DATA, ChunkType.SACK])
def test_messages_come_once_and_in_order(wire: Wire, client: SctpProtocol, kind: ChunkType) -> None:
    wire.keep = loses(kind, times=2)
    messages = [bytes([n]) * size for n, size in enumerate((1, 1200, 1201, 6000, 7))]
    for data in messages:
        client.send(Message(data, 18), wire.now)
        wire.run()
    wire.pass_time(5)
    assert wire.messages(SERVER) == messages
    assert client.state is State.ESTABLISHED


@given(losses=st.lists(st.booleans(), max_size=60))
def test_any_losses_are_made_good(losses: list[bool]) -> None:
    wire = Wire()
    client = wire.connect()
    wire.run()
    pattern = iter(losses)
    wire.keep = lambda _: not next(pattern, False)
    messages = [bytes([n]) * 1500 for n in range(3)]
    for data in messages:
        client.send(Message(data, 18), wire.now)
    client.shutdown(wire.now)
    wire.run()
    wire.pass_time(60)
    got = wire.messages(SERVER)
    # Five losses in a row end an association; what came before the end is still right.
    assert got == messages[: len(got)]
    if wire.ends(CLIENT) == [SHUT_DOWN]:
        assert got == messages


def test_doubled_packets_mean_nothing(wire: Wire) -> None:
    client = wire.connect()
    endpoint = wire.sides[SERVER]

    def double(packet: Packet) -> bool:
        if packet.destination_port == PORT:
            wire.events[SERVER] += endpoint.receive(CLIENT, encode_packet(packet), wire.now)
        return True

    wire.keep = double
    wire.run()
    client.send(Message(b"once", 18), wire.now)
    wire.run()
    assert wire.messages(SERVER) == [b"once"]
    client.shutdown(wire.now)
    wire.run()
    assert wire.ends(SERVER) == [SHUT_DOWN_BY_PEER]
    assert wire.ends(CLIENT) == [SHUT_DOWN]


def test_a_dead_peer_is_noticed_by_heartbeats(wire: Wire, client: SctpProtocol) -> None:
    wire.pass_time(30)
    assert client.state is State.ESTABLISHED
    assert wire.kinds()[4:6] == [ChunkType.HEARTBEAT, ChunkType.HEARTBEAT]
    wire.keep = lambda _: False
    died_at = wire.now
    wire.pass_time(TIMERS.heartbeat_s * (TIMERS.max_retransmissions + 2))
    assert wire.ends(CLIENT) == [NO_ANSWER]
    assert wire.ends(SERVER) == [NO_ANSWER]
    assert wire.now - died_at < 15


def test_a_short_silence_is_forgiven(wire: Wire, client: SctpProtocol) -> None:
    for _ in range(4):
        wire.keep = lambda _: False
        client.send(Message(b"x", 18), wire.now)
        wire.pass_time(5)
        wire.keep = lambda _: True
        wire.pass_time(5)
    assert client.state is State.ESTABLISHED
    assert wire.messages(SERVER) == [b"x"] * 4


@pytest.mark.parametrize(
    "kind", [ChunkType.SHUTDOWN, ChunkType.SHUTDOWN_ACK, ChunkType.SHUTDOWN_COMPLETE]
)
def test_the_graceful_end_survives_losses(
    wire: Wire, client: SctpProtocol, kind: ChunkType
) -> None:
    wire.keep = loses(kind, times=2)
    client.shutdown(wire.now)
    wire.run()
    wire.pass_time(10)
    assert wire.ends(CLIENT) == [SHUT_DOWN]
    assert wire.ends(SERVER) == [SHUT_DOWN_BY_PEER]


def test_both_may_end_at_once(wire: Wire, client: SctpProtocol) -> None:
    client.shutdown(wire.now)
    wire.server().shutdown(wire.now)
    wire.run()
    assert wire.ends(CLIENT) == [SHUT_DOWN]
    assert wire.ends(SERVER) == [SHUT_DOWN]


def test_data_is_taken_while_shutting_down(wire: Wire, client: SctpProtocol) -> None:
    wire.keep = loses(ChunkType.SHUTDOWN)
    client.shutdown(wire.now)
    wire.run()
    wire.server().send(Message(b"wait", 18), wire.now)
    wire.run()
    wire.pass_time(3)
    assert wire.messages(CLIENT) == [b"wait"]
    assert wire.ends(SERVER) == [SHUT_DOWN_BY_PEER]


def test_abort_ends_both(wire: Wire, client: SctpProtocol) -> None:
    wire.events[CLIENT] += [(client, e) for e in client.abort()]
    wire.run()
    assert wire.ends(CLIENT) == [ABORTED]
    assert wire.ends(SERVER) == [ABORTED_BY_PEER]
    assert client.abort() == []


def test_an_attempt_is_given_up_without_a_word(wire: Wire) -> None:
    wire.keep = lambda _: False
    client = wire.connect()
    wire.run()
    client.abort()
    wire.run()
    assert wire.kinds() == [ChunkType.INIT]


def test_a_peer_that_begins_anew_replaces_the_association(wire: Wire, client: SctpProtocol) -> None:
    old = wire.server()
    wire.sides[CLIENT] = SctpEndpoint(CLIENT_PORT, TIMERS, listening=False)
    again = wire.connect()
    wire.run()
    assert again.state is State.ESTABLISHED
    assert wire.ends(SERVER) == [RESTARTED]
    assert wire.server() is not old
    again.send(Message(b"new", 18), wire.now)
    wire.run()
    assert wire.messages(SERVER) == [b"new"]
    assert client.state is State.ESTABLISHED  # nobody told it; its endpoint is gone


def test_a_stranger_cannot_end_or_restart_it(wire: Wire, client: SctpProtocol) -> None:
    wrong = client.peer_tag ^ 1
    for chunk in (Chunk(ChunkType.ABORT), Chunk(ChunkType.SHUTDOWN_COMPLETE)):
        wire.inject(Packet(CLIENT_PORT, PORT, wrong, (chunk,)))
        reflected = Chunk(chunk.type, flags=REFLECTED)
        wire.inject(Packet(CLIENT_PORT, PORT, wrong, (reflected,)))
    wire.inject(Packet(CLIENT_PORT, PORT, wrong, (Chunk(ChunkType.COOKIE_ECHO, b"forged"),)))
    forged = b"\0" * 44
    wire.inject(Packet(CLIENT_PORT, PORT, wrong, (Chunk(ChunkType.COOKIE_ECHO, forged),)))
    assert wire.ends(SERVER) == []
    client.send(Message(b"still here", 18), wire.now)
    wire.run()
    assert wire.messages(SERVER) == [b"still here"]


def test_an_abort_with_the_peers_own_tag_counts(wire: Wire, client: SctpProtocol) -> None:
    abort = Chunk(ChunkType.ABORT, flags=REFLECTED)
    wire.inject(Packet(CLIENT_PORT, PORT, client.own.tag, (abort,)))
    assert wire.ends(SERVER) == [ABORTED_BY_PEER]


def test_a_cookie_is_good_for_its_sender_and_its_time(wire: Wire) -> None:
    init = Init(7, 1000, 1, 1, 1)
    packet = Packet(CLIENT_PORT, PORT, 0, (init_chunk(ChunkType.INIT, init),))
    wire.inject(packet)
    answer = decode_init(wire.sent[0].chunks[0].value)
    cookie = Chunk(ChunkType.COOKIE_ECHO, answer.parameters[0][1])
    echo = Packet(CLIENT_PORT, PORT, answer.tag, (cookie,))
    wire.inject(echo, sender=IPv4Address("192.0.2.99"))
    wire.now += COOKIE_LIFE_S + 1
    wire.inject(echo)
    assert wire.events[SERVER] == []
    wire.now -= COOKIE_LIFE_S
    wire.inject(echo)
    assert [type(e) for _, e in wire.events[SERVER]] == [Established]


def test_unknown_parameters_are_reported_as_they_ask(wire: Wire) -> None:
    parameters = ((0x8008, b"\x80"), (0xC000, b""), (0x4001, b"abc"))
    init = Init(7, 1000, 1, 1, 1, parameters)
    wire.inject(Packet(CLIENT_PORT, PORT, 0, (init_chunk(ChunkType.INIT, init),)))
    answer = decode_init(wire.sent[0].chunks[0].value)
    reports = [value for kind, value in answer.parameters if kind == 8]
    assert [value[:2] for value in reports] == [b"\xc0\x00", b"\x40\x01"]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (ChunkType.DATA, ChunkType.ABORT),
        (ChunkType.HEARTBEAT, ChunkType.ABORT),
        (ChunkType.SHUTDOWN_ACK, ChunkType.SHUTDOWN_COMPLETE),
        (ChunkType.ABORT, None),
        (ChunkType.SHUTDOWN_COMPLETE, None),
        (ChunkType.COOKIE_ACK, None),
    ],
)
def test_packets_out_of_the_blue(wire: Wire, kind: ChunkType, answer: ChunkType | None) -> None:
    wire.inject(Packet(CLIENT_PORT, PORT, 99, (Chunk(kind, b"x" * 16),)))
    if answer is None:
        assert wire.sent == []
        return
    (packet,) = wire.sent
    assert (packet.tag, packet.chunks) == (99, (Chunk(answer, flags=REFLECTED),))


def test_what_comes_before_a_malformed_chunk_has_happened(wire: Wire, client: SctpProtocol) -> None:
    client.send(Message(b"sound", 18), wire.now)
    ((_, data),) = client.take()
    cut_short = Chunk(ChunkType.SACK, b"\0\0")
    abort = Chunk(ChunkType.ABORT)
    wire.inject(Packet(CLIENT_PORT, PORT, client.peer_tag, (data, cut_short, abort)))
    assert wire.messages(SERVER) == [b"sound"]
    assert wire.ends(SERVER) == []


@pytest.mark.parametrize(("kind", "goes_on"), [(0x3F, False), (0x7F, False), (0xBF, True)])
def test_the_type_of_an_unknown_chunk_says_whether_to_go_on(
    wire: Wire, client: SctpProtocol, kind: int, goes_on: bool
) -> None:
    chunks = (Chunk(kind, b"?"), Chunk(ChunkType.ABORT))
    wire.inject(Packet(CLIENT_PORT, PORT, client.peer_tag, chunks))
    assert bool(wire.ends(SERVER)) is goes_on


def test_a_misdirected_sack_acknowledges_nothing(wire: Wire, client: SctpProtocol) -> None:
    wire.keep = loses(ChunkType.DATA, times=1)
    client.send(Message(b"x", 18), wire.now)
    wire.run()
    before = sack_chunk((client.own.tsn - 1) % (1 << 32))
    wire.inject(Packet(PORT, CLIENT_PORT, client.own.tag, (before,)), SERVER, CLIENT)
    wire.pass_time(1)
    assert wire.messages(SERVER) == [b"x"]


@pytest.mark.parametrize(
    "message", [Message(b"", 18), Message(b"x", 18, 10), Message(b"x", 18, -1)]
)
def test_what_cannot_be_sent_is_refused(client: SctpProtocol, message: Message) -> None:
    with pytest.raises(SctpError):
        client.send(message, 0)


def test_nothing_is_sent_before_or_after(wire: Wire, client: SctpProtocol) -> None:
    client.shutdown(wire.now)
    with pytest.raises(AssociationEnded):
        client.send(Message(b"x", 18), wire.now)
    early = SctpProtocol.connecting(TIMERS, wire.now)
    with pytest.raises(AssociationEnded):
        early.send(Message(b"x", 18), wire.now)


@given(data=st.binary(max_size=100))
def test_garbage_is_dropped(data: bytes) -> None:
    with pytest.raises(PacketError):
        decode_packet(data)
    wire = Wire()
    assert wire.sides[SERVER].receive(IPv6Address("2001:db8::1"), data, 0) == []


@given(
    kinds=st.lists(
        st.tuples(st.integers(0, 15), st.integers(0, 3), st.binary(max_size=40)),
        min_size=1,
        max_size=4,
    )
)
def test_sound_packets_of_nonsense_do_no_harm(kinds: list[tuple[int, int, bytes]]) -> None:
    wire = Wire()
    client = wire.connect()
    wire.run()
    chunks = tuple(Chunk(kind, value, flags) for kind, flags, value in kinds)
    wire.inject(Packet(CLIENT_PORT, PORT, client.peer_tag, chunks))
    wire.inject(Packet(CLIENT_PORT, PORT, 0, chunks))
    wire.pass_time(1)


def test_an_inbox_gives_everything_before_the_end() -> None:
    inbox = Inbox()
    assert not inbox.wait_up(0)
    inbox.set_up()
    assert inbox.wait_up(0)
    inbox.put(Message(b"1", 18))
    inbox.end("first")
    inbox.end("second")
    assert inbox.get(0) == Message(b"1", 18)
    for _ in range(2):
        with pytest.raises(AssociationEnded, match="first"):
            inbox.get(0)
    assert inbox.wait_end(0)
