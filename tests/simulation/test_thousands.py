"""Sessions and addresses by the thousand: each is told once, and nothing piles up.

`make endurance` has ten thousand sessions and a thousand addresses, `make test` a tenth of that.
"""

from __future__ import annotations

import gc
import itertools
import os
from collections import Counter
from datetime import timedelta
from ipaddress import ip_address

import pytest

from henbd.model import paths
from tests.unit.conftest import Worlds
from tests.unit.fakes.hems import set_values
from tests.unit.world import ADDRESS, GATEWAY, MME, World

ENDURANCE = int(os.environ.get("ENDURANCE", "1"))
SESSIONS, ADDRESSES = 1000 * ENDURANCE, 100 * ENDURANCE

YEAR = timedelta(days=365)
PERIODIC_S = 60


def alive() -> int:
    """Return how many objects there are that can hold others."""
    gc.collect()
    return len(gc.get_objects())


def forget(world: World) -> None:
    """Empty what the fakes keep of what they saw, which grows with each session."""
    world.informs.clear()
    world.hems.attempts_at.clear()
    world.hems.endpoints.clear()
    world.hems.responses.clear()
    world.journal.actions.clear()
    world.diary.kept.clear()
    world.mmes[MME].setups_at.clear()
    for gateway in world.gateways.values():
        gateway.asked_at.clear()
    for counts in (world.kernel.routes, world.kernel.policies, world.kernel.addresses):
        for nothing in [key for key, count in counts.items() if not count]:
            del counts[nothing]


def periodic(world: World, interval_s: int) -> None:
    """Have the HeMS ask for an Inform that often."""
    world.provision(
        {
            paths.PERIODIC_INTERVAL: str(interval_s),
            "Device.ManagementServer.PeriodicInformEnable": "1",
        }
    )
    world.run(1)


def test_after_thousands_of_sessions_there_is_no_more_than_after_a_hundred(worlds: Worlds) -> None:
    world = worlds()
    world.bring_up_s1()
    periodic(world, PERIODIC_S)
    told = 0
    counts = []
    for _ in range(SESSIONS // 100):
        world.run(100 * PERIODIC_S)
        told += len(world.informs)
        forget(world)
        counts.append(alive())
    assert told >= SESSIONS
    assert max(counts[1:]) - counts[1] < 100


def test_each_of_many_addresses_is_told_once(worlds: Worlds) -> None:
    world = worlds()
    world.bring_up_s1()
    forget(world)
    base = int(ip_address("10.99.1.0"))
    wanted = [ip_address(base + number) for number in range(ADDRESSES)]
    told: Counter[str] = Counter()
    counts = []
    for address in wanted:
        world.gateways[GATEWAY].lease = (address,)
        world.charon.reauthenticate()
        world.run(1)
        told.update(i.values[ADDRESS] for i in world.informs if ADDRESS in i.values)
        forget(world)
        if len(told) in (ADDRESSES // 2, ADDRESSES):
            counts.append(alive())
    assert told == Counter({str(address): 1 for address in wanted})
    assert world.stack.up == [MME]
    assert len(world.kernel.guards) < 20
    assert len(world.charon.connections) == 1
    assert counts[-1] - counts[0] < 100


@pytest.mark.parametrize("jump", [YEAR, -YEAR], ids=["forward", "back"])
def test_a_clock_that_jumps_a_year_moves_no_timer(worlds: Worlds, jump: timedelta) -> None:
    """Only the hour of a periodic Inform with a PeriodicInformTime is one of the wall clock."""
    world = worlds()
    world.bring_up_s1()
    periodic(world, 600)
    world.run(1300)
    before = [i.at for i in world.informs if "2 PERIODIC" in i.events]
    assert [round(b - a) for a, b in itertools.pairwise(before)] == [600] * (len(before) - 1)
    forget(world)
    turns = world.bells.turns
    world.time.wall_at_start += jump
    world.run(3000)
    after = [i.at for i in world.informs]
    assert [round(b - a) for a, b in itertools.pairwise([before[-1], *after])] == [600] * 5
    assert world.bells.turns - turns < 3000 / 60 * 4 + 5 * 10
    assert world.stack.up == [MME]
    assert not world.journal.actions


def test_a_clock_that_was_never_set_holds_up_nothing(worlds: Worlds) -> None:
    world = worlds()
    world.time.wall_at_start = world.time.wall_at_start.replace(year=1970)
    world.bring_up_s1()
    assert world.hems.endpoints[-1].passed is not None
    world.time.wall_at_start = world.time.wall_at_start.replace(year=2026)
    world.hems.will_ask(set_values({paths.PERIODIC_INTERVAL: "600"}))
    world.listener.call()
    world.run(1)
    assert world.hems.endpoints[-1].passed is None
