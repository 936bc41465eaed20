"""The store on a real file system: whole at every moment, whatever happens in the middle."""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import signal
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from henbd.errors import StoreError
from henbd.system import flash
from henbd.system import store as store_module
from henbd.system.store import Store

FIRST = {"version": 1, "values": {"a": "ä" * 2000, "b": ""}, "events": [["4 VALUE CHANGE", ""]]}
SECOND = {**FIRST, "values": {"a": "changed"}}
THIRD = {**FIRST, "values": {}}


class FaultySystem:
    """The module os, one call of which goes wrong: the process dies there, or the call fails.

    A write that goes wrong has written the first half.
    """

    def __init__(self, number: int, fault: Callable[[], None]) -> None:
        self._left = number
        self._fault = fault
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        original = getattr(os, name)
        if name not in ("open", "write", "fsync", "close", "rename", "unlink"):
            return original

        def call(*arguments: Any, **options: Any) -> Any:
            self.calls.append(name)
            self._left -= 1
            if self._left == 0:
                if name == "write":
                    descriptor, data = arguments
                    original(descriptor, data[: len(data) // 2])
                self._fault()
            return original(*arguments, **options)

        return call


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _full() -> None:
    raise OSError(28, os.strerror(28))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "lib" / "henbd"


def contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(directory.iterdir())}


def in_child(work: Callable[[], object]) -> int:
    """Return the wait status of a process that does this work."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        work()
    finally:
        os._exit(1)


def test_what_was_saved_is_loaded(directory: Path) -> None:
    assert Store(str(directory)).load(dict) is None
    store = Store(str(directory))
    for document in (FIRST, SECOND, FIRST):
        store.save(document)
        assert store.load(dict) == document
        assert Store(str(directory)).load(dict) == document


def test_files_are_closed_to_others(directory: Path) -> None:
    Store(str(directory)).save(FIRST)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "state.json").stat().st_mode) == 0o600


def test_an_equal_document_is_not_written_again(directory: Path) -> None:
    store = Store(str(directory))
    store.save(FIRST)
    before = (directory / "state.json").stat()
    store.save(dict(reversed(FIRST.items())))
    assert list(contents(directory)) == ["state.json"]
    again = Store(str(directory))
    again.load(dict)
    again.save(FIRST)
    assert (directory / "state.json").stat() == before
    assert list(contents(directory)) == ["state.json"]


def test_an_equal_document_is_written_again_where_the_file_is_another(directory: Path) -> None:
    store, file = Store(str(directory)), directory / "state.json"
    store.save(FIRST)
    whole = file.read_bytes()
    file.unlink()
    store.save(FIRST)
    assert file.read_bytes() == whole
    file.write_bytes(bytes(len(whole)))
    store.save(FIRST)
    assert file.read_bytes() == whole


def test_the_one_before_is_kept(directory: Path) -> None:
    store = Store(str(directory))
    for document in (FIRST, SECOND, THIRD):
        store.save(document)
    kept = {name: json.loads(found)["document"] for name, found in contents(directory).items()}
    assert kept == {"state.json": THIRD, "state.json.old": SECOND}


DAMAGES: list[Callable[[bytes], bytes]] = [
    lambda _: b"",
    lambda whole: whole[: len(whole) // 2],
    lambda whole: whole[:-3],
    lambda whole: whole.replace(b"changed", b"chanted"),
    lambda whole: bytes(len(whole)),
    lambda whole: whole[:100] + b"\xff" * 512 + whole[612:],
    lambda _: b"[" * 100_000,
    lambda _: b"[]",
    lambda _: b'{"sha256": "", "document": []}',
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_set_aside_and_the_one_before_is_used(
    directory: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(str(directory))
    store.save(FIRST)
    store.save(SECOND)
    damaged = damage((directory / "state.json").read_bytes())
    (directory / "state.json").write_bytes(damaged)
    store = Store(str(directory))
    assert not store.damaged
    assert store.load(dict) == FIRST
    assert store.damaged
    assert contents(directory)["state.json.damaged"] == damaged
    assert "state.json" not in contents(directory)
    assert [r.levelno for r in caplog.records] == [logging.ERROR, logging.WARNING]
    store.save(THIRD)
    assert store.load(dict) == THIRD


def test_a_damaged_file_is_not_kept_as_the_one_before(directory: Path) -> None:
    store = Store(str(directory))
    store.save(FIRST)
    store.save(SECOND)
    (directory / "state.json").write_bytes(b"{")
    store.save(THIRD)
    assert json.loads(contents(directory)["state.json.old"])["document"] == FIRST
    assert store.load(dict) == THIRD


def test_a_document_of_another_version_is_set_aside_and_stays_there(directory: Path) -> None:
    """That of a later version, which was tried and is gone, and may come back."""

    def take(document: dict[str, Any]) -> int:
        if document == SECOND:
            raise ValueError("version 9 is not 1")
        return len(document)

    store = Store(str(directory))
    store.save(FIRST)
    store.save(SECOND)
    of_no_use = contents(directory)["state.json"]
    store = Store(str(directory))
    assert store.load(take) == len(FIRST)
    assert store.damaged
    for document in (FIRST, THIRD, FIRST):
        store.save(document)
    assert contents(directory)["state.json.damaged"] == of_no_use


def test_with_both_files_damaged_there_is_none(directory: Path) -> None:
    store = Store(str(directory))
    store.save(FIRST)
    store.save(SECOND)
    for name in ("state.json", "state.json.old"):
        (directory / name).write_bytes(b"?")
    assert store.load(dict) is None
    store.save(THIRD)
    assert store.load(dict) == THIRD


def saved_with_fault(
    directory: Path, monkeypatch: pytest.MonkeyPatch, number: int, fault: Callable[[], None]
) -> FaultySystem:
    system = FaultySystem(number, fault)
    with monkeypatch.context() as patched:
        for module in (store_module, flash):
            patched.setattr(module, "os", system)
        store = Store(str(directory))
        store.load(dict)
        store.save(SECOND)
    return system


def prepared(directory: Path, before: dict[str, Any] | None) -> None:
    """Make the directory as it is with this document kept, and one before it; or with nothing."""
    shutil.rmtree(directory, ignore_errors=True)
    if before is not None:
        Store(str(directory)).save(THIRD)
        Store(str(directory)).save(before)


@pytest.mark.parametrize("before", [FIRST, None], ids=["something kept", "nothing kept"])
def test_a_crash_at_any_moment_leaves_the_old_or_the_new(
    directory: Path, monkeypatch: pytest.MonkeyPatch, before: dict[str, Any] | None
) -> None:
    prepared(directory, before)
    calls = saved_with_fault(directory, monkeypatch, 0, _die).calls
    assert {"write", "fsync", "rename"} <= set(calls)
    outcomes = []
    for number in range(1, len(calls) + 1):
        prepared(directory, before)
        work = partial(saved_with_fault, directory, monkeypatch, number, _die)
        assert os.WTERMSIG(in_child(work)) == signal.SIGKILL
        store = Store(str(directory))
        outcomes.append(store.load(dict))
        store.save(SECOND)
        assert Store(str(directory)).load(dict) == SECOND
    # Up to some moment it is the old, from then on the new.
    change = outcomes.index(SECOND)
    assert calls[change - 1] == "rename"
    assert outcomes == [before] * change + [SECOND] * (len(calls) - change)


@pytest.mark.parametrize("before", [FIRST, None], ids=["something kept", "nothing kept"])
def test_a_fault_at_any_moment_is_told_and_leaves_the_old_or_the_new(
    directory: Path, monkeypatch: pytest.MonkeyPatch, before: dict[str, Any] | None
) -> None:
    prepared(directory, before)
    calls = saved_with_fault(directory, monkeypatch, 0, _full).calls
    for number in range(1, len(calls) + 1):
        prepared(directory, before)
        with pytest.raises(StoreError, match="No space left on device"):
            saved_with_fault(directory, monkeypatch, number, _full)
        assert Store(str(directory)).load(dict) in (before, SECOND)


def test_what_is_written_is_durable_before_it_has_its_name(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(directory, FIRST)
    calls = saved_with_fault(directory, monkeypatch, 0, _full).calls
    written = ["open", "write", "fsync", "close"]
    assert calls == [*written, "rename", "rename", "open", "fsync", "close"]


def test_after_a_fault_the_same_document_is_made_durable(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(directory))
    store.save(FIRST)
    system = FaultySystem(0, _full)
    for module in (store_module, flash):
        monkeypatch.setattr(module, "os", system)
    store.save(SECOND)
    last = len(system.calls) - 1
    assert system.calls[last - 1 :] == ["fsync", "close"]
    system = FaultySystem(last, _full)
    for module in (store_module, flash):
        monkeypatch.setattr(module, "os", system)
    with pytest.raises(StoreError, match=r"sync .*: No space left on device"):
        store.save(THIRD)
    system.calls.clear()
    store.save(THIRD)
    assert system.calls == ["open", "fsync", "close"], "it is there, but was not durable"
    system.calls.clear()
    store.save(THIRD)
    assert system.calls == []


def test_a_full_flash_is_told_and_costs_nothing_that_was_there(directory: Path) -> None:
    Store(str(directory)).save(FIRST)

    def save_much() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            Store(str(directory)).save({"much": "x" * 5000})
        except StoreError as error:
            told = str(error) == f"write {directory}/state.json.new: File too large"
            os._exit(0 if told else 2)

    assert in_child(save_much) == 0
    assert list(contents(directory)) == ["state.json"]
    assert Store(str(directory)).load(dict) == FIRST


def test_what_cannot_be_read_is_not_taken_for_nothing(directory: Path) -> None:
    (directory / "state.json").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"read .*/state\.json: Is a directory"):
        Store(str(directory)).load(dict)
    (directory.parent / "file").write_text("")
    store = Store(str(directory.parent / "file" / "henbd"))
    with pytest.raises(StoreError, match="Not a directory"):
        store.save(FIRST)


def test_the_time_of_the_last_write_is_kept_by_the_file(tmp_path: Path) -> None:
    past = datetime(2027, 1, 1, tzinfo=UTC)
    later = datetime(2900, 1, 1, tzinfo=UTC)
    store = Store(str(tmp_path))
    assert store.kept_at() == datetime(1970, 1, 1, tzinfo=UTC)
    store.save(FIRST)
    assert datetime.now(UTC) - store.kept_at() < timedelta(minutes=1)
    os.utime(tmp_path / "state.json", (past.timestamp(),) * 2)
    store.save(FIRST)
    assert store.kept_at() == past
    # A clock that shows less than the build has lost the time: it tells nothing.
    lost = Store(str(tmp_path), built=later)
    lost.save(SECOND)
    assert lost.load(dict) == SECOND
    assert lost.kept_at() == past
    store.save(THIRD)
    assert datetime.now(UTC) - store.kept_at() < timedelta(minutes=1)
