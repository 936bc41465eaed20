"""The status as a file: whole at every moment, and no more often than something changes."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from henbd.system.status_file import StatusFile

NOW = datetime(2026, 11, 3, 12, 0, 5, tzinfo=UTC)
GROUP = 4711


@pytest.fixture
def board(tmp_path: Path) -> StatusFile:
    socket = tmp_path / "control.sock"
    socket.touch()
    os.chown(socket, -1, GROUP)
    return StatusFile(str(socket), lambda: NOW)


def values(**changes: Any) -> dict[str, Any]:
    return {
        "tunnel": {"condition": "up", "since_s": 1.0},
        "waiting_for": [{"for": "the HeMS", "in_s": None}],
        **changes,
    }


def test_it_has_the_status_and_whose_and_when(board: StatusFile) -> None:
    board.show(values())
    expected = {"pid": os.getpid(), "at": "2026-11-03T12:00:05Z", **values()}
    assert json.loads(board.path.read_text()) == expected


def test_it_is_for_root_and_the_group_of_the_control_socket(board: StatusFile) -> None:
    before = os.umask(0)
    try:
        board.show(values())
    finally:
        os.umask(before)
    found = board.path.stat()
    assert stat.S_IMODE(found.st_mode) == 0o640
    assert (found.st_uid, found.st_gid) == (os.geteuid(), GROUP)


def test_a_running_duration_is_no_change(board: StatusFile) -> None:
    board.show(values())
    first = board.path.stat().st_ino
    board.show(values(tunnel={"condition": "up", "since_s": 2.0}))
    assert board.path.stat().st_ino == first
    board.show(values(tunnel={"condition": "down", "since_s": 0.0}))
    assert json.loads(board.path.read_text())["tunnel"]["condition"] == "down"


def test_a_duration_that_comes_or_goes_is_a_change(board: StatusFile) -> None:
    board.show(values())
    board.show(values(waiting_for=[{"for": "the HeMS", "in_s": 5.0}]))
    assert json.loads(board.path.read_text())["waiting_for"][0]["in_s"] == 5.0


def test_a_reader_keeps_the_whole_of_what_it_has_opened(board: StatusFile) -> None:
    board.show(values())
    with board.path.open() as reader:
        board.show(values(tunnel=None))
        assert json.loads(reader.read())["tunnel"] is not None
    assert [p.name for p in board.path.parent.iterdir() if "status" in p.name] == ["status.json"]


def test_a_link_in_its_place_is_not_followed(board: StatusFile, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    board.path.with_name("status.json.new").symlink_to(precious)
    board.path.symlink_to(precious)
    board.show(values())
    assert precious.read_text() == "kept"
    assert not board.path.is_symlink()


def test_it_goes_with_the_daemon(board: StatusFile) -> None:
    board.show(values())
    board.clear()
    assert not board.path.exists()
    board.clear()


def test_no_room_is_said_once_and_tried_again(
    board: StatusFile, caplog: pytest.LogCaptureFixture
) -> None:
    obstacle = board.path.with_name("status.json.new")
    obstacle.mkdir()
    board.show(values())
    board.show(values())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    obstacle.rmdir()
    board.show(values())
    assert board.path.exists()
