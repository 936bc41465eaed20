"""The S1AP stack, a scripted henbd and MMEs, at the ends of a cable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import wire
from tests.lab.s1_bench import Bench, bench
from tests.lab.wire import Wire


@pytest.fixture(scope="module")
def cable() -> Iterator[Wire]:
    with wire.wire() as made:
        yield made


@pytest.fixture
def lab(cable: Wire, tmp_path: Path) -> Iterator[Bench]:
    with bench(cable, tmp_path) as made:
        yield made
