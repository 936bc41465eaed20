"""What the box does while its charon hangs, is dead or empty, and when that is back."""

from __future__ import annotations

from collections.abc import Iterable

from henbd.actions import LoadConnection, RemoveAddress
from henbd.control.course import STALE_S
from henbd.control.guard import inner
from henbd.model import paths
from henbd.status import status
from henbd.values import Address, EspMode, Guard, Unknown
from henbd.waits import waits
from tests.unit.conftest import Worlds
from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.kernel import OUTER, Fate
from tests.unit.world import (
    GATEWAY,
    HEMS,
    INNER,
    INNER_3,
    MME,
    World,
    direct_settings,
    lab_settings,
)


def test_a_stopped_charon_changes_nothing(world: World) -> None:
    world.bring_up_s1()
    done, told = len(world.journal.actions), len(world.informs)
    world.charon.stop()
    world.run(600)
    assert isinstance(world.daemon.witness.observed.charon, Unknown)
    world.charon.go_on()
    world.run(60)
    assert world.stack.up == [MME]
    assert len(world.mmes[MME].setups_at) == 1
    assert world.journal.actions[done:] == []
    # Nobody is told but that charon is silent.
    (alarm,) = world.informs[told:]
    assert "The IKE daemon does not answer" in alarm.values.values()


def test_a_stopped_charon_changes_no_guard_of_a_box_without_s1(world: World) -> None:
    world.register()
    guards = set(world.kernel.guards)
    world.charon.stop()
    world.run(60)
    assert world.kernel.guards == guards


def test_a_stopped_charon_does_not_hold_up_the_direct_way(worlds: Worlds) -> None:
    world = worlds(EspMode.POLICY, direct_settings())
    world.register()
    world.charon.stop()
    world.run(150)
    told = len(world.informs)
    for _ in range(20):
        world.listener.call()
        world.run(5.1)
    assert len(world.informs) == told + 20


def test_guards_stand_at_start_though_charon_is_stopped(worlds: Worlds) -> None:
    for configuration in (lab_settings(), direct_settings()):
        world = worlds(EspMode.POLICY, configuration)
        world.charon.stop()
        world.start()
        world.run(0.01)
        assert world.kernel.fate(OUTER, HEMS) is Fate.BLOCKED, configuration.hems.path


def test_a_periodic_inform_says_periodic_though_charon_was_slow(worlds: Worlds) -> None:
    """The hour strikes while the box waits for charon's answer."""
    world = worlds(EspMode.POLICY, direct_settings())
    world.register()
    world.provision({paths.PERIODIC_INTERVAL: "600"})
    world.run(10)
    told = len(world.informs)
    periodic = world.daemon.memory.ledger.periodic
    assert periodic is not None
    world.run(periodic.at - world.time.now - 1.0)
    world.charon.stop()
    world.kernel.changed()
    world.run(5)
    assert [inform.events for inform in world.informs[told:]] == [("2 PERIODIC",)]


def test_a_charon_that_was_killed_gets_everything_back(world: World) -> None:
    world.bring_up_s1()
    world.charon.kill()
    world.run(1)
    world.charon.restart()
    world.run(8)
    assert world.stack.up == [MME]
    assert world.informs[-1].values.get(paths.OP_STATE) in (None, "true")
    assert world.values[paths.OP_STATE] == "true"


def test_a_charon_that_was_killed_and_gets_another_address(world: World) -> None:
    world.bring_up_s1()
    world.charon.kill()
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.run(1)
    world.charon.restart()
    world.run(10)
    assert world.stack.up == [MME]
    assert world.stack.associations[0].link.local == INNER_3
    assert world.hems.informs[-1].source == INNER_3


def test_an_address_that_a_killed_charon_has_left_is_guarded_told_of_and_removed(
    worlds: Worlds,
) -> None:
    """Where the kernel does ESP it outlives charon, on an interface that is not ours."""
    world = worlds(EspMode.POLICY)
    world.bring_up_s1()
    world.charon.kill()
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.restart()
    while not world.stack.associations or world.stack.associations[0].link.local != INNER_3:
        world.run(0.01)
    assert world.kernel.has(INNER)
    assert INNER in sources(world.kernel.guards)
    assert status(world.daemon)["tunnel"]["stale_addresses"] == [str(INNER)]
    world.run(STALE_S + 1)
    assert not world.kernel.has(INNER)
    assert INNER not in sources(world.kernel.guards)
    assert status(world.daemon)["tunnel"]["stale_addresses"] == []
    assert world.stack.up == [MME]


def test_an_address_that_is_left_is_no_stranger_while_the_tunnel_is_away(worlds: Worlds) -> None:
    """The gateway will grant it again: nobody takes it from S1 meanwhile."""
    world = worlds(EspMode.POLICY)
    world.bring_up_s1()
    world.charon.kill()
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.restart()
    world.run(60)
    assert world.kernel.has(INNER)
    world.gateways[GATEWAY].manner = Manner.GRANTS
    world.run(60)
    assert world.stack.up == [MME]
    assert not world.done(RemoveAddress)


def sources(guards: Iterable[Guard]) -> set[Address]:
    """Return the inner addresses that are guarded."""
    return {network.network_address for network in inner(guards)}


def test_a_dead_charon_leaves_guards_that_hold(world: World) -> None:
    world.bring_up_s1()
    world.charon.kill()
    world.run(600)
    assert world.kernel.fate(OUTER, MME) is Fate.BLOCKED
    assert world.kernel.fate(OUTER, HEMS) is Fate.BLOCKED
    assert world.kernel.fate(INNER, MME) is not Fate.CLEAR


def test_what_somebody_unloaded_is_loaded_again_by_the_audit(world: World) -> None:
    world.register()
    world.charon.forget()
    assert world.settings.ipsec is not None
    world.run(world.settings.ipsec.audit_s + 1)
    assert world.charon.connections
    assert world.charon.secrets
    assert len(world.charon.sas) == 1


def test_what_charon_refuses_to_take_is_told_and_tried_again_ever_later(world: World) -> None:
    world.charon.refuses = "invalid value for: proposals"
    world.start()
    world.run(120)
    told = str(list(waits(world.daemon)))
    assert "charon to take a load-conn, which it refuses: invalid value for: proposals" in told
    assert len(world.done(LoadConnection)) < 20
    world.charon.refuses = ""
    world.run(60)
    assert world.informs
    assert "refuses" not in str(list(waits(world.daemon)))
