"""A box without room or descriptors: told, survived, recovered; without memory: begun again."""

from __future__ import annotations

import itertools
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

import pytest

from henbd.errors import CharonError, ExchangeError
from henbd.system.doorbell import Doorbell
from henbd.system.line import Line
from henbd.system.s1ap.configured import present
from henbd.system.vici_connection import ViciConnection
from tests.bench.alone import Alone
from tests.lab.hems.rpc import Set
from tests.lab.namespaces import run
from tests.lab.probe import eventually

INTERVAL = "Device.ManagementServer.PeriodicInformInterval"

NO_ROOM = "No space left on device"
# Just within the bounds of a message, when there are 25,000 of them.
LONG = f"<a>{'x' * 150}</a>"

NAMES = f"<ParameterNames><string>{INTERVAL}</string></ParameterNames>"

READ_ONLY = "Read-only file system"


@pytest.fixture
def alone() -> Iterator[Alone]:
    with Alone() as alone:
        yield alone


def setting(seconds: int) -> str:
    rpc = Set({INTERVAL: (str(seconds), "xsd:unsignedInt")})
    return f"<cwmp:{rpc.METHOD}>{rpc.arguments()}</cwmp:{rpc.METHOD}>"


def set_interval(alone: Alone, seconds: int) -> bytes:
    """Have the interval set in a session; return what was answered."""
    alone.acs.ask(setting(seconds))
    alone.session()
    return alone.acs.exchanges[-1].answer.body


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put a file system of 64 KiB there."""
    run("mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(folder))
    try:
        yield
    finally:
        run("umount", "--lazy", str(folder))


def filled(folder: Path) -> Path:
    """Take all the room that there is in a folder; return the file that has it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1024)):
            pass
    return filler


def test_a_full_flash_is_told_to_hems_and_operator_and_recovers(alone: Alone) -> None:
    with small_disk(alone.store_folder):
        alone.register()
        assert b"SetParameterValuesResponse" in set_interval(alone, 1000)
        filler = filled(alone.store_folder)
        assert b"<FaultCode>9002</FaultCode>" in set_interval(alone, 2000)
        assert NO_ROOM in alone.log
        filler.unlink()
        assert b"SetParameterValuesResponse" in set_interval(alone, 3000)
        alone.stop()
        alone.register()
        assert b"0 BOOTSTRAP" not in alone.acs.last_inform
        alone.stop()
    assert "Traceback" not in alone.log


def test_a_flash_that_turns_read_only_is_told_and_survived(alone: Alone) -> None:
    with small_disk(alone.store_folder):
        alone.register()
        run("mount", "-o", "remount,ro", str(alone.store_folder))
        assert b"<FaultCode>9002</FaultCode>" in set_interval(alone, 2000)
        assert READ_ONLY in alone.log
        run("mount", "-o", "remount,rw", str(alone.store_folder))
        assert b"SetParameterValuesResponse" in set_interval(alone, 3000)
        alone.stop()
    assert "Traceback" not in alone.log


def test_a_full_run_is_told_and_survived(alone: Alone) -> None:
    with small_disk(alone.run_folder):
        filler = filled(alone.run_folder)
        alone.register()
        alone.session()
        assert NO_ROOM in alone.log
        filler.unlink()
        alone.session()
        assert eventually((alone.run_folder / "status.json").exists)
        alone.stop()
    assert "Traceback" not in alone.log


def test_without_descriptors_it_says_so_and_goes_on_when_there_are_some(alone: Alone) -> None:
    alone.register()
    alone.session()
    limit = resource.prlimit(alone.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(alone.pid, resource.RLIMIT_NOFILE, (first_free(alone), limit[1]))
    held = alone.acs.sessions
    assert eventually(lambda: nudged(alone) and "session failed: " in alone.log, 20)
    assert "too many open files" in alone.log
    assert alone.acs.sessions == held
    time.sleep(1.5)
    assert alone.running
    resource.prlimit(alone.pid, resource.RLIMIT_NOFILE, limit)
    alone.session()
    assert "Traceback" not in alone.log


def test_without_descriptors_nobody_can_be_asked_and_that_is_all(tmp_path: Path) -> None:
    line = Line((ip_address("127.0.0.1"),), 9, None)
    with no_descriptors():
        with pytest.raises(ExchangeError, match="too many open files"):
            line.open()
        with pytest.raises(CharonError, match="too many open files"):
            ViciConnection(
                str(tmp_path / "vici"),
                Doorbell(),
                time.monotonic,
                rung=lambda: None,
                lost=lambda _: None,
            )
        assert not present(ip_address("127.0.0.1"))


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Leave no number for a new descriptor."""
    free = os.dup(0)
    os.close(free)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def first_free(alone: Alone) -> int:
    """Return the least number that no descriptor of henbd has, once it has come to rest."""
    numbers: list[set[int]] = [set(), {0}]
    while numbers[-1] != numbers[-2]:
        time.sleep(0.3)
        folder = Path(f"/proc/{alone.pid}/fd")
        numbers.append({int(entry.name) for entry in folder.iterdir()})
    return next(n for n in itertools.count() if n not in numbers[-1])


def nudged(alone: Alone) -> bool:
    """Give henbd something to tell; one more descriptor may have come free meanwhile."""
    alone.nudge()
    time.sleep(0.2)
    return alone.running


def test_without_memory_it_ends_loudly_and_nothing_is_lost(alone: Alone) -> None:
    """Whoever is short of it first, Python or the parser of XML."""
    alone.register()
    assert b"SetParameterValuesResponse" in set_interval(alone, 1000)
    answered = len(alone.acs.exchanges)
    limit = resource.prlimit(alone.pid, resource.RLIMIT_AS)
    resource.prlimit(alone.pid, resource.RLIMIT_AS, (1, limit[1]))
    alone.acs.ask(f"<cwmp:GetParameterValues>{LONG * 25_000}</cwmp:GetParameterValues>")
    alone.nudge()
    assert alone.ended() != 0
    assert "MemoryError" in alone.log
    assert len(alone.acs.exchanges) == answered
    alone.register()
    assert b"0 BOOTSTRAP" not in alone.acs.last_inform
    alone.acs.ask(f"<cwmp:GetParameterValues>{NAMES}</cwmp:GetParameterValues>")
    alone.session()
    assert b">1000</Value>" in alone.acs.exchanges[-1].answer.body
