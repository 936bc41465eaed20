"""What a henbd costs: to start, to hold a session, to be there; alone with an ACS."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Iterator

from tests.bench.alone import Alone
from tests.bench.alone import resident_mib as taken_by
from tests.bench.figures import Against, Figure, Goal
from tests.lab.hems.rpc import Set

PACKAGES = "lxml.etree, pyroute2, requests, sdnotify, vici"
INTERPRETER = f"an interpreter that imports {PACKAGES}"

# Sessions of which the time on a processor is taken together: the clock of one is too coarse.
BATCH = 5

# Sessions one after the other of which it is taken together.
ROW = 50

SECONDLY = Set(
    {
        "Device.ManagementServer.PeriodicInformEnable": ("1", "xsd:boolean"),
        "Device.ManagementServer.PeriodicInformInterval": ("1", "xsd:unsignedInt"),
    }
)


def starting(trials: int) -> Iterator[Figure]:
    """Take the time from the start of the process to the first byte of the first Inform."""
    ours, bare = [], []
    with Alone() as alone:
        alone.register()
        alone.stop()
        alone.run("-c", f"import {PACKAGES}").wait()
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
    """Take the time on a processor of a session that tells nothing but that its hour has come."""
    cpu = []
    with Alone() as alone:
        alone.acs.ask(f"<cwmp:{SECONDLY.METHOD}>{SECONDLY.arguments()}</cwmp:{SECONDLY.METHOD}>")
        alone.register()
        alone.acs.wait(alone.acs.sessions + 2)
        for _ in range(max(1, trials // BATCH)):
            before, held = alone.cpu_s, alone.acs.sessions
            alone.acs.wait(held + BATCH)
            # What comes after a session is part of what it costs.
            time.sleep(0.3)
            cpu.append((alone.cpu_s - before) / (alone.acs.sessions - held) * 1000)
        in_a_row = []
        for _ in range(max(1, trials // BATCH)):
            before = alone.cpu_s
            for _ in range(ROW):
                alone.session()
            in_a_row.append((alone.cpu_s - before) / ROW * 1000)
    goal = Goal(Against.ABSOLUTE, 1.5)
    yield Figure("processor time of a session that is only an Inform", "ms", cpu, goal=goal)
    # What caches cost that have gone cold in a second is not in it; but a message of the stack is,
    # the look that it asks for, and a value that is told.
    yield Figure("the same, one after the other and with a look", "ms", in_a_row)


def memory(trials: int) -> Iterator[Figure]:
    """Take the memory after fifty sessions for each trial, each of a value that has changed.

    What there is to be had is taken at first, and now and then once more: what would pile up does
    so in each tenth.
    """
    tenth = 5 * trials
    with Alone() as alone:
        alone.register()
        taken_mib = []
        for _ in range(10):
            for _ in range(tenth):
                alone.session()
            taken_mib.append(alone.resident_mib)
        limit = (INTERPRETER, [_interpreter_mib(alone)])
    goal = Goal(Against.RATIO, 1.15)
    name = f"resident memory after {10 * tenth} sessions"
    yield Figure(name, "MiB", taken_mib[-1:], *limit, goal)
    last = itertools.pairwise(taken_mib[4:])
    growth_kib = [(after - before) * 1024 for before, after in last]
    name = f"growth of it in {tenth} sessions, of the second half"
    yield Figure(name, "KiB", growth_kib, goal=Goal(Against.ABSOLUTE, 0))


def _interpreter_mib(alone: Alone) -> float:
    program = f"import {PACKAGES}; print('ready', flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with alone.run("-c", program, **pipes) as interpreter:
        assert interpreter.stdout is not None
        assert interpreter.stdout.readline() == b"ready\n"
        taken = taken_by(interpreter.pid)
        interpreter.kill()
    return taken
