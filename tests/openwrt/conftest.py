"""A board for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.openwrt.board import Board


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """Return a board with nothing configured."""
    return Board(tmp_path / "board")
