"""SCTP of the lab over a real link: our own on raw sockets, and the kernel's where it has it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.lab import sctp, wire
from tests.lab.events import PATIENCE
from tests.lab.sctp.association import (
    ABORTED_BY_PEER,
    NO_ANSWER,
    REFUSED,
    SHUT_DOWN,
    SHUT_DOWN_BY_PEER,
)
from tests.lab.wire import Wire

RAW, KERNEL = sctp.Backend.RAW, sctp.Backend.KERNEL
BACKENDS = [RAW, KERNEL] if sctp.kernel_has_sctp() else [RAW]
PORT = 36_412
SOON_S = 3 * PATIENCE
# Quick to give up, so that a test sees it in a second; slow enough for what a test does between.
NERVOUS = sctp.Timers(
    rto_initial_s=0.1 * PATIENCE,
    rto_max_s=0.2 * PATIENCE,
    max_retransmissions=3,
    heartbeat_s=0.2 * PATIENCE,
)


@pytest.fixture(scope="module")
def link() -> Iterator[Wire]:
    with wire.wire() as made:
        yield made


@dataclass(frozen=True)
class Ends:
    """Who speaks SCTP at each end, and over which addresses."""

    link: Wire
    client_backend: sctp.Backend
    server_backend: sctp.Backend
    henb: sctp.Address
    core: sctp.Address

    def listen(self, timers: sctp.Timers | None = None) -> sctp.Listener:
        with self.link.core.inside():
            return sctp.listen(self.core, PORT, timers=timers, backend=self.server_backend)

    def begin(self, timers: sctp.Timers | None = None) -> sctp.Association:
        with self.link.henb.inside():
            return sctp.begin(
                self.henb, self.core, PORT, timers=timers, backend=self.client_backend
            )

    def connect(self) -> sctp.Association:
        with self.link.henb.inside():
            return sctp.connect(self.henb, self.core, PORT, SOON_S, backend=self.client_backend)


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def version(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture(params=BACKENDS, ids=lambda b: f"client-{b.value}")
def client_backend(request: pytest.FixtureRequest) -> sctp.Backend:
    backend: sctp.Backend = request.param
    return backend


@pytest.fixture(params=BACKENDS, ids=lambda b: f"server-{b.value}")
def server_backend(request: pytest.FixtureRequest) -> sctp.Backend:
    backend: sctp.Backend = request.param
    return backend


@pytest.fixture
def ends(
    link: Wire, version: int, client_backend: sctp.Backend, server_backend: sctp.Backend
) -> Iterator[Ends]:
    addresses = (wire.HENB, wire.MME) if version == 4 else (wire.HENB_6, wire.MME_6)
    raw = [
        namespace
        for namespace, backend in ((link.henb, client_backend), (link.core, server_backend))
        if backend is RAW
    ]
    with wire.deaf_kernel(*raw):
        yield Ends(link, client_backend, server_backend, *addresses)


@dataclass(frozen=True)
class Pair:
    """An association, from both its ends."""

    client: sctp.Association
    server: sctp.Association


@pytest.fixture
def pair(ends: Ends) -> Iterator[Pair]:
    with ExitStack() as undo:
        listener = ends.listen()
        undo.callback(listener.close)
        client = ends.connect()
        undo.callback(client.abort)
        server = listener.accept(SOON_S)
        assert server is not None
        undo.callback(server.abort)
        yield Pair(client, server)


def cause_of_end(association: sctp.Association, timeout_s: float = SOON_S) -> str:
    assert association.inbox.wait_end(timeout_s)
    with pytest.raises(sctp.AssociationEnded) as ended:
        association.receive(0)
    return str(ended.value)


def sctp_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("sctp")]


@pytest.mark.kernel
def test_messages_cross_with_protocol_and_stream(ends: Ends, pair: Pair) -> None:
    pair.client.send(b"request", 18)
    assert pair.server.receive(SOON_S) == sctp.Message(b"request", 18, 0)
    pair.server.send(b"answer", 46, stream=3)
    assert pair.client.receive(SOON_S) == sctp.Message(b"answer", 46, 3)
    assert (pair.server.local, pair.server.peer) == (ends.core, ends.henb)
    assert (pair.client.peer, pair.client.peer_port) == (ends.core, PORT)


def test_messages_stay_whole_and_in_order(pair: Pair) -> None:
    sent = [bytes([n]) * size for n, size in enumerate((1, 1200, 1201, 5000, 20_000, 7))]
    for data in sent:
        pair.client.send(data, 18)
    got = [pair.server.receive(SOON_S) for _ in sent]
    assert got == [sctp.Message(data, 18) for data in sent]


def test_no_message_in_time_is_no_end(pair: Pair) -> None:
    assert pair.client.receive(0.01) is None
    assert pair.client.inbox.ended is None


@pytest.mark.kernel
def test_shutdown_is_graceful_and_delivers_first(pair: Pair) -> None:
    pair.client.send(b"last words", 18)
    assert pair.client.shutdown(SOON_S)
    assert pair.client.inbox.ended == SHUT_DOWN
    message = pair.server.receive(SOON_S)
    assert message is not None
    assert message.data == b"last words"
    assert cause_of_end(pair.server) == SHUT_DOWN_BY_PEER
    with pytest.raises(sctp.AssociationEnded):
        pair.client.send(b"too late", 18)


def test_either_end_may_shut_down(pair: Pair) -> None:
    assert pair.server.shutdown(SOON_S)
    assert cause_of_end(pair.client) == SHUT_DOWN_BY_PEER


@pytest.mark.parametrize("by_server", [False, True])
def test_abort_is_seen_as_such(pair: Pair, by_server: bool) -> None:
    first, second = (pair.server, pair.client) if by_server else (pair.client, pair.server)
    first.abort()
    assert cause_of_end(second) == ABORTED_BY_PEER


def test_nothing_is_left_after_the_end(ends: Ends) -> None:
    before = sctp_threads()
    listener = ends.listen()
    client = ends.connect()
    server = listener.accept(SOON_S)
    assert server is not None
    listener.close()
    client.shutdown(SOON_S)
    cause_of_end(server)
    server.abort()
    assert sctp_threads() == before
    ends.listen().close()


def test_a_port_is_taken_once(ends: Ends) -> None:
    listener = ends.listen()
    try:
        with pytest.raises(sctp.SctpError, match="in use"):
            ends.listen()
    finally:
        listener.close()


def test_an_address_that_is_not_ours_is_refused(ends: Ends) -> None:
    with ends.link.henb.inside(), pytest.raises(sctp.SctpError, match="annot assign"):
        sctp.begin(ends.core, ends.henb, PORT, backend=ends.client_backend)


def test_who_does_not_listen_refuses_or_is_silent(ends: Ends) -> None:
    client = ends.begin(NERVOUS)
    assert cause_of_end(client) == (REFUSED if ends.server_backend is KERNEL else NO_ANSWER)
    client.abort()


def test_an_attempt_can_be_given_up(ends: Ends) -> None:
    ends.link.cut()
    try:
        began = time.monotonic()
        client = ends.begin()
        assert not client.wait_up(0.05)
        assert not client.shutdown(5.0)
        assert time.monotonic() - began < SOON_S
    finally:
        ends.link.mend()


def test_a_late_listener_is_found(ends: Ends) -> None:
    ends.link.cut()
    client = ends.begin()
    try:
        assert not client.wait_up(0.1)
        listener = ends.listen()
    finally:
        ends.link.mend()
    assert client.wait_up(SOON_S)
    client.abort()
    listener.close()


def test_a_cut_is_noticed_in_bounded_time_and_a_short_one_survived(ends: Ends) -> None:
    listener = ends.listen(NERVOUS)
    client = ends.begin(NERVOUS)
    assert client.wait_up(SOON_S)
    server = listener.accept(SOON_S)
    assert server is not None
    ends.link.cut()
    try:
        client.send(b"on the way", 18)
        time.sleep(0.15)
    finally:
        ends.link.mend()
    message = server.receive(SOON_S)
    assert message is not None
    assert message.data == b"on the way"
    ends.link.cut()
    try:
        # The client has nothing to send, the server neither: only heartbeats tell.
        assert cause_of_end(client, 5 * PATIENCE) == NO_ANSWER
        assert cause_of_end(server, 5 * PATIENCE) == NO_ANSWER
    finally:
        ends.link.mend()
    listener.close()


@pytest.fixture
def nervous(link: Wire, client_backend: sctp.Backend) -> Iterator[Ends]:
    """Both ends of one kind, over IPv4."""
    raw = [link.henb, link.core] if client_backend is RAW else []
    with wire.deaf_kernel(*raw):
        yield Ends(link, client_backend, client_backend, wire.HENB, wire.MME)


@pytest.fixture
def nervous_pair(nervous: Ends) -> Iterator[Pair]:
    """An association that is quick to give up."""
    with ExitStack() as undo:
        listener = nervous.listen(NERVOUS)
        undo.callback(listener.close)
        client = nervous.begin(NERVOUS)
        undo.callback(client.abort)
        assert client.wait_up(SOON_S)
        server = listener.accept(SOON_S)
        assert server is not None
        undo.callback(server.abort)
        yield Pair(client, server)


@dataclass(frozen=True)
class Guard:
    """What keeps packets for the core from leaving, and what the system then says."""

    close: str
    open: str
    word: str


BLOCK = f"src 0.0.0.0/0 dst {wire.MME}/32 dir out"
GUARDS = {
    "policy": Guard(
        f"xfrm policy add {BLOCK} priority 1 action block",
        f"xfrm policy delete {BLOCK}",
        "Operation not permitted",
    ),
    "unreachable": Guard(
        f"route add unreachable {wire.MME}/32",
        f"route delete unreachable {wire.MME}/32",
        "No route to host",
    ),
}


@pytest.fixture(params=GUARDS.values(), ids=list(GUARDS))
def guard(request: pytest.FixtureRequest) -> Guard:
    made: Guard = request.param
    return made


def test_a_guard_is_a_loss_and_then_the_cause(
    link: Wire, nervous: Ends, nervous_pair: Pair, guard: Guard
) -> None:
    pair, raw = nervous_pair, nervous.client_backend is RAW
    link.henb.ip(guard.close)
    try:
        pair.client.send(b"held back", 18)
        time.sleep(0.1)
        assert pair.client.trouble == (guard.word if raw else None)
    finally:
        link.henb.ip(guard.open)
    message = pair.server.receive(SOON_S)
    assert message is not None
    assert message.data == b"held back"
    link.henb.ip(guard.close)
    try:
        cause = cause_of_end(pair.client, 5 * PATIENCE)
    finally:
        link.henb.ip(guard.open)
    # The kernel may know no better than that nobody answered; and the other end, who can still be
    # heard, gives up with an ABORT.
    assert cause == guard.word if raw else cause in (guard.word, NO_ANSWER, ABORTED_BY_PEER)


def test_an_attempt_against_a_guard_ends_in_time(link: Wire, nervous: Ends, guard: Guard) -> None:
    link.henb.ip(guard.close)
    try:
        with pytest.raises(sctp.AssociationEnded) as ended:
            nervous.begin(NERVOUS).wait_up(5 * PATIENCE)
    finally:
        link.henb.ip(guard.open)
    words = {guard.word} if nervous.client_backend is RAW else {guard.word, NO_ANSWER}
    assert str(ended.value) in words


def test_an_address_that_goes_away_ends_an_association_in_time(
    link: Wire, nervous: Ends, nervous_pair: Pair
) -> None:
    link.henb.ip(f"address delete {wire.HENB}/24 dev {link.device}")
    try:
        if nervous.client_backend is RAW:
            nervous_pair.client.send(b"from nowhere", 18)
        cause = cause_of_end(nervous_pair.client, 5 * PATIENCE)
    finally:
        link.henb.ip(f"address add {wire.HENB}/24 dev {link.device}")
    assert cause
    assert nervous.client_backend is KERNEL or cause != NO_ANSWER
