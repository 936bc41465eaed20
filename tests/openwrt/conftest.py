"""A board for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.openwrt.board import Board


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """Return a board with nothing configured."""
    return Board(tmp_path / "board")


# OpenWrt has BusyBox for its shell, and for the programs that a script calls.
SHELLS = {"dash": ("/bin/dash",), "busybox": ("/bin/busybox", "ash")}


@pytest.fixture(params=SHELLS)
def either_board(tmp_path: Path, request: pytest.FixtureRequest) -> Board:
    """Return a board with each kind of shell."""
    return Board(tmp_path / "board", SHELLS[request.param])
