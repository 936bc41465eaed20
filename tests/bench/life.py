"""What a henbd costs: to start, to hold a session, to be there; alone with an ACS."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

from tests.bench.alone import Alone, resident_mib
from tests.bench.figures import Against, Figure, Goal

PACKAGES = "lxml.etree, pyroute2, requests, sdnotify, vici"
INTERPRETER = f"an interpreter that imports {PACKAGES}"

# Sessions of which the time on a processor is taken together: the clock of one is too coarse.
BATCH = 20

# When all that is made on first use has been made.
WARM = 1000


def starting(trials: int) -> Iterator[Figure]:
    """Take the time from the start of the process to the first byte of the first Inform."""
    ours, bare = [], []
    with Alone() as alone:
        alone.register()
        alone.stop()
        for _ in range(trials):
            held = alone.acs.sessions
            began_at = alone.start()
            alone.acs.wait(held + 1)
            ours.append((alone.acs.last_inform_at - began_at) * 1000)
            alone.stop()
            began_at = time.monotonic()
            alone.run("-c", f"import {PACKAGES}").wait()
            bare.append((time.monotonic() - began_at) * 1000)
    yield Figure("start → first Inform", "ms", ours, INTERPRETER, bare, Goal(Against.RATIO, 1.1))


def sessions(trials: int) -> Iterator[Figure]:
    """Take the cost of sessions that are only an Inform, fifty times as many as trials."""
    count = 50 * trials
    with Alone() as alone:
        alone.register()
        _hold(alone, min(WARM, count))
        warm_mib = alone.resident_mib
        cpu = [_hold(alone, BATCH) for _ in range(count // BATCH)]
        resident = alone.resident_mib
        goal = Goal(Against.ABSOLUTE, 1.5)
        yield Figure("processor time of a session that is only an Inform", "ms", cpu, goal=goal)
        limit = (INTERPRETER, [_interpreter_mib(alone)])
        name = f"resident memory after {count + min(WARM, count)} sessions"
        yield Figure(name, "MiB", [resident], *limit, Goal(Against.RATIO, 1.15))
        name = f"growth over the last {count} sessions"
        growth = (resident - warm_mib) * 1024
        yield Figure(name, "KiB", [growth], goal=Goal(Against.ABSOLUTE, 0))


def _hold(alone: Alone, count: int) -> float:
    """Have so many sessions held; return the time on a processor of each, in ms."""
    before = alone.cpu_s
    for _ in range(count):
        alone.session()
        # What comes after the session is part of what it costs.
        time.sleep(0.004)
    return (alone.cpu_s - before) / count * 1000


def _interpreter_mib(alone: Alone) -> float:
    program = f"import {PACKAGES}; print('ready', flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with alone.run("-c", program, **pipes) as interpreter:
        assert interpreter.stdout is not None
        assert interpreter.stdout.readline() == b"ready\n"
        taken = resident_mib(interpreter.pid)
        interpreter.kill()
    return taken
