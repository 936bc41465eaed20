"""A session that is given up: whatever it waits for, the next one begins at once."""

from __future__ import annotations

import os
import socket
import ssl
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from henbd.system.acs import Answer, TlsFiles
from tests.functional.hems_client import Client
from tests.functional.http_server import Server, Visit, mute, polite, wait_until
from tests.lab import pki
from tests.lab.events import PATIENCE
from tests.lab.pki import HEMS_NAME, Pki

# Long against what is measured (a few milliseconds), short against every time-out.
AT_ONCE_S = 2.0 * PATIENCE
HOLE = "127.0.0.6"

# More than the buffers of two sockets hold.
LONG = 32 << 20


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return pki.make(tmp_path_factory.mktemp("pki") / "keys")


@pytest.fixture
def client(keys: Pki) -> Iterator[Client]:
    made = Client(TlsFiles(str(keys.tls_ca.certificate), None, None))
    yield made
    made.acs.close()
    wait_until(made.doorbell, lambda: exchanging() == 0, "the end of the threads")


def silent(visit: Visit) -> None:
    """Take a request and answer nothing."""
    visit.request()
    mute(visit)


def dripping(visit: Visit) -> None:
    """Answer a piece at a time, each long before any time-out."""
    visit.request()
    visit.socket.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        visit.socket.sendall(b"1\r\nx\r\n")
        time.sleep(0.002)


