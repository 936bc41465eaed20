"""A HeMS that does everything wrong: bounded memory, and the next good session is as any other."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench.acs import INFORM_RESPONSE, Misdeed, answer, read
from tests.bench.alone import ACS, Alone
from tests.lab.probe import eventually

GROWTH_MIB = 16

# The least that may be configured.
SESSION_S = 30


@pytest.fixture(scope="module")
def alone() -> Iterator[Alone]:
    with Alone() as alone:
        alone.register()
        yield alone
        assert "Traceback" not in alone.log


def says(response: bytes) -> Misdeed:
    """Return: answer the Inform with these bytes, and close."""

    def say(connection: socket.socket) -> None:
        read(connection)
        with contextlib.suppress(OSError):
            connection.sendall(response)

    return say


def without_end(head: bytes, piece: bytes, size: int) -> Misdeed:
    """Return: answer with a head, and with a piece again and again, as long as it is read."""

    def pour(connection: socket.socket) -> None:
        read(connection)
        with contextlib.suppress(OSError):
            connection.sendall(head)
            for _ in range(size // len(piece)):
                connection.sendall(piece)

    return pour


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def vanish(connection: socket.socket) -> None:
    """Close before anything was read: a reset, for there is something to read."""
    connection.recv(1)


MIB = 1 << 20
FIFTY_MIB = 50 * MIB
ZEROS = gzip.compress(bytes(FIFTY_MIB))

MISDEEDS: dict[str, Misdeed] = {
    "gone at once": vanish,
    "nothing": says(b""),
    "garbage": says(os.urandom(4096)),
    "no HTTP": says(b"220 mail.example ESMTP\r\n"),
    "another protocol's version": says(b"HTTP/9.9 200 OK\r\n\r\n"),
    "a negative length": says(head("Content-Length: -1") + b"x"),
    "garbage in a body": says(head("Content-Length: 4096") + os.urandom(4096)),
    "half of an envelope": says(head("Content-Length: 100000") + answer(INFORM_RESPONSE)),
    "500": says(head("Content-Length: 0", status="500 Internal Server Error")),
    "503": says(head("Content-Length: 0", status="503 Service Unavailable")),
    "418 with a page": says(head("Content-Length: 9", status="418 I'm a teapot") + b"<p>no</p>"),
    "50 MB": without_end(head(f"Content-Length: {FIFTY_MIB}"), b"x" * MIB, FIFTY_MIB),
    "50 MB in chunks": without_end(
        head("Transfer-Encoding: chunked"), b"100000\r\n" + b"x" * MIB + b"\r\n", FIFTY_MIB
    ),
    "50 MB of gzip": says(head("Content-Encoding: gzip", f"Content-Length: {len(ZEROS)}") + ZEROS),
    "headers without end": without_end(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 99, MIB),
    "a header without end": without_end(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4096, FIFTY_MIB),
    "tags within tags": says(answer("<a>" * 50_000)),
    "a billion laughs": says(
        head("Content-Length: 120")
        + b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'.ljust(120)
    ),
    "a redirect to itself": says(
        head("Location: http://192.0.2.2:7557/", "Content-Length: 0", status="302 Found")
    ),
    "a redirect to nowhere": says(head("Content-Length: 0", status="307 Temporary Redirect")),
}


def descriptors(alone: Alone) -> int:
    return len(list(Path(f"/proc/{alone.pid}/fd").iterdir()))


def threads(alone: Alone) -> int:
    return len(list(Path(f"/proc/{alone.pid}/task").iterdir()))


def suffer(alone: Alone, misdeed: Misdeed, times: int = 1) -> None:
    """Have henbd meet with this, and then with a HeMS that is as it should be."""
    alone.acs.misbehave(*[misdeed] * times)
    for _ in range(20 * times):
        alone.nudge()
        if eventually(lambda: alone.acs.behaves, 1):
            break
    assert alone.acs.behaves
    alone.session()
    assert alone.running


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_whatever_it_answers_the_next_session_is_as_any_other(alone: Alone, misdeed: str) -> None:
    times = 6 if "redirect to itself" in misdeed else 1
    before_mib = alone.resident_mib
    suffer(alone, MISDEEDS[misdeed], times)
    assert alone.resident_mib - before_mib < GROWTH_MIB


def scheduled(alone: Alone) -> list[str]:
    """Return the CommandKeys of the ScheduleInforms on flash."""
    kept = json.loads((alone.store_folder / "state.json").read_bytes())
    return [entry["command_key"] for entry in kept["document"]["scheduled"]]


@pytest.mark.conformance("C056")
@pytest.mark.parametrize("leaves", [False, True])
def test_an_order_is_forgotten_where_its_answer_cannot_leave(alone: Alone, leaves: bool) -> None:
    """Where it has left, nobody knows whether it has arrived: what was ordered is done."""
    key = f"leaves: {leaves}"

    def order(connection: socket.socket) -> None:
        read(connection)
        connection.sendall(answer(INFORM_RESPONSE))
        read(connection)
        if not leaves:
            alone.henb.ip(f"route add unreachable {ACS}")
        arguments = f"<DelaySeconds>9999</DelaySeconds><CommandKey>{key}</CommandKey>"
        request = answer(f"<cwmp:ScheduleInform>{arguments}</cwmp:ScheduleInform>")
        connection.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))

    failed = alone.log.count("session failed")
    # The answer comes over a connection of its own.
    alone.acs.misbehave(order, *[says(b"")] * leaves)
    alone.nudge()
    assert eventually(lambda: alone.log.count("session failed") > failed, 20)
    assert (key in scheduled(alone)) is leaves
    if not leaves:
        alone.henb.ip(f"route del unreachable {ACS}")
    alone.session()


def later(response: bytes) -> Misdeed:
    """Return: answer the Inform as it should be, and the post after it with these bytes."""

    def say(connection: socket.socket) -> None:
        read(connection)
        connection.sendall(answer(INFORM_RESPONSE))
        says(response)(connection)

    return say


@pytest.mark.parametrize(
    ("when", "whole"),
    [(says, answer(INFORM_RESPONSE)), (later, answer("<cwmp:GetRPCMethods/>"))],
    ids=["to the Inform", "to a later post"],
)
def test_wherever_an_answer_breaks_off_the_next_session_is_as_any_other(
    alone: Alone, when: Callable[[bytes], Misdeed], whole: bytes
) -> None:
    suffer(alone, when(whole[:10]))
    assert eventually(lambda: threads(alone) <= 3)
    # Maybe with a connection that is about to go.
    most = descriptors(alone)
    for length in range(len(whole)):
        suffer(alone, when(whole[:length]))
    assert eventually(lambda: descriptors(alone) <= most and threads(alone) <= 3, 60)


def drip(connection: socket.socket) -> None:
    """Answer a byte each second, as long as it is read."""
    read(connection)
    with contextlib.suppress(OSError):
        for byte in answer(INFORM_RESPONSE):
            connection.sendall(bytes([byte]))
            time.sleep(1)


def test_an_answer_of_a_byte_a_second_is_read_no_longer_than_a_session_may_last() -> None:
    with Alone({"hems": {"session_s": SESSION_S}}) as alone:
        alone.register()
        alone.acs.misbehave(drip)
        since = time.monotonic()
        alone.nudge()
        assert eventually(lambda: f"it took longer than {SESSION_S} s" in alone.log, SESSION_S + 10)
        assert time.monotonic() - since >= SESSION_S
        assert eventually(lambda: alone.acs.behaves)
        alone.session()
        assert eventually(lambda: threads(alone) <= 3)


def test_thousands_of_requests_in_one_session_are_answered(alone: Alone) -> None:
    alone.session()
    before_mib = alone.resident_mib
    alone.acs.ask(*["<cwmp:GetRPCMethods/>"] * 2000)
    alone.session()
    assert len(alone.acs.exchanges) == 2000
    assert all(b"GetRPCMethodsResponse" in e.answer.body for e in alone.acs.exchanges)
    assert alone.resident_mib - before_mib < GROWTH_MIB
