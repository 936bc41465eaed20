"""The whole daemon in simulated time: its worlds are those of the unit tests."""

from __future__ import annotations

from tests.unit.conftest import world, worlds

__all__ = ["world", "worlds"]
