"""The control socket: questions and answers, and callers that do not play by the rules."""

from __future__ import annotations

import json
import os
import select
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from henbd.cli import main
from henbd.errors import ConsoleError, HenbdError
from henbd.system.console import MOST_CONNECTIONS, Console, ask
from henbd.system.local_socket import Caller
from tests.functional.loop import LIMIT_S, Loop

# More than any socket holds at a time.
LARGE = "x" * 3_000_000


# A value with what clears a terminal, in C1 of ISO 6429 and as lines of its own.
WORD = "calm\x9b2J\x1b[2J\nDevice.Faked = true"
ABOUT = {"type": "string", "notification": "off", "set_locally": False, "writable": True}
FOREIGN: Mapping[str, dict[str, Any]] = {
    "get": {"values": {"Device.A": WORD}},
    "tree": {"nodes": [{"path": "Device.A", "value": WORD, **ABOUT}]},
}


class Served:
    """A console that answers with what it is asked, and a place to ask from."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "run" / "control.sock")
        self.loop = Loop()
        self.asked: list[dict[str, Any]] = []
        self.console = Console(self.path, "", self.loop.doorbell, self.loop.clock, self._answer)
        self._callers: list[socket.socket] = []

    def _answer(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        assert (caller.uid, caller.pid) == (os.geteuid(), os.getpid())
        self.asked.append(request)
        if request.get("command") == "large":
            return {"text": LARGE}
        if request.get("command") in ("get", "tree"):
            return FOREIGN[request["command"]]
        if request.get("command") == "unknown":
            return {"error": "unknown command 'unknown'"}
        return {"you said": request}

    def ask(self, request: dict[str, Any], timeout_s: float = LIMIT_S) -> dict[str, Any]:
        """Ask from another thread while the loop turns."""
        outcome: list[dict[str, Any] | ConsoleError] = []

        def run() -> None:
            try:
                outcome.append(ask(self.path, request, timeout_s))
            except ConsoleError as error:
                outcome.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        self.loop.turn_until(lambda: outcome)
        thread.join()
        if isinstance(outcome[0], ConsoleError):
            raise outcome[0]
        return outcome[0]

    def caller(self, data: bytes = b"") -> socket.socket:
        """Return a connection on which this was sent."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.path)
        connection.sendall(data)
        self._callers.append(connection)
        return connection

    def read(self, connection: socket.socket) -> bytes:
        """Return all that comes on a connection up to its end."""
        parts: list[bytes] = []

        def ended() -> bool:
            while select.select([connection], [], [], 0)[0]:
                try:
                    parts.append(connection.recv(65_536))
                except ConnectionResetError:
                    return True
                if not parts[-1]:
                    return True
            return False

        self.loop.turn_until(ended)
        return b"".join(parts)

    def close(self) -> None:
        for connection in self._callers:
            connection.close()
        self.console.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path)
    yield found
    found.close()


def test_a_question_is_answered(served: Served) -> None:
    request = {"command": "status", "ü": [1, None, "\n"]}
    assert served.ask(request) == {"you said": request}
    assert served.asked == [request]
    assert served.console.wake_at() is None, "nobody is waited for"


def test_an_answer_of_any_length_arrives(served: Served) -> None:
    assert served.ask({"command": "large"}) == {"text": LARGE}


@pytest.mark.parametrize("command", FOREIGN)
def test_a_value_stays_on_its_line_and_moves_no_terminal(
    served: Served, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    thread = threading.Thread(target=main, args=([command, "--socket", served.path, "Device.A"],))
    thread.start()
    served.loop.turn_until(lambda: not thread.is_alive())
    (line,) = capsys.readouterr().out.splitlines()
    assert "Device.A = calm\ufffd2J\ufffd[2J\ufffdDevice.Faked = true" in line


def test_a_refusal_is_an_error_of_the_caller(served: Served) -> None:
    with pytest.raises(ConsoleError, match="unknown command 'unknown'"):
        served.ask({"command": "unknown"})


def test_the_socket_is_for_its_owner_and_group_alone(served: Served) -> None:
    assert stat.S_IMODE(os.stat(served.path).st_mode) == 0o660


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"status\n", "the request is no JSON"),
        (b"\n", "the request is no JSON"),
        (b"\xff\xfe\xfd\n", "the request is no JSON"),
        (b"[" * 60_000 + b"\n", "the request is no JSON"),
        (b'["status"]\n', "the request is no JSON object"),
        (b"x" * 70_000 + b"\n", "a request of more than 65536 bytes"),
    ],
)
def test_what_is_no_request_is_refused(served: Served, sent: bytes, error: str) -> None:
    assert json.loads(served.read(served.caller(sent))) == {"error": error}
    assert served.asked == []


