"""A HeMS on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.events import Log
from tests.lab.hems import Hems


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def hems(log: Log) -> Iterator[Hems]:
    with Hems(log, "127.0.0.1") as running:
        yield running
