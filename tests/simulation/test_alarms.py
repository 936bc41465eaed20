"""Alarms in the loop: the HeMS is told, the flash is spared, and nothing is lost with the power."""

from __future__ import annotations

import pytest

from henbd import metrics
from henbd.control.alarms import DISABLED, QUEUED
from henbd.control.report_faults import current
from henbd.model import paths
from henbd.screen import screen
from henbd.status import status
from henbd.values import EspMode
from tests.unit.conftest import Worlds
from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.hems import Informed
from tests.unit.world import ADDRESS, GATEWAY, INNER_3, MME, World, direct_settings

# Each alarm has been told of, or cleared, by then.
SETTLED_S = 130
S1_MECHANISM = paths.SUPPORTED_ALARMS + "2.ReportingMechanism"


def lose_s1(world: World) -> None:
    """Have the MME go away."""
    world.mmes.clear()
    world.stack.restart()


def alarms(world: World) -> list[str]:
    """Return the problems that are raised now."""
    return [alarm.text for alarm in current(world.daemon.memory.tree)]


def told(inform: Informed, table: str) -> list[tuple[str, str]]:
    """Return the NotificationTypes and problems that an Inform carries of a table."""
    ends = "NotificationType", "SpecificProblem"
    rows = {path.rpartition(".")[0] for path in inform.values if path.startswith(table)}
    return [(inform.values[f"{r}.{ends[0]}"], inform.values[f"{r}.{ends[1]}"]) for r in rows]


def history(world: World) -> list[str]:
    """Return the NotificationTypes of the history, row by row."""
    tree = world.daemon.memory.tree
    rows = tree.instances[paths.ALARM_HISTORY]
    return [tree.values[f"{paths.ALARM_HISTORY}{n}.NotificationType"] for n in rows]


@pytest.mark.conformance("C173")
def test_loss_of_s1_is_an_alarm_that_is_told_at_once_and_cleared(world: World) -> None:
    world.bring_up_s1()
    mme = world.mmes[MME]
    lose_s1(world)
    world.run(SETTLED_S)
    (alarm,) = alarms(world)
    assert alarm.startswith("S1 is not up: S1 is up with no far end")
    inform = world.informs[-1]
    assert inform.events == ("4 VALUE CHANGE",)
    assert told(inform, paths.EXPEDITED_EVENTS) == [("NewAlarm", "S1 is not up")]
    world.mmes[MME] = mme
    world.run(2 * SETTLED_S)
    assert not alarms(world)
    assert told(world.informs[-1], paths.EXPEDITED_EVENTS) == [("ClearedAlarm", "S1 is not up")]
    assert history(world) == ["NewAlarm", "ClearedAlarm"]


def test_what_is_raised_is_on_the_screen_and_counted(world: World) -> None:
    world.bring_up_s1()
    lose_s1(world)
    world.run(SETTLED_S)
    values = status(world.daemon)
    (alarm,) = values["alarms"]
    assert alarm["severity"] in ("Critical", "Major", "Minor", "Warning")
    assert alarm["text"].startswith("S1 is not up: ")
    # It is raised after a minute to two, spread by chance.
    assert SETTLED_S - 120 <= alarm["since_s"] <= SETTLED_S - 60
    assert f"\nalarms       {alarm['severity']}: {alarm['text']}, for " in screen(values)
    daemon = world.daemon
    counted = metrics.text(values, daemon.counts, daemon.clock.moment())
    assert f'henbd_alarms{{severity="{alarm["severity"]}"}} 1' in counted.splitlines()


def test_one_alarm_is_one_write_and_what_the_hems_acknowledged_of_it_another(
    worlds: Worlds,
) -> None:
    world = worlds(EspMode.POLICY, direct_settings())
    world.register()
    writes, informs = world.store.writes, len(world.informs)
    world.charon.stop()
    world.run(6 * 3600)
    assert len(alarms(world)) == 1
    assert len(world.informs) > informs
    assert world.store.writes == writes + 2


def test_alarm_that_comes_and_goes_neither_writes_nor_tells_without_end(worlds: Worlds) -> None:
    world = worlds(EspMode.POLICY, direct_settings())
    world.register()
    writes, informs = world.store.writes, len(world.informs)
    for _ in range(60):
        world.charon.stop()
        world.run(SETTLED_S)
        world.charon.go_on()
        world.run(SETTLED_S)
    events = [i for i in world.informs[informs:] if told(i, paths.EXPEDITED_EVENTS)]
    assert 2 <= len(events) <= 10
    assert world.store.writes <= writes + 2 * len(events)


