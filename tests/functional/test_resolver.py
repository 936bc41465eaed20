"""Names looked up by the system, from servers good and bad."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

import henbd
from henbd.system import resolver as resolvers
from henbd.system.doorbell import Doorbell
from henbd.system.resolver import Found, Resolver
from henbd.values import Address
from tests.functional.http_server import TIMEOUT_S, wait_until
from tests.lab.dns import Behaviour, Dns
from tests.lab.events import Log
from tests.lab.namespaces import namespaces

ROOT = Path(henbd.__file__).parents[1]
SERVER = "127.0.0.53"
ONE, TWO, SIX = (ip_address(text) for text in ("10.0.0.1", "10.0.0.2", "fd00::1"))


class System:
    """Stands for the system's look-up: answers when it is let, and counts."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[Address, ...] | str] = {}
        self.let = {name: threading.Event() for name in ("slow.lab", "stuck.lab")}
        self.asked: list[str] = []

    def look_up(self, host: str) -> Found:
        self.asked.append(host)
        if host in self.let:
            assert self.let[host].wait(TIMEOUT_S)
        match self.answers.get(host, "name or service not known"):
            case str(problem):
                return Found(host, (), problem)
            case addresses:
                return Found(host, addresses, None)


class Questions:
    """A resolver, its loop, and how often it rang."""

    def __init__(self) -> None:
        self.doorbell = Doorbell()
        self.rings = 0
        self.resolver = Resolver(self.doorbell, self._rung)

    def _rung(self) -> None:
        self.rings += 1

    def ask(self, host: str, rings: int) -> tuple[Address, ...] | None:
        """Ask, wait until it rang so often altogether, and return what is known."""
        self.resolver.ask(host)
        wait_until(self.doorbell, lambda: self.rings >= rings, f"{rings} rings")
        assert self.rings == rings
        return self.resolver.names.get(host)

    def turn(self) -> None:
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            self.doorbell.wait(until)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    made = System()
    monkeypatch.setattr(resolvers, "look_up", made.look_up)
    yield made
    for event in made.let.values():
        event.set()


@pytest.fixture
def questions() -> Iterator[Questions]:
    made = Questions()
    yield made
    made.resolver.close()


@pytest.mark.parametrize("host", ["10.0.0.1", "fd00::1", "[fd00::1]"])
def test_an_address_is_its_own_answer(questions: Questions, system: System, host: str) -> None:
    assert questions.ask(host, 0) == (ip_address(host.strip("[]")),)
    assert not system.asked


def test_an_answer_rings_when_it_changes_something(questions: Questions, system: System) -> None:
    system.answers["a.lab"] = (ONE,)
    assert questions.ask("a.lab", 1) == (ONE,)
    questions.resolver.ask("a.lab")
    questions.turn()
    assert questions.rings == 1
    system.answers["a.lab"] = (TWO, SIX)
    assert questions.ask("a.lab", 2) == (TWO, SIX)
    assert system.asked == ["a.lab"] * 3


def test_a_good_answer_outlives_a_failure(
    questions: Questions, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="henbd")
    assert questions.ask("a.lab", 1) == ()
    system.answers["a.lab"] = (ONE,)
    assert questions.ask("a.lab", 2) == (ONE,)
    system.answers["a.lab"] = "server failed"
    for _ in range(2):
        questions.resolver.ask("a.lab")
        questions.turn()
    assert questions.resolver.names == {"a.lab": (ONE,)}
    assert questions.rings == 2
    assert [record.message for record in caplog.records] == [
        "a.lab: name or service not known",
        "a.lab: 10.0.0.1",
        "a.lab: server failed, still taken for 10.0.0.1",
    ]


def test_a_question_that_hangs_holds_up_no_other_and_is_asked_once(
    questions: Questions, system: System
) -> None:
    system.answers |= {"slow.lab": (ONE,), "a.lab": (TWO,)}
    for _ in range(5):
        questions.resolver.ask("slow.lab")
        questions.resolver.ask("stuck.lab")
    wait_until(questions.doorbell, lambda: len(system.asked) == 2, "both questions")
    assert questions.ask("a.lab", 1) == (TWO,)
    assert questions.resolver.names == {"a.lab": (TWO,)}
    system.let["slow.lab"].set()
    wait_until(questions.doorbell, lambda: questions.rings == 2, "the late answer")
    assert questions.resolver.names["slow.lab"] == (ONE,)
    assert sorted(system.asked) == ["a.lab", "slow.lab", "stuck.lab"]


def test_an_answer_after_the_end_is_lost(system: System) -> None:
    before = len(os.listdir("/proc/self/fd"))
    questions = Questions()
    questions.resolver.ask("slow.lab")
    questions.resolver.close()
    # Its descriptor may be somebody else's by now.
    reused = os.eventfd(0)
    system.let["slow.lab"].set()
    wait_until(questions.doorbell, lambda: not looking_up(), "the end of the thread")
    questions.turn()
    os.set_blocking(reused, False)
    with pytest.raises(BlockingIOError):
        os.eventfd_read(reused)
    os.close(reused)
    assert questions.rings == 0
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_bug_in_a_look_up_ends_the_loop(
    questions: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(host: str) -> Found:
        raise ZeroDivisionError(host)

    monkeypatch.setattr(resolvers, "look_up", broken)
    questions.resolver.ask("a.lab")
    with pytest.raises(ZeroDivisionError):
        wait_until(questions.doorbell, lambda: False, "the bug")


def test_the_system_is_asked(questions: Questions) -> None:
    found = questions.ask("localhost", 1)
    assert found is not None
    assert set(found) <= {ip_address("127.0.0.1"), ip_address("::1")}
    assert len(found) == len(set(found)) > 0


@pytest.mark.parametrize("host", ["a..lab", "x" * 64 + ".lab", "", "\x00", "\u00e9" * 70])
def test_a_name_that_cannot_be_asked_for_has_no_address(host: str) -> None:
    found = resolvers.look_up(host)
    assert found.addresses == ()
    assert found.problem


def test_name_servers_may_answer_refuse_or_be_silent() -> None:
    with namespaces("names") as (names,):
        names.ip("link set lo up")
        names.set_nameserver(ip_address(SERVER))
        with names.inside():
            dns = Dns(Log(), SERVER)
        with dns:
            dns.name("a.lab", "10.0.0.1", "10.0.0.2", "fd00::1")
            dns.name("empty.lab")
            dns.behave(Behaviour.SILENCE, "silent.lab")
            asking = names.start(
                *(sys.executable, "-m", "tests.functional.resolving"),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert asking.stdin is not None
            assert asking.stdout is not None
            with asking, asking.stdin, asking.stdout:
                started = time.monotonic()
                asking.stdin.write("silent.lab\nnowhere.lab\nempty.lab\na.lab\n")
                asking.stdin.flush()
                answers = [json.loads(asking.stdout.readline()) for _ in range(3)]
                quick = time.monotonic() - started
                last = json.loads(asking.stdout.readline())
                slow = time.monotonic() - started
                asking.stdin.close()
                assert asking.wait(TIMEOUT_S) == 0
    known = answers[-1]
    assert known.keys() == {"nowhere.lab", "empty.lab", "a.lab"}
    assert known["nowhere.lab"] == known["empty.lab"] == []
    assert sorted(known["a.lab"]) == ["10.0.0.1", "10.0.0.2", "fd00::1"]
    assert last == {**known, "silent.lab": []}
    # The lab asks twice, a second each; the others did not wait for that.
    assert slow - quick > 1.0


def looking_up() -> int:
    return sum(thread.name.startswith("look up") for thread in threading.enumerate())
