"""A daemon that ends or is killed at any moment, and the one that takes over from it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from henbd.actions import Tell
from henbd.model import paths
from henbd.values import EspMode, Unknown
from tests.unit.conftest import Worlds
from tests.unit.fakes.hems import Manner as HemsManner
from tests.unit.fakes.hems import get_values, set_values
from tests.unit.fakes.kernel import OUTER, Fate
from tests.unit.world import ADDRESS, GATEWAY, INNER, INNER_3, MME, MME_2, World, direct_settings

Story = Callable[[World], dict[str, str]]


def settled(world: World) -> bool:
    """Tell whether nothing more happens, and nobody is owed anything."""
    done, told = len(world.journal.actions), len(world.informs)
    world.run(120)
    return (len(world.journal.actions), len(world.informs)) == (done, told)


def test_a_restart_of_the_daemon_is_noticed_by_nobody(world: World) -> None:
    world.bring_up_s1()
    world.run(1)
    done, told, kept = len(world.journal.actions), len(world.informs), world.store.text
    world.restart()
    world.run(120)
    assert world.journal.actions[done:] == []
    assert len(world.informs) == told
    assert world.store.text == kept
    assert len(world.mmes[MME].setups_at) == 1


def test_the_daemon_that_is_told_to_stop_leaves_everything_as_it_is(world: World) -> None:
    world.bring_up_s1()
    done, guards = len(world.journal.actions), set(world.kernel.guards)
    shown = world.board.shown
    world.stop()
    assert world.supervisor.said[-1] == "stopping"
    # Nobody is told how a daemon is that ends.
    assert (world.board.shown, world.board.values) == (shown, None)
    world.run(60)
    assert len(world.journal.actions) == done
    assert world.kernel.guards == guards
    assert world.stack.up == [MME]


def test_a_stack_that_comes_later_than_the_new_daemon_is_not_disturbed(world: World) -> None:
    world.bring_up_s1()
    done, told = len(world.journal.actions), len(world.informs)
    world.kill()
    world.stack.vanish()
    world.start()
    world.run(1)
    world.stack.come_back()
    world.run(60)
    assert world.journal.actions[done:] == []
    assert len(world.informs) == told


def test_a_change_that_was_missed_is_told_and_nothing_else(world: World) -> None:
    world.bring_up_s1()
    told = len(world.informs)
    world.kill()
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(60)
    world.start()
    world.run(1)
    assert world.informs[told].events == ("4 VALUE CHANGE",)
    assert world.informs[told].values[ADDRESS] == str(INNER_3)
    assert all(inform.events == ("4 VALUE CHANGE",) for inform in world.informs[told:])
    assert world.stack.up == [MME]


def test_a_change_and_back_that_was_missed_is_no_news(world: World) -> None:
    world.register()
    world.kill()
    for lease in (INNER_3, INNER):
        world.gateways[GATEWAY].lease = (lease,)
        world.charon.reauthenticate()
        world.run(1)
    world.start()
    world.run(60)
    assert len(world.informs) == 1


def test_a_power_on_is_a_boot(world: World) -> None:
    world.bring_up_s1()
    told = len(world.informs)
    world.power_cycle("boot-2")
    world.run(10)
    assert "1 BOOT" in world.informs[told].events
    assert "0 BOOTSTRAP" not in world.informs[told].events
    assert world.informs[told].values[ADDRESS] == str(INNER)
    assert world.stack.up == [MME]


def test_admin_state_is_kept_over_a_restart_and_lost_with_the_power(world: World) -> None:
    world.bring_up_s1()
    world.provision({paths.ADMIN_STATE: "true"})
    world.run(1)
    assert world.done(Tell)[-1].link is not None
    world.restart()
    world.run(1)
    assert world.values[paths.ADMIN_STATE] == "true"
    world.power_cycle("boot-2")
    world.run(1)
    assert world.values[paths.ADMIN_STATE] == "false"


def test_what_the_hems_was_not_told_before_the_end_is_told_after_it(world: World) -> None:
    world.register()
    world.hems.manner = HemsManner.SILENT
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(5)
    world.hems.manner = HemsManner.ANSWERS
    world.restart()
    world.run(1)
    assert world.informs[-1].values[ADDRESS] == str(INNER_3)


def test_a_boot_that_was_not_told_is_told_by_the_next_daemon(world: World) -> None:
    world.hems.manner = HemsManner.REFUSES
    world.start()
    world.run(5)
    world.hems.manner = HemsManner.ANSWERS
    world.restart()
    world.run(1)
    assert world.informs[0].events == ("0 BOOTSTRAP", "1 BOOT")


@pytest.mark.parametrize("slow", [False, True])
def test_guards_stand_before_anything_else_is_done(worlds: Worlds, slow: bool) -> None:
    """After a power-on no guard of the former boot is left, and charon may take its time."""
    world = worlds(EspMode.INTERFACE, direct_settings())
    world.bring_up_s1()
    world.power_cycle("boot-2")
    if slow:
        world.charon.stop()
    world.run(0.001)
    assert world.kernel.fate(OUTER, MME) is Fate.BLOCKED


def provisioning(world: World) -> dict[str, str]:
    """The HeMS sets another far end, and asks for something more in that session."""
    values = {paths.S1_SERVERS: str(MME_2)}
    world.hems.will_ask(set_values(values), get_values(paths.S1_PORT))
    world.listener.call()
    return values


def address_change(world: World) -> dict[str, str]:
    """The gateway grants another address; the HeMS hears of it and sets another far end."""
    values = {paths.S1_SERVERS: str(MME_2)}
    world.hems.will_ask(set_values(values))
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    return values


def going_outside(world: World) -> dict[str, str]:
    """The HeMS sets another far end and switches the usage indicator off."""
    values = {paths.S1_SERVERS: str(MME_2), paths.IPSEC_ENABLE: "false"}
    world.provision(values)
    return values


def take_over(world: World, wanted: dict[str, str]) -> None:
    """Start the next daemon; the HeMS insists on what it has had no answer to."""
    world.journal.kill_before = None
    world.restart()
    world.run(10)
    if any(world.values[path] != value for path, value in wanted.items()):
        world.provision(wanted)
        world.run(10)


STORIES = (provisioning, address_change, going_outside)


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("at_ms", [0.3, 0.9, 2, 5, 7, 9, 11, 12, 13, 14, 15, 17, 20, 25, 30, 50])
def test_a_daemon_killed_at_any_time_is_taken_over_from(
    world: World, story: Story, at_ms: float
) -> None:
    world.bring_up_s1(MME)
    wanted = story(world)
    world.run(at_ms / 1000)
    take_over(world, wanted)
    assert world.stack.up == [MME_2]
    assert settled(world)


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("actions", range(12))
def test_a_daemon_killed_between_two_actions_is_taken_over_from(
    world: World, story: Story, actions: int
) -> None:
    world.bring_up_s1(MME)
    world.journal.kill_before = len(world.journal.actions) + actions
    wanted = story(world)
    world.run(2)
    take_over(world, wanted)
    assert world.stack.up == [MME_2]
    assert settled(world)


@pytest.mark.parametrize("actions", range(8))
def test_a_daemon_killed_while_it_brings_the_tunnel_up_is_taken_over_from(
    world: World, actions: int
) -> None:
    world.journal.kill_before = actions
    world.start()
    world.run(1)
    world.restart()
    world.run(5)
    assert world.informs[0].events == ("0 BOOTSTRAP", "1 BOOT")
    assert settled(world)


def test_a_daemon_that_cannot_ask_charon_yet_says_so(worlds: Worlds) -> None:
    world = worlds()
    world.charon.stop()
    world.start()
    world.run(1)
    assert isinstance(world.daemon.witness.observed.charon, Unknown)
    assert world.supervisor.said == ["ready"]