@contextmanager
def black_hole(port: int) -> Iterator[None]:
    """Let no connection to HOLE come about: its queue of those who wait is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOLE, port))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((HOLE, port))
        yield


def exchanging() -> int:
    """Count the threads that wait for a HeMS, or for work."""
    return sum(thread.name == "exchange" for thread in threading.enumerate())


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


class Case:
    """A HeMS that leaves its first callers waiting, one way or another, and answers the later."""

    def __init__(self, how: str, keys: Pki, stack: ExitStack, times: int = 1) -> None:
        scheme = "https" if "TLS" in how else "http"
        script: Callable[[Visit], None] = {
            "TLS handshake": mute,
            "waiting": silent,
            "waiting, TLS": silent,
            "dripping body": dripping,
            "dripping body, TLS": dripping,
            "connecting": polite,
        }[how]
        context = None
        if scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(keys.hems.certificate, keys.hems.key)
        waits = 0 if how == "connecting" else times
        self.how = how
        self.server = stack.enter_context(Server(*[script] * waits, polite, context=context))
        self.address = "127.0.0.1"
        if how == "connecting":
            stack.enter_context(black_hole(self.server.port))
            self.address = HOLE
        self.url = f"{scheme}://{HEMS_NAME}:{self.server.port}/"

    def reached(self, seen: int) -> bool:
        """Return whether the client waits now; `seen` requests were there before."""
        if self.how == "connecting":
            return True
        if self.how == "TLS handshake":
            return len(self.server.peers) > seen
        return len(self.server.requests) > seen


HOWS = [
    "connecting",
    "TLS handshake",
    "waiting",
    "waiting, TLS",
    "dripping body",
    "dripping body, TLS",
]


@pytest.mark.parametrize("how", HOWS)
def test_the_next_session_begins_at_once(client: Client, keys: Pki, how: str) -> None:
    with ExitStack() as stack:
        case = Case(how, keys, stack)
        client.open(case.url, case.address)
        client.acs.post(b"first")
        wait_until(client.doorbell, partial(case.reached, 0), how)
        # The thread is to be inside of what it waits for.
        client.turn(0.1)
        client.tick()
        assert exchanging() == 2

        started = time.monotonic()
        client.acs.abort()
        client.open(case.url)
        client.acs.post(b"second")
        handed_over = time.monotonic()
        assert client.outcome() == Answer(200, b"second")
        request = case.server.requests[-1]
        assert request.body == b"second"
        assert request.at - started < AT_ONCE_S
        print(
            f"{how}: abort to hand-over {1000 * (handed_over - started):.2f} ms,"
            f" to the first byte {1000 * (request.at - started):.2f} ms"
        )
        # The worker that was left has ended by itself, and is not heard of.
        wait_until(client.doorbell, lambda: exchanging() == 1, "the end of the thread")
        client.turn(0.05)
        assert not client.outcomes
        client.tick()
        assert exchanging() == 2
        assert client.post(b"third") == Answer(200, b"third")
        client.acs.end()


@pytest.mark.parametrize("how", HOWS)
def test_many_aborts_leave_nothing_behind(client: Client, keys: Pki, how: str) -> None:
    times = 34
    before = descriptors()
    taken = []
    with ExitStack() as stack:
        case = Case(how, keys, stack, times)
        for number in range(times):
            client.open(case.url, case.address)
            client.acs.post(b"x")
            if number % 2:
                # Else: at a moment that is left to chance.
                wait_until(client.doorbell, partial(case.reached, number // 2), how)
            started = time.monotonic()
            client.acs.abort()
            taken.append(time.monotonic() - started)
            client.tick()
        wait_until(client.doorbell, lambda: exchanging() == 2, "the end of the threads")
        client.turn(0.05)
        assert not client.outcomes
    assert exchanging() == 2
    assert descriptors() == before
    print(
        f"{how}: abort takes {1000 * statistics.median(taken):.2f} ms, at most", 1000 * max(taken)
    )


def test_what_was_given_up_is_ended_though_no_session_follows(client: Client, keys: Pki) -> None:
    with ExitStack() as stack:
        case = Case("waiting", keys, stack)
        client.open(case.url)
        client.acs.post(b"x")
        wait_until(client.doorbell, partial(case.reached, 0), "waiting")
        client.acs.abort()
        at = client.acs.wake_at()
        assert at is not None
        assert at <= time.monotonic()
        client.acs.tick(at)
        wait_until(client.doorbell, lambda: exchanging() == 1, "the end of the thread")


def test_aborts_without_time_to_make_a_spare_ready(client: Client, keys: Pki) -> None:
    with ExitStack() as stack:
        case = Case("waiting", keys, stack, times=5)
        for _ in range(5):
            client.open(case.url)
            client.acs.post(b"x")
            client.acs.abort()
        client.open(case.url, "127.0.0.1")
        client.acs.abort()
        client.acs.tick(time.monotonic())
        wait_until(client.doorbell, lambda: exchanging() == 1, "the end of the threads")


def test_an_abort_of_nothing_is_no_error(client: Client) -> None:
    client.acs.abort()
    with Server(polite) as server:
        client.open(f"http://127.0.0.1:{server.port}/")
        client.post()
        client.acs.abort()
        client.acs.abort()
        client.open(f"http://127.0.0.1:{server.port}/")
        assert client.post() == Answer(200, b"<soap/>")
        client.acs.end()
    assert exchanging() == 2


def test_the_spare_is_made_ready_later(client: Client) -> None:
    with Server(silent) as server:
        assert client.acs.wake_at() is None
        opened_at = time.monotonic()
        client.open(f"http://127.0.0.1:{server.port}/")
        at = client.acs.wake_at()
        assert at is not None
        assert at > opened_at
        client.acs.tick(at)
        assert client.acs.wake_at() is None
        client.acs.post(b"")
        client.acs.abort()
        assert client.acs.wake_at() is not None
        client.tick()
        assert client.acs.wake_at() is None


def test_closing_ends_the_threads_and_lets_go_of_everything() -> None:
    before = descriptors()
    client = Client()
    with Server(silent) as server:
        client.open(f"http://127.0.0.1:{server.port}/")
        client.acs.post(b"x")
        wait_until(client.doorbell, lambda: server.requests, "the request")
        client.acs.close()
        wait_until(client.doorbell, lambda: exchanging() == 0, "the end of the threads")
    assert descriptors() == before


def test_nothing_of_a_session_that_was_given_up_arrives_later() -> None:
    given_up = threading.Event()
    arrived: list[int] = []

    def late(visit: Visit) -> None:
        given_up.wait()
        visit.socket.settimeout(AT_ONCE_S)
        try:
            while received := visit.socket.recv(65536):
                arrived.append(len(received))
        except ConnectionResetError:
            arrived.append(0)

    with Server(late) as server:
        client = Client()
        client.open(f"http://127.0.0.1:{server.port}/")
        client.acs.post(bytes(LONG))
        time.sleep(0.2)
        client.acs.close()
        wait_until(client.doorbell, lambda: exchanging() == 0, "the end of the thread")
        given_up.set()
        wait_until(client.doorbell, lambda: arrived[-1:] == [0], "a reset")
    assert sum(arrived) < LONG
