"""What a henbd does that has nothing to do: wake-ups, time on a processor, writes to flash.

The real one stands in the lab, tunnel and S1 up; the day of flash passes in simulated time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from henbd.model import paths
from tests.bench.alone import cpu_s as used_s
from tests.bench.figures import Against, Figure, Goal
from tests.lab.hems.rpc import Set
from tests.lab.lab import Lab
from tests.unit.world import World

HOUR_S, DAY_S = 3600, 86_400
PERIODIC_S, AUDIT_S = 300, 60

# The real one is watched for two seconds a trial: through one periodic Inform when there are 200.
WATCH_S = 2

DUE = "the timers that are due: a periodic Inform each 5 minutes, an audit each minute"
DUE_PER_HOUR = HOUR_S / PERIODIC_S + HOUR_S / AUDIT_S

EVERY_FIVE_MINUTES = {
    "Device.ManagementServer.PeriodicInformEnable": ("1", "xsd:boolean"),
    "Device.ManagementServer.PeriodicInformInterval": (str(PERIODIC_S), "xsd:unsignedInt"),
}


def figures(trials: int) -> Iterator[Figure]:
    """Watch a henbd that is idle, and let a day pass for another."""
    with Lab() as lab:
        lab.register()
        lab.hems.play([Set(EVERY_FIVE_MINUTES)])
        assert lab.call() == 200
        lab.calm(3)
        for_s = WATCH_S * trials
        pid, hours = lab.henbd.pid, for_s / HOUR_S
        loop, threads, cpu = _wakeups(pid, str(pid)), _wakeups(pid, "*"), used_s(pid)
        time.sleep(for_s)
        loop = int((_wakeups(pid, str(pid)) - loop) / hours)
        threads = int((_wakeups(pid, "*") - threads) / hours)
        cpu = (used_s(pid) - cpu) / hours
    goal = Goal(Against.RATIO, 2)
    for whose, wakeups in (("the loop", loop), ("all threads", threads)):
        name = f"idle: wake-ups of {whose} per hour, from {for_s} s"
        yield Figure(name, "", [wakeups], DUE, [DUE_PER_HOUR], goal)
    yield Figure("idle: time on a processor per hour", "s", [cpu])
    yield from _flash()


def _flash() -> Iterator[Figure]:
    """Let a day pass in simulated time, with all parties fake."""
    world = World()
    try:
        world.bring_up_s1()
        world.provision({name: value for name, (value, _) in EVERY_FIVE_MINUTES.items()})
        world.run(HOUR_S)
        written, told, turns = world.store.bytes, len(world.informs), world.bells.turns
        world.run(DAY_S)
        written = world.store.bytes - written
        told = len(world.informs) - told
        turns = (world.bells.turns - turns) // 24
        world.stack.restart()
        writes = world.store.writes
        states = world.values[paths.OP_STATE]
        world.run(60)
        assert world.values[paths.OP_STATE] == states
    finally:
        world.kill()
    goal = Goal(Against.ABSOLUTE, 0)
    name = f"bytes written to flash on a steady day of {told} Informs"
    yield Figure(name, "", [written], goal=goal)
    yield Figure("turns of the loop per hour of it", "", [turns], DUE, [DUE_PER_HOUR])
    changes = Goal(Against.ABSOLUTE, 2)
    name = "writes to flash when S1 goes down and comes up again"
    yield Figure(name, "", [world.store.writes - writes], goal=changes)


def _wakeups(pid: int, threads: str) -> int:
    """Return how often threads of a process have gone to sleep so far: that of a number, or all."""
    lines = [
        line
        for status in Path(f"/proc/{pid}/task").glob(f"{threads}/status")
        for line in status.read_text().splitlines()
    ]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))
