"""The loop for hours and days: what fails for long, and what is tried a thousand times."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.conftest import Worlds
from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.hems import Manner as HemsManner
from tests.unit.fakes.stack import Manner as MmeManner
from tests.unit.world import MME, MME_2, SGW, World

HOUR_S = 3600


def test_half_an_idle_day_writes_nothing_to_flash(world: World) -> None:
    world.bring_up_s1()
    world.run(60)
    writes, written = world.store.writes, world.store.bytes
    world.run(12 * HOUR_S)
    assert (world.store.writes, world.store.bytes) == (writes, written)


def test_s1_that_goes_and_comes_back_costs_a_write_each(world: World) -> None:
    world.bring_up_s1()
    world.run(60)
    writes = world.store.writes
    world.stack.restart()
    world.run(5)
    assert world.stack.up == [MME]
    assert 0 < world.store.writes - writes <= 2


def nobody_answers_ike(world: World) -> None:
    """Every gateway is dead."""
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.lose()


def every_gateway_refuses(world: World) -> None:
    """Every gateway answers, with a refusal."""
    for gateway in world.gateways.values():
        gateway.manner = Manner.REFUSES
    world.charon.lose()


def every_gateway_is_fickle(world: World) -> None:
    """Every gateway takes back at once what it grants."""
    for gateway in world.gateways.values():
        gateway.manner = Manner.FICKLE
    world.charon.lose()


def charon_hangs(world: World) -> None:
    """charon accepts connections, and never answers."""
    world.charon.stop()


def charon_is_dead(world: World) -> None:
    """Nobody listens on charon's socket."""
    world.charon.kill()


def the_hems_refuses(world: World) -> None:
    """Nobody listens at the HeMS's port, and there is something to tell."""
    world.hems.manner = HemsManner.REFUSES
    world.stack.restart()


def the_hems_is_silent(world: World) -> None:
    """The HeMS takes everything and says nothing, and there is something to tell."""
    world.hems.manner = HemsManner.SILENT
    world.stack.restart()


def the_mme_refuses(world: World) -> None:
    """The only MME refuses S1 Setup for ten seconds each."""
    world.mmes[MME].manner = MmeManner.REFUSES
    world.mmes[MME].time_to_wait_s = 10
    world.stack.restart()


def both_mmes_are_dead(world: World) -> None:
    """There are two MMEs, and neither answers."""
    world.mmes.clear()
    world.provision_far_ends(MME, MME_2)


def the_stack_is_away(world: World) -> None:
    """The stack is not connected."""
    world.stack.vanish()


def the_stack_never_acknowledges(world: World) -> None:
    """The stack takes another far end, and never says that it works by it."""
    world.stack.acknowledges = False
    world.provision_far_ends(MME_2)


def the_kernel_cannot_be_read(world: World) -> None:
    """Each dump fails."""
    world.kernel.readable = False
    world.charon.reauthenticate()


def guards_are_refused(world: World) -> None:
    """The kernel takes no guard, and some are gone."""
    world.kernel.guards_allowed = False
    world.stack.user_plane_peers = (SGW,)
    world.stack.rung()


def the_flash_is_full(world: World) -> None:
    """Nothing can be stored, and there is something to tell."""
    world.store.full = True
    world.stack.restart()


FAILURES = (
    nobody_answers_ike,
    every_gateway_refuses,
    every_gateway_is_fickle,
    charon_hangs,
    charon_is_dead,
    the_hems_refuses,
    the_hems_is_silent,
    the_mme_refuses,
    both_mmes_are_dead,
    the_stack_is_away,
    the_stack_never_acknowledges,
    the_kernel_cannot_be_read,
    guards_are_refused,
    the_flash_is_full,
)


@pytest.mark.parametrize("fail", FAILURES)
def test_a_failure_that_lasts_keeps_the_loop_asleep(
    world: World, fail: Callable[[World], None]
) -> None:
    world.bring_up_s1()
    fail(world)
    world.run(30)
    turns, actions = world.bells.turns, len(world.journal.actions)
    world.run(300)
    # Three a second at most, with all that is tried again meanwhile.
    assert world.bells.turns - turns <= 3 * 300
    # A gateway that takes back what it grants is asked ten times, each time with the guards of an
    # address that comes and goes.
    assert len(world.journal.actions) - actions <= 150


@pytest.mark.parametrize(("fail", "hours"), [(guards_are_refused, 10), (every_gateway_refuses, 20)])
def test_what_is_tried_a_thousand_times_does_not_end_the_daemon(
    worlds: Worlds, fail: Callable[[World], None], hours: int
) -> None:
    world = worlds()
    world.bring_up_s1()
    fail(world)
    world.run(hours * HOUR_S)
    assert world.supervisor.said == ["ready"]
