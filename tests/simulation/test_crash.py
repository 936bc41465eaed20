"""A daemon that is killed at each of its writes in turn: no event is lost, no command repeated."""

from __future__ import annotations

import pytest

from henbd.cwmp import ledger as ledgers
from henbd.model import paths
from henbd.values import EspMode
from tests.unit.conftest import Worlds
from tests.unit.fakes.hems import command, set_values
from tests.unit.world import MME, World

# What the HeMS wants, and by which answer it knows that it has it.
WISHES = (
    ("SetParameterValuesResponse", set_values({paths.S1_SERVERS: str(MME)}, key="key")),
    ("AddObjectResponse", command("AddObject", ObjectName=paths.PLMN_LIST, ParameterKey="row")),
    ("ScheduleInformResponse", command("ScheduleInform", DelaySeconds="90", CommandKey="s")),
    ("RebootResponse", command("Reboot", CommandKey="r")),
)
BOOTS = ("boot-1", "boot-2")


def told(world: World, code: str) -> list[str]:
    """Return the CommandKeys with which an event was told."""
    return [
        key
        for inform in world.informs
        for event, key in zip(inform.events, inform.keys, strict=True)
        if event == code
    ]


def go_on(world: World) -> None:
    """Have the box and the HeMS do what is next: a dead daemon is started again at once."""
    if world.doors.reboots and world.boot_id == BOOTS[0]:
        # A HeMS that is told of a reboot does not insist on it in the same session.
        world.hems.requests.clear()
        world.power_cycle(BOOTS[1])
    elif not world.alive:
        world.restart()
    world.run(3)
    for answer, request in WISHES:
        # A HeMS that was told of the reboot has no reason to order it again.
        if answer not in world.hems.responses and not told(world, "M Reboot"):
            world.hems.requests.clear()
            world.hems.will_ask(request)
            world.listener.call()
            break
    world.run(3)


def live(world: World) -> None:
    """Have the box registered, provisioned, called at a set time and rebooted."""
    for _ in range(20):
        go_on(world)
    world.run(100)
    if not world.alive:
        go_on(world)


def check(world: World) -> None:
    """See that each command was carried out once and each event told, if need be twice."""
    assert world.alive
    assert world.doors.reboots == 1
    assert told(world, "M Reboot") in (["r"], ["r", "r"])
    assert set(told(world, "M ScheduleInform")) == {"s"}
    assert told(world, "0 BOOTSTRAP") in ([""], ["", ""])
    assert world.values[paths.S1_SERVERS] == str(MME)
    assert world.values[paths.PARAMETER_KEY] == "row"
    # Without an answer the HeMS has asked again, and that is another row.
    assert 2 <= len(world.daemon.memory.tree.instances[paths.PLMN_LIST]) <= 3
    daemon = world.daemon
    assert not ledgers.pending(
        daemon.memory.ledger, daemon.memory.tree, daemon.caller.management, daemon.boot_id
    )


@pytest.mark.conformance("C064", "C065", "C077", "C081", "C082", "C112", "C119")
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_daemon_that_is_killed_at_any_write_loses_no_event_and_repeats_no_command(
    worlds: Worlds, done: bool
) -> None:
    undisturbed = worlds(EspMode.POLICY)
    undisturbed.start(BOOTS[0])
    live(undisturbed)
    check(undisturbed)
    writes = undisturbed.store.writes
    assert writes >= len(WISHES) + 3
    for number in range(1, writes + 1):
        world = worlds(EspMode.POLICY)
        world.store.deadly, world.store.done_when_deadly = number, done
        world.start(BOOTS[0])
        live(world)
        check(world)
