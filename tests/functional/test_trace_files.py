"""The recorded sessions as a ring of files in memory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from henbd.system.trace_files import MOST_BYTES, MOST_FILES, TraceFiles, kept

GROUP = 4711


@pytest.fixture
def socket(tmp_path: Path) -> str:
    path = tmp_path / "control.sock"
    path.touch()
    os.chown(path, -1, GROUP)
    return str(path)


def test_what_is_kept_is_read_in_order_also_by_the_next_process(socket: str) -> None:
    assert kept(socket) == []
    for text in ("a", "b"):
        TraceFiles(socket).keep({"failure": text})
    assert kept(socket) == [{"number": 1, "failure": "a"}, {"number": 2, "failure": "b"}]


def test_the_ring_has_so_many_sessions_and_no_more(socket: str) -> None:
    files = TraceFiles(socket)
    for number in range(MOST_FILES + 5):
        files.keep({"n": number})
    assert [session["n"] for session in kept(socket)] == list(range(5, MOST_FILES + 5))


def test_the_ring_has_so_many_bytes_and_the_last_session_in_any_case(socket: str) -> None:
    files = TraceFiles(socket)
    for _ in range(5):
        files.keep({"body": "x" * (MOST_BYTES // 3)})
    assert [session["number"] for session in kept(socket)] == [4, 5]
    files.keep({"body": "x" * 2 * MOST_BYTES})
    assert [session["number"] for session in kept(socket)] == [6]


def test_the_ring_goes_on_when_its_numbers_grow_longer(socket: str) -> None:
    directory = Path(socket).with_name("trace")
    directory.mkdir()
    (directory / "999998.json").write_text("{}")
    for number in range(MOST_FILES + 5):
        # Each finds what the one before has left.
        TraceFiles(socket).keep({"n": number})
    assert [session["n"] for session in kept(socket)] == list(range(5, MOST_FILES + 5))


def test_it_is_for_root_and_the_group_of_the_control_socket(socket: str) -> None:
    before = os.umask(0)
    try:
        TraceFiles(socket).keep({})
    finally:
        os.umask(before)
    directory = Path(socket).with_name("trace")
    for path, mode in ((directory, 0o750), (directory / "000001.json", 0o640)):
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert path.stat().st_gid == GROUP


def test_what_does_not_belong_there_is_left_alone(socket: str) -> None:
    directory = Path(socket).with_name("trace")
    directory.mkdir()
    (directory / "000007.json").write_text("half a doc")
    (directory / "notes.txt").write_text("mine")
    (directory / "mine.json").write_text("{}")
    (directory / "9.json").write_text("{}")
    TraceFiles(socket).keep({})
    assert [session["number"] for session in kept(socket)] == [8]
    assert (directory / "notes.txt").exists()


def test_no_room_is_said_once(socket: str, caplog: pytest.LogCaptureFixture) -> None:
    directory = Path(socket).with_name("trace")
    directory.write_text("in the way")
    files = TraceFiles(socket)
    files.keep({})
    files.keep({})
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    directory.unlink()
    files.keep({})
    assert len(kept(socket)) == 1