@pytest.mark.conformance("C173")
def test_a_queued_alarm_waits_for_the_next_session_and_one_that_is_disabled_is_none(
    world: World,
) -> None:
    world.bring_up_s1()
    world.provision({S1_MECHANISM: QUEUED})
    world.run(2)
    lose_s1(world)
    world.run(10)
    informs = len(world.informs)
    world.run(SETTLED_S)
    assert alarms(world)
    assert len(world.informs) == informs
    world.listener.call()
    world.run(2)
    assert told(world.informs[-1], paths.QUEUED_EVENTS) == [("NewAlarm", "S1 is not up")]
    world.provision({S1_MECHANISM: DISABLED})
    world.run(60)
    assert not alarms(world)
    assert history(world) == ["NewAlarm"]


def test_gateways_that_cannot_be_had_are_told_of_when_one_can(world: World) -> None:
    world.bring_up_s1()
    manners = {address: gateway.manner for address, gateway in world.gateways.items()}
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.lose()
    world.run(SETTLED_S + 60)
    raised = alarms(world)
    assert any(text.startswith("There is no tunnel to a security gateway: ") for text in raised)
    informs = len(world.informs)
    for address, gateway in world.gateways.items():
        gateway.manner = manners[address]
    world.run(SETTLED_S)
    tunnel = "There is no tunnel to a security gateway"
    first = next(i for i in world.informs[informs:] if told(i, paths.EXPEDITED_EVENTS))
    assert ("NewAlarm", tunnel) in told(first, paths.EXPEDITED_EVENTS)
    world.run(SETTLED_S)
    assert not alarms(world)


def test_flash_that_is_full_is_an_alarm_until_it_takes_the_state_again(world: World) -> None:
    world.bring_up_s1()
    world.store.full = True
    world.provision({paths.S1_PORT: "36413"})
    world.run(30)
    assert "The flash does not take the state: No space left on device" in alarms(world)
    world.store.full = False
    world.run(3 * SETTLED_S)
    assert not alarms(world)
    assert world.store.document["faults"]["history"]["events"][-1]["notification"] == "ClearedAlarm"


def test_guard_that_the_kernel_refuses_silent_charon_and_lost_stack_are_alarms(
    worlds: Worlds,
) -> None:
    world = worlds(EspMode.POLICY)
    world.bring_up_s1()
    world.charon.stop()
    world.stack.vanish()
    world.run(SETTLED_S + 30)
    raised = " ".join(alarms(world))
    assert "The IKE daemon does not answer" in raised
    assert "The S1AP stack does not answer" in raised
    assert "There is no tunnel" not in raised


def test_new_address_does_not_wait_for_alarms(world: World) -> None:
    """5.2.4: the alarm of the same moment is told in a session of its own, or along with it."""
    world.bring_up_s1()
    lose_s1(world)
    world.run(59)
    told_before = len(world.informs)
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(0.5)
    assert world.informs[told_before].values[ADDRESS] == str(INNER_3)


@pytest.mark.conformance("C173")
def test_alarm_is_raised_once_over_a_restart_and_cleared_after_a_power_cut(world: World) -> None:
    world.bring_up_s1()
    mme = world.mmes[MME]
    lose_s1(world)
    world.run(SETTLED_S)
    world.restart()
    world.run(SETTLED_S)
    assert history(world) == ["NewAlarm"]
    world.mmes[MME] = mme
    world.power_cycle("boot-2")
    assert history(world) == ["NewAlarm"]
    world.run(2 * SETTLED_S)
    assert history(world) == ["NewAlarm", "ClearedAlarm"]
    assert told(world.informs[-1], paths.EXPEDITED_EVENTS) == [("ClearedAlarm", "S1 is not up")]


@pytest.mark.conformance("C173")
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_daemon_that_is_killed_at_any_write_tells_each_event_and_none_twice_in_the_history(
    worlds: Worlds, done: bool
) -> None:
    number = 1
    while True:
        world = worlds(EspMode.POLICY)
        world.bring_up_s1()
        mme, writes = world.mmes[MME], world.store.writes
        world.store.deadly, world.store.done_when_deadly = writes + number, done
        lose_s1(world)
        for seconds in (SETTLED_S, SETTLED_S):
            world.run(seconds)
            if not world.alive:
                world.start()
        world.run(SETTLED_S)
        world.mmes[MME] = mme
        for seconds in (SETTLED_S, SETTLED_S):
            world.run(seconds)
            if not world.alive:
                world.start()
        world.run(SETTLED_S)
        assert history(world) == ["NewAlarm", "ClearedAlarm"]
        events = [e for i in world.informs for e in told(i, paths.EXPEDITED_EVENTS)]
        assert ("NewAlarm", "S1 is not up") in events
        assert events[-1] == ("ClearedAlarm", "S1 is not up")
        if world.store.writes < writes + number:
            break
        number += 1
    assert number > 4