def test_one_connection_has_one_question(served: Served) -> None:
    answer = served.read(served.caller(b'{"n": 1}\n{"n": 2}\n'))
    assert json.loads(answer) == {"you said": {"n": 1}}
    assert served.asked == [{"n": 1}]


def test_a_caller_that_goes_away_does_no_harm(served: Served) -> None:
    served.caller(b'{"half').close()
    served.caller(b'{"command": "large"}\n').close()
    half_closed = served.caller(b'{"n": 1}\n')
    half_closed.shutdown(socket.SHUT_WR)
    assert json.loads(served.read(half_closed)) == {"you said": {"n": 1}}
    served.loop.settle()
    assert served.console.wake_at() is None


@pytest.mark.parametrize("sent", [b"", b'{"half', b'{"command": "large"}\n'])
def test_a_caller_that_is_slow_is_given_up(served: Served, sent: bytes) -> None:
    slow = served.caller(sent)
    served.loop.turn_until(lambda: served.console.wake_at() is not None)
    served.loop.settle()
    wake_at = served.console.wake_at()
    assert wake_at is not None
    assert wake_at <= served.loop.clock() + 5
    served.loop.forward(served.console)
    served.loop.settle()
    served.loop.forward(served.console)
    assert served.console.wake_at() is None
    assert len(served.read(slow)) < len(LARGE)
    assert served.ask({}) == {"you said": {}}


def test_a_caller_is_not_to_blame_for_a_loop_that_was_busy(served: Served) -> None:
    caller = served.caller()
    served.loop.turn_until(lambda: served.console.wake_at() is not None)
    caller.sendall(b"{}\n")
    served.loop.forward(served.console)
    assert json.loads(served.read(caller)) == {"you said": {}}


def test_a_caller_too_many_is_turned_away(served: Served) -> None:
    waiting = []
    for _ in range(MOST_CONNECTIONS):
        waiting.append(served.caller())
        served.loop.settle()
    with pytest.raises(ConsoleError, match="too many callers at a time"):
        served.ask({})
    waiting[0].sendall(b'{"n": 1}\n')
    assert json.loads(served.read(waiting[0])) == {"you said": {"n": 1}}
    assert served.ask({}) == {"you said": {}}


def test_slow_callers_make_room_even_if_nobody_ticks(served: Served) -> None:
    for _ in range(MOST_CONNECTIONS):
        served.caller()
        served.loop.settle()
    served.loop.ahead_s += 6
    assert served.ask({}) == {"you said": {}}


def test_a_daemon_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with pytest.raises(ConsoleError, match=rf"henbd is not running \({path}: No such file"):
        ask(str(path), {})
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    with pytest.raises(ConsoleError, match=rf"henbd is not running \({path}: Connection refused"):
        ask(str(path), {})


def server(path: Path, serve: Callable[[socket.socket], None]) -> threading.Thread:
    """Return a thread that serves one connection in a way of its own."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def run() -> None:
        with listener, listener.accept()[0] as connection:
            serve(connection)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "henbd ended before it had answered"),
        (b'{"half', "henbd ended before it had answered"),
        (b"[]\n", "that is not henbd"),
    ],
)
def test_an_answer_that_is_none_is_an_error(tmp_path: Path, answer: bytes, error: str) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(answer)

    thread = server(tmp_path / "control.sock", serve)
    with pytest.raises(ConsoleError, match=error):
        ask(str(tmp_path / "control.sock"), {})
    thread.join()


def test_a_daemon_that_does_not_answer_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    asked, done = 0.3, threading.Event()

    def drip(connection: socket.socket) -> None:
        while not done.wait(0.02):
            connection.send(b"{")

    thread = server(tmp_path / "control.sock", drip)
    begin = time.monotonic()
    with pytest.raises(ConsoleError, match=r"henbd does not answer within 0\.3 s"):
        ask(str(tmp_path / "control.sock"), {}, asked)
    assert asked <= time.monotonic() - begin < LIMIT_S
    done.set()
    thread.join()


def test_a_daemon_whose_backlog_is_full_does_not_answer(tmp_path: Path) -> None:
    path = str(tmp_path / "control.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        waiting = socket.socket(socket.AF_UNIX)
        waiting.connect(path)
        with waiting, pytest.raises(ConsoleError, match="does not answer"):
            ask(path, {}, 0.1)
        with pytest.raises(HenbdError, match="another daemon listens"):
            Console(path, "", Loop().doorbell, time.monotonic, lambda *_: {})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_caller_without_permission_is_told_so(served: Served) -> None:
    os.chmod(Path(served.path).parent, 0o700)
    told, telling = os.pipe()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            ask(served.path, {})
        except ConsoleError as error:
            os.write(telling, str(error).encode())
        os._exit(0)
    os.close(telling)
    with open(told) as heard:
        assert heard.read() == (
            f"no permission to use {served.path}: be root, or in the group of this socket"
        )
    os.waitpid(child, 0)
