"""gpsd's JSON socket: positions while they are wanted, whatever it sends, and when it is away."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from henbd.system.gpsd import Gpsd
from henbd.values import Coordinates, Fix
from tests.functional.loop import Loop

SKY = b'{"class":"SKY","uSat":7,"satellites":[{"PRN":1,"used":true}]}\n'
OLD_SKY = b'{"class":"SKY","satellites":[{"PRN":1,"used":true},{"PRN":2,"used":false}]}\n'
TPV = b'{"class":"TPV","mode":3,"time":"2026-01-02T03:04:05.000Z","lat":52.52,"lon":13.405}\n'
LOST = b'{"class":"TPV","mode":1}\n'
PLACE = Coordinates(52_520_000, 13_405_000)


class Receiver:
    """gpsd, of which a test says what it sends."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.listening = socket.create_server(("127.0.0.1", 0))
        address = (ip_address("127.0.0.1"), self.listening.getsockname()[1])
        self.shell = Gpsd(address, self.loop.doorbell, self.loop.clock)
        self.connection: socket.socket | None = None

    def accept(self) -> None:
        """Take the connection, and see that we are asked to watch."""
        self.connection, _ = self.listening.accept()
        self.connection.settimeout(5)
        self.loop.turn_until(lambda: self.connection and self._asked())

    def _asked(self) -> bool:
        assert self.connection
        self.connection.setblocking(False)
        try:
            return self.connection.recv(4096) == b'?WATCH={"enable":true,"json":true}\n'
        except BlockingIOError:
            return False

    def send(self, data: bytes) -> None:
        assert self.connection
        self.connection.sendall(data)

    def fix(self) -> Fix:
        """Return the position that comes."""
        self.loop.turn_until(self.shell.fix)
        found = self.shell.fix()
        assert found
        return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    found.shell.watch(wanted=True)
    yield found
    found.shell.watch(wanted=False)
    found.listening.close()
    if found.connection:
        found.connection.close()


def test_position_is_that_of_gpsd(receiver: Receiver) -> None:
    receiver.accept()
    receiver.send(b'{"class":"VERSION","release":"3.25"}\n' + SKY + TPV)
    assert receiver.fix() == Fix(PLACE, 7, "2026-01-02T03:04:05Z")
    receiver.send(LOST)
    receiver.loop.turn_until(lambda: receiver.shell.fix() is None)
    receiver.send(TPV.replace(b"2026-01-02T03:04:05.000Z", b"2026-13-02T03:04:05.000Z"))
    assert receiver.fix().time == "0001-01-01T00:00:00Z"
    receiver.send(LOST)
    receiver.loop.turn_until(lambda: receiver.shell.fix() is None)
    receiver.send(OLD_SKY + TPV.replace(b'"time":"2026-01-02T03:04:05.000Z",', b""))
    assert receiver.fix() == Fix(PLACE, 1, "0001-01-01T00:00:00Z")


def test_what_is_no_position_is_none(receiver: Receiver) -> None:
    receiver.accept()
    for line in (
        b"no JSON",
        b"[]",
        b"[" * 5000,
        b'{"class":"TPV"}',
        b'{"class":"TPV","mode":3,"lat":91,"lon":0}',
        b'{"class":"TPV","mode":3,"lat":NaN,"lon":0}',
        b'{"class":"TPV","mode":3,"lat":"1","lon":0}',
        b'{"class":"TPV","mode":"3","lat":1,"lon":0}',
        b'{"class":"TPV","mode":2,"lat":1}',
        b'{"class":"SKY","uSat":-1,"satellites":7}',
    ):
        receiver.send(line + b"\n")
    receiver.send(TPV)
    assert receiver.fix().place == PLACE


def test_nobody_is_asked_while_no_position_is_wanted(receiver: Receiver) -> None:
    receiver.accept()
    receiver.send(TPV)
    receiver.fix()
    receiver.shell.watch(wanted=False)
    assert receiver.shell.fix() is None
    assert receiver.shell.wake_at() is None
    assert receiver.connection
    receiver.connection.setblocking(True)
    receiver.connection.settimeout(5)
    assert receiver.connection.recv(1) == b""
    receiver.shell.watch(wanted=True)
    receiver.accept()
    receiver.send(TPV)
    assert receiver.fix().place == PLACE


def test_gpsd_that_goes_is_waited_for(receiver: Receiver) -> None:
    receiver.accept()
    receiver.send(TPV)
    receiver.fix()
    assert receiver.connection
    receiver.connection.close()
    receiver.loop.turn_until(receiver.shell.wake_at)
    assert receiver.shell.fix() is None, "an old position is none"
    receiver.loop.forward(receiver.shell)
    receiver.accept()
    receiver.send(TPV)
    assert receiver.fix().place == PLACE


def test_gpsd_that_is_not_there_is_tried_again() -> None:
    loop = Loop()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    shell = Gpsd((ip_address("127.0.0.1"), port), loop.doorbell, loop.clock)
    shell.watch(wanted=True)
    loop.turn_until(shell.wake_at)
    loop.forward(shell)
    loop.turn_until(shell.wake_at)
    shell.watch(wanted=False)
    assert shell.wake_at() is None
