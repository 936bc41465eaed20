"""What the box does while its HeMS fails, and when that is back."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.hems import Manner as HemsManner
from tests.unit.world import (
    ADDRESS,
    GATEWAY,
    INNER_3,
    MME,
    SGW,
    World,
)


def test_a_hems_that_refuses_is_tried_at_the_times_of_the_retry_table(world: World) -> None:
    world.hems.manner = HemsManner.REFUSES
    world.start()
    world.run(600)
    at = world.hems.attempts_at
    waits = [later - earlier for earlier, later in pairwise(at)]
    shortest = 5.0
    for number, wait in enumerate(waits):
        assert shortest <= wait - 0.01 * number <= 2 * shortest + 0.1
        shortest *= 2
    assert len(waits) >= 4


def test_retry_count_is_that_of_the_session(world: World) -> None:
    world.hems.manner = HemsManner.REFUSES
    world.start()
    world.run(20)
    attempts = len(world.hems.attempts_at)
    world.hems.manner = HemsManner.ANSWERS
    world.run(60)
    assert world.informs[0].retry_count == attempts
    assert world.daemon.memory.ledger.failures == 0


def test_the_path_coming_up_cuts_the_wait_for_the_hems_short(world: World) -> None:
    world.hems.manner = HemsManner.BUSY
    world.start()
    world.run(100)
    world.hems.manner = HemsManner.ANSWERS
    world.charon.reauthenticate()
    world.run(0.1)
    assert world.informs


def test_news_cut_the_wait_for_the_hems_short(world: World) -> None:
    world.bring_up_s1()
    world.hems.manner = HemsManner.BUSY
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(100)
    tried = len(world.hems.attempts_at)
    world.hems.manner = HemsManner.ANSWERS
    world.stack.restart()
    world.run(0.1)
    assert len(world.hems.attempts_at) > tried
    assert world.daemon.memory.ledger.acknowledged[ADDRESS] == str(INNER_3)


def test_without_a_path_nothing_is_tried_and_nothing_counted(world: World) -> None:
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.start()
    world.run(600)
    assert not world.hems.attempts_at
    assert world.daemon.memory.ledger.failures == 0


def test_what_passes_for_news_to_the_path_alone_does_not_hurry_the_hems(world: World) -> None:
    """Peers of the user plane come and go; each needs guards, and is no news for the HeMS."""
    world.bring_up_s1()
    world.hems.manner = HemsManner.REFUSES
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(1)
    start = len(world.hems.attempts_at)
    for _ in range(30):
        world.stack.user_plane_peers = () if world.stack.user_plane_peers else (SGW,)
        world.stack.rung()
        world.run(2)
    # After 5 to 10 s, 15 to 30, 35 to 70.
    assert len(world.hems.attempts_at) - start <= 3


@pytest.mark.parametrize("manner", [HemsManner.SILENT, HemsManner.REFUSES, HemsManner.BUSY])
def test_s1_does_not_care_for_the_hems(world: World, manner: HemsManner) -> None:
    world.bring_up_s1()
    world.hems.manner = manner
    world.listener.call()
    world.run(300)
    assert world.stack.up == [MME]
    assert len(world.mmes[MME].setups_at) == 1
