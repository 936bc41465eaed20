"""What many unit tests begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import hypothesis
import pytest

from henbd.settings import Settings
from henbd.values import EspMode
from tests.unit.settings import QUICK
from tests.unit.world import World

Worlds = Callable[..., World]

# Without it a property fails on a machine that is busy with something else.
hypothesis.settings.register_profile("quick", QUICK)
hypothesis.settings.load_profile("quick")


@pytest.fixture
def worlds() -> Iterator[Worlds]:
    """A builder of worlds, whose daemons end with the test."""
    built: list[World] = []

    def build(mode: EspMode = EspMode.POLICY, configuration: Settings | None = None) -> World:
        built.append(World(mode, configuration))
        return built[-1]

    yield build
    for world in built:
        world.kill()


@pytest.fixture(params=EspMode, ids=lambda mode: mode.value)
def world(request: pytest.FixtureRequest, worlds: Worlds) -> World:
    """A world whose daemon was not started yet: once with each kind of ESP."""
    return worlds(request.param)
