"""Connection requests over real connections."""

from __future__ import annotations

import itertools
import logging
import os
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from ipaddress import ip_address

import pytest
import requests
from requests.auth import HTTPDigestAuth

from henbd.system.doorbell import Doorbell
from henbd.system.listener import MOST_CALLERS, REQUEST_S, Listener
from henbd.system.request_head import LONGEST_HEAD
from tests.functional.http_server import TIMEOUT_S, wait_until

USER, PASSWORD, PATH = "00256D-HeNB-1", "secret word", "/d1b2"


class House:
    """A listener in a loop of its own, with a clock that the test moves."""

    def __init__(self) -> None:
        self.doorbell = Doorbell()
        self.now = 1000.0
        self.calls = 0
        self.served = True
        self.listener = Listener(self.doorbell, self._called, lambda: self.now)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port: int = taken.getsockname()[1]
        self.callers: list[socket.socket] = []

    def _called(self) -> bool:
        self.calls += 1
        return self.served

    def listen(self, address: str | None = "127.0.0.1", password: str = PASSWORD) -> None:
        at = None if address is None else ip_address(address)
        self.listener.listen(at, self.port, PATH, USER, password)

    def url(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{PATH}"

    def caller(self, host: str = "127.0.0.1", receive_buffer: int | None = None) -> socket.socket:
        """Connect, and let the listener accept."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family)
        self.callers.append(made)
        if receive_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.settimeout(TIMEOUT_S)
        made.connect((host, self.port))
        made.setblocking(False)
        self.settle()
        return made

    def settle(self) -> None:
        """Let the listener do what there is to do."""
        rung = True
        while rung:
            until = time.monotonic() + 0.01
            self.doorbell.wait(until)
            rung = time.monotonic() < until

    def hear(self, caller: socket.socket, replies: int = 1) -> list[str]:
        """Return so many replies: their status and whether the connection is kept."""
        heard = b""

        def complete() -> bool:
            nonlocal heard
            try:
                heard += caller.recv(65536)
            except BlockingIOError:
                return False
            return heard.count(b"\r\n\r\n") >= replies

        wait_until(self.doorbell, complete, f"{replies} replies")
        heads = heard.decode().split("\r\n\r\n")
        assert heads.pop() == ""
        return [f"{head[9:12]} {head.rpartition('Connection: ')[2]}" for head in heads]

    def ended(self, caller: socket.socket) -> bool:
        """Return whether the listener has closed a connection."""
        self.settle()
        try:
            return caller.recv(65536) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True

    def get(
        self, host: str = "127.0.0.1", *, password: str = PASSWORD, times: int = 1
    ) -> list[int]:
        """Call as a HeMS does, with what somebody else made for it; return the statuses."""

        def work() -> None:
            with requests.Session() as session:
                session.trust_env = False
                session.auth = HTTPDigestAuth(USER, password)
                done.set_result([session.get(self.url(host)).status_code for _ in range(times)])

        done: Future[list[int]] = Future()
        threading.Thread(target=work, daemon=True).start()
        wait_until(self.doorbell, done.done, "the replies")
        return done.result()


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.listener.close()
    for caller in made.callers:
        caller.close()


@pytest.mark.conformance("C154")
def test_who_knows_the_password_is_let_in(house: House) -> None:
    house.listen()
    assert house.listener.listening == ip_address("127.0.0.1")
    assert house.get(times=3) == [200, 200, 200]
    assert house.calls == 3
    assert house.get(password="guess") == [401]
    assert house.calls == 3


@pytest.mark.conformance("C155")
@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
@pytest.mark.parametrize("password", [PASSWORD, "guess"])
def test_curl_is_let_in_if_it_knows_the_password(house: House, version: str, password: str) -> None:
    house.listen()
    command = ["curl", "-s", version, "--digest", "-u", f"{USER}:{password}", "--noproxy", "*"]
    command += ["-m", "10", "-o", "/dev/null", "-w", "%{http_code}", house.url()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        wait_until(house.doorbell, lambda: curl.poll() is not None, "the end of curl")
        assert curl.stdout is not None
        assert curl.stdout.read() == ("200" if password == PASSWORD else "401")


@pytest.mark.conformance("C158")
def test_a_call_that_is_not_served_is_told_so(house: House) -> None:
    house.listen()
    house.served = False
    assert house.get() == [503]


@pytest.mark.conformance("C159")
def test_too_many_calls_are_told_so_once_in_the_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.listen()
    assert house.get(times=40) == [200] * 30 + [503] * 10
    assert [r.message for r in caplog.records if r.levelno == logging.WARNING] == [
        "connection request from 127.0.0.1: 503 Service Unavailable"
    ]
    house.now += 61
    assert house.get() == [200]


@pytest.mark.conformance("C155")
@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (f"GET {PATH} HTTP/1.1\r\n\r\n", "401 keep-alive"),
        (f"GET {PATH} HTTP/1.0\r\n\r\n", "401 close"),
        (f"GET {PATH} HTTP/1.0\nConnection: keep-alive\n\n", "401 keep-alive"),
        (f"GET {PATH} HTTP/1.1\r\nConnection: close\r\n\r\n", "401 close"),
        ("GET / HTTP/1.1\r\n\r\n", "404 keep-alive"),
        (f"POST {PATH} HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "405 keep-alive"),
        (f"POST {PATH} HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "400 close"),
        ("noise\r\n\r\n", "400 close"),
        ("x" * (LONGEST_HEAD + 1), "400 close"),
        ("\r\n" * LONGEST_HEAD, "400 close"),
        ("x" * 3 * LONGEST_HEAD, "400 close"),
    ],
    ids=lambda text: repr(text)[:50],
)
def test_a_caller_is_answered(house: House, request_: str, reply: str) -> None:
    house.listen()
    caller = house.caller()
    caller.send(request_.encode())
    assert house.hear(caller) == [reply]
    assert house.ended(caller) is reply.endswith("close")


def test_a_request_may_come_in_pieces_and_several_at_once(house: House) -> None:
    house.listen()
    caller = house.caller()
    request = f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    for byte in request:
        caller.send(bytes([byte]))
        house.doorbell.wait(time.monotonic() + 0.01)
    assert house.hear(caller) == ["401 keep-alive"]
    caller.send(request * 20 + b"noise\r\n\r\n" + request)
    assert house.hear(caller, 21) == ["401 keep-alive"] * 20 + ["400 close"]


def test_a_caller_who_dawdles_is_let_go(house: House) -> None:
    house.listen()
    assert house.listener.wake_at() is None
    dawdling, busy = house.caller(), house.caller()
    for _ in range(5):
        house.now += 0.9 * REQUEST_S / 5
        dawdling.send(b"G")
        busy.send(b"GET / HTTP/1.1\r\n\r\n")
        house.hear(busy)
        house.listener.tick(house.now)
        assert not house.ended(dawdling)
    # What it sent by and by has given it no more time; the other had its time from its last reply.
    assert house.listener.wake_at() == 1000.0 + REQUEST_S
    house.now = 1000.0 + REQUEST_S
    house.listener.tick(house.now)
    assert house.ended(dawdling)
    assert not house.ended(busy)
    house.now += REQUEST_S
    house.listener.tick(house.now)
    assert house.ended(busy)
    assert house.listener.wake_at() is None


def test_the_first_of_too_many_callers_makes_room(house: House) -> None:
    house.listen()
    callers = []
    for _ in range(MOST_CALLERS):
        callers.append(house.caller())
        house.now += 0.01
    callers[0].send(b"GET / HTTP/1.1\r\n\r\n")
    house.hear(callers[0])
    house.caller()
    assert [house.ended(caller) for caller in callers[:3]] == [False, True, False]
    assert house.get() == [200]


def test_a_caller_who_reads_nothing_is_let_go(house: House) -> None:
    house.listen()
    caller = house.caller(receive_buffer=1024)
    request = b"GET / HTTP/1.1\r\n\r\n" * 200
    for _ in range(1000):
        try:
            caller.send(request)
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            break
        house.doorbell.wait(time.monotonic())
    else:
        pytest.fail("it may go on for ever")
    assert house.listener.wake_at() is None


def test_who_is_refused_may_not_go_on_for_ever(house: House) -> None:
    house.listen()
    caller = house.caller()
    caller.send(b"noise\r\n\r\n")
    assert house.hear(caller) == ["400 close"]
    for _ in range(1000):
        try:
            caller.send(b"x" * 4096)
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            break
        house.doorbell.wait(time.monotonic())
    else:
        pytest.fail("it may go on for ever")


@pytest.mark.conformance("C160")
def test_the_listener_moves_with_its_address(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="henbd")
    house.listen("127.0.0.1")
    waiting = house.caller()
    house.listen("127.0.0.2")
    assert house.listener.listening == ip_address("127.0.0.2")
    assert house.ended(waiting)
    with pytest.raises(ConnectionRefusedError):
        house.caller("127.0.0.1")
    house.listen("::1")
    assert house.get("[::1]") == [200]
    house.listen(None)
    assert not house.listener.listening
    for host in ("127.0.0.1", "127.0.0.2", "::1"):
        with pytest.raises(ConnectionRefusedError):
            house.caller(host)
    said = [r.message for r in caplog.records if "listening" in r.message]
    assert said == [
        f"connection requests: listening on {host}:{house.port}"
        for host in ("127.0.0.1", "127.0.0.2", "[::1]")
    ]


def test_the_same_address_again_disturbs_nobody(house: House) -> None:
    house.listen()
    caller = house.caller()
    house.listen(password="changed")
    caller.send(f"GET {PATH} HTTP/1.1\r\n\r\n".encode())
    assert house.hear(caller) == ["401 keep-alive"]
    assert house.get() == [401]
    assert house.get(password="changed") == [200]


def test_without_a_password_nobody_is_let_in(house: House) -> None:
    house.listen(password="")
    assert house.get(password="") == [401]
    assert house.calls == 0


def test_an_address_that_is_not_there_is_tried_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        house.listen("192.0.2.77")
        assert house.listener.listening is None
    assert [r.message for r in caplog.records] == [
        f"connection requests: 192.0.2.77:{house.port}: cannot assign requested address"
    ]
    caplog.clear()
    with socket.create_server(("127.0.0.1", house.port)):
        house.listen()
        house.listen()
        assert [r.message for r in caplog.records] == [
            f"connection requests: 127.0.0.1:{house.port}: address already in use"
        ]
    house.listen()
    assert house.get() == [200]


def test_a_new_listener_follows_at_once_on_one_with_callers(house: House) -> None:
    house.listen()
    assert house.get() == [200]
    house.caller()
    house.listen(None)
    house.listen()
    assert house.listener.listening is not None


def test_no_descriptor_left_is_no_reason_to_spin(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.listen()
    waiting = socket.socket()
    house.callers.append(waiting)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    fillers: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (waiting.fileno() + 1, hard))
        with pytest.raises(OSError, match="Too many open files"):
            fillers.extend(os.dup(0) for _ in itertools.count())
        waiting.connect(("127.0.0.1", house.port))
        for _ in range(5):
            house.doorbell.wait(time.monotonic() + 0.01)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in fillers:
            os.close(descriptor)
    assert [r.message for r in caplog.records] == [
        "connection requests: accept: too many open files"
    ]
    resume_at = house.listener.wake_at()
    assert resume_at is not None
    assert resume_at > house.now
    house.listener.tick(resume_at)
    waiting.send(b"GET / HTTP/1.0\r\n\r\n")
    waiting.setblocking(False)
    assert house.hear(waiting) == ["404 close"]


def test_nothing_is_left_of_many_callers(house: House) -> None:
    before = len(os.listdir("/proc/self/fd"))
    house.listen()
    for _ in range(200):
        with house.caller() as caller:
            caller.send(b"GET / HTTP/1.1\r\n\r\n")
            house.hear(caller)
    house.settle()
    assert len(os.listdir("/proc/self/fd")) == before + 1
    house.listen(None)
    assert len(os.listdir("/proc/self/fd")) == before
