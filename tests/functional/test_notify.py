"""The word to the service manager, on a socket like its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from henbd.system.notify import Notify


class Manager:
    """The service manager's end; `told` is what it was sent since it was read last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def told(self) -> list[str]:
        found: list[str] = []
        while True:
            try:
                found.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    found = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(found.path))
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    yield found
    found.close()


def clock() -> float:
    return 100.0


def test_what_happens_is_told(manager: Manager) -> None:
    notify = Notify(clock)
    notify.ready()
    notify.status("registered, tunnel up")
    notify.stopping()
    assert manager.told() == ["READY=1", "STATUS=registered, tunnel up", "STOPPING=1"]


def test_a_status_is_told_when_it_changes(manager: Manager) -> None:
    notify = Notify(clock)
    for text in ("a", "a", "b", "b", "a"):
        notify.status(text)
    assert manager.told() == ["STATUS=a", "STATUS=b", "STATUS=a"]


def test_a_status_is_one_line_of_plain_text(manager: Manager) -> None:
    Notify(clock).status("hénb – \u4e2d\nREADY=0")
    assert manager.told() == ["STATUS=h?nb ? ? READY=0"]


def test_the_watchdog_is_fed_twice_in_its_time(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    notify = Notify(clock)
    assert notify.watchdog_interval_s == 15.0
    for now, told in ((100.0, 1), (100.1, 0), (114.9, 0), (115.0, 1), (200.0, 1), (214.0, 0)):
        notify.tick(now)
        assert manager.told() == ["WATCHDOG=1"] * told, now
    assert notify.wake_at() == 215.0


@pytest.mark.parametrize(
    ("microseconds", "process"),
    [("", ""), ("0", ""), ("-1", ""), ("soon", ""), ("30000000", "1")],
)
def test_without_a_watchdog_nothing_is_fed(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, microseconds: str, process: str
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    if process:
        monkeypatch.setenv("WATCHDOG_PID", process)
    notify = Notify(clock)
    notify.tick(1e9)
    assert notify.watchdog_interval_s is None
    assert notify.wake_at() is None
    assert manager.told() == []


def test_a_manager_that_does_not_read_holds_nothing_up(
    manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    notify = Notify(clock)
    for number in range(10_000):
        notify.status(str(number))
    assert len(caplog.records) == 1, "it is said once"
    assert 0 < len(manager.told()) < 10_000
    notify.ready()
    assert manager.told() == ["READY=1"]


def test_a_manager_that_is_gone_is_no_harm(
    manager: Manager, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify = Notify(clock)
    manager.close()
    notify.ready()
    for _ in range(10):
        notify.alive()
    assert len(caplog.records) == 2, "once for each reason: refused, then not connected"
    monkeypatch.setenv("NOTIFY_SOCKET", "/nonexistent/" + "x" * 200)
    Notify(clock).ready()
    assert "NOTIFY_SOCKET" in caplog.messages[-1]


def test_without_a_manager_the_package_is_not_needed() -> None:
    program = """
import sys
from henbd.system.notify import Notify
notify = Notify(lambda: 0.0)
notify.ready(); notify.status("x"); notify.tick(1e9); notify.alive(); notify.stopping()
assert notify.wake_at() is None and notify.watchdog_interval_s is None
assert "sdnotify" not in sys.modules
"""
    plain = {k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"}
    for environment in (plain, {**plain, "NOTIFY_SOCKET": "", "WATCHDOG_USEC": "1000000"}):
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)
