"""The worlds of the unit tests, for longer."""

from __future__ import annotations

from tests.unit.conftest import world, worlds

__all__ = ["world", "worlds"]
