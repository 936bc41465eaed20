"""Programs that are started, fed, listened to and ended, without waiting for them."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from henbd.errors import StackError
from henbd.system.process import Process
from tests.functional.loop import LIMIT_S, Loop


class Shell:
    """A program in sh, and what was heard of it."""

    def __init__(self, loop: Loop, script: str, given: bytes = b"") -> None:
        self.said = b""
        self.complaints: list[str] = []
        self.status: int | None = None
        self.process = Process(
            ("/bin/sh", "-c", script),
            loop.doorbell,
            self._said,
            self.complaints.append,
            self._ended,
            given=given,
        )

    def _said(self, data: bytes) -> None:
        self.said += data

    def _ended(self, status: int) -> None:
        assert self.status is None, "it ends once"
        self.status = status


@pytest.fixture
def loop() -> Iterator[Loop]:
    before = len(os.listdir("/proc/self/fd"))
    loop = Loop()
    yield loop
    # The poll set is none of them: it has no descriptor.
    assert len(os.listdir("/proc/self/fd")) == before


def ended(loop: Loop, shell: Shell) -> int:
    """Return the exit status of a program, when it has ended."""
    loop.turn_until(lambda: shell.status is not None)
    assert shell.status is not None
    return shell.status


def test_it_is_given_much_and_says_much(loop: Loop) -> None:
    given = b"0123456789abcdef" * 20_000
    shell = Shell(loop, "cat; echo one >&2; printf 't\\303\\266\\033wo' >&2; exit 7", given)
    assert ended(loop, shell) == 7
    assert shell.said == given
    assert shell.complaints == ["one", "tö\N{REPLACEMENT CHARACTER}wo"]


def test_what_it_says_is_heard_while_it_runs(loop: Loop) -> None:
    shell = Shell(loop, "echo up; exec sleep 60")
    loop.turn_until(lambda: shell.said == b"up\n")
    assert shell.status is None
    shell.process.kill()
    assert ended(loop, shell) == -signal.SIGKILL


def test_killed_it_takes_with_it_what_it_has_started(loop: Loop) -> None:
    shell = Shell(loop, "sleep 60 & echo $!; wait")
    loop.turn_until(lambda: shell.said.endswith(b"\n"))
    shell.process.kill()
    ended(loop, shell)
    gone = Path(f"/proc/{int(shell.said)}/stat")
    loop.turn_until(lambda: not gone.exists() or gone.read_text().split()[2] == "Z")


def test_what_it_leaves_running_does_not_keep_it_from_having_ended(loop: Loop) -> None:
    shell = Shell(loop, "(while :; do echo flood; done) & echo $! >&2")
    started = time.monotonic()
    assert ended(loop, shell) == 0
    assert time.monotonic() - started < LIMIT_S / 2
    loop.turn_until(lambda: not Path(f"/proc/{shell.complaints[0]}/fd/1").exists())


def test_nothing_is_heard_of_it_once_it_was_abandoned(loop: Loop) -> None:
    shell = Shell(loop, "echo one; exec sleep 60")
    loop.turn_until(lambda: shell.said)
    shell.process.abandon()
    loop.settle()
    assert shell.status is None
    assert not Path(f"/proc/{shell.process.pid}").exists()
    shell.process.send(signal.SIGTERM)


def test_one_that_follows_an_abandoned_one_that_had_just_ended_is_not_waited_for(
    loop: Loop,
) -> None:
    trigger, write = os.pipe()
    following: list[Shell] = []

    def replace() -> None:
        loop.doorbell.forget(trigger)
        first.process.abandon()
        following.append(Shell(loop, "exec sleep 60"))

    loop.doorbell.watch(trigger, replace)
    first = Shell(loop, "exit 0")
    gone = Path(f"/proc/{first.process.pid}/stat")
    while gone.read_text().split()[2] != "Z":
        time.sleep(0.01)
    os.write(write, b"x")
    loop.settle()
    assert first.status is None
    assert following[0].status is None
    following[0].process.abandon()
    for descriptor in (trigger, write):
        os.close(descriptor)


def test_one_that_cannot_be_watched_does_not_stay(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_pid: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", none_left)
    before = children()
    with pytest.raises(StackError, match="/bin/sleep: Too many open files"):
        Process(("/bin/sleep", "60"), loop.doorbell, print, print, print)
    assert children() == before


def children() -> str:
    """Return the children of this process."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


def test_a_program_that_is_not_there_is_named(loop: Loop) -> None:
    with pytest.raises(StackError, match="/no/such/program: No such file or directory"):
        Process(("/no/such/program",), loop.doorbell, print, print, print)
