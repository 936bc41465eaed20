"""What the box does while its charon hangs, is dead or empty, and when that is back."""

from __future__ import annotations

from henbd.actions import LoadConnection
from henbd.model import paths
from henbd.values import EspMode, Unknown
from henbd.waits import waits
from tests.unit.conftest import Worlds
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
