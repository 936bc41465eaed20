"""A real henbd through very many sessions and addresses: nothing piles up, nothing is told twice.

`make endurance` has ten thousand sessions and a thousand addresses, `make test` a hundredth of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from operator import le
from pathlib import Path
from typing import Any

import pytest

from tests.bench.alone import Alone, resident_mib
from tests.lab.lab import INNER_ADDRESS, Lab
from tests.lab.probe import eventually

SHARE = int(os.environ.get("ENDURANCE", "1")) ** 2
SESSIONS, ADDRESSES = 100 * SHARE, 10 * SHARE

# An arena more or less of the allocator's, and what an audit is the first to need; what piles up is
# more than that after a thousand times.
GROWTH_MIB = 2.0

# What the allocator, the log and urllib3 take once.
WARM = 40


def held(pid: int) -> tuple[int, int]:
    """Return how many descriptors and threads a process has."""
    process = Path(f"/proc/{pid}")
    return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))


def least_held(pid: int) -> tuple[int, ...]:
    """Return the fewest of each in the time in which a session ends and is told of."""
    until = time.monotonic() + 2
    counts = [held(pid)]
    while time.monotonic() < until:
        time.sleep(0.01)
        counts.append(held(pid))
    return tuple(map(min, zip(*counts, strict=True)))


def piles_up(pid: int, step: Callable[[], None], steps: int) -> list[str]:
    """Take steps, and return what of the process has grown in the second half of them."""
    for _ in range(max(steps // 2, min(steps, WARM))):
        step()
    before, before_mib = least_held(pid), resident_mib(pid)
    for _ in range(steps // 2):
        step()
    found = []
    if not eventually(lambda: all(map(le, held(pid), before)), 10):
        found.append(f"descriptors and threads: {held(pid)} after {before}")
    grown_mib = resident_mib(pid) - before_mib
    print(f"{steps} steps: {before_mib:.2f} MiB, then {grown_mib * 1024:+.0f} KiB; {before}")
    if grown_mib > GROWTH_MIB:
        found.append(f"memory: {grown_mib:.2f} MiB more than {before_mib:.2f}")
    return found


@pytest.mark.timeout(1800)
def test_of_many_sessions_nothing_is_left() -> None:
    with Alone() as alone:
        alone.register()
        assert piles_up(alone.pid, alone.session, SESSIONS) == []
        assert "Traceback" not in alone.log


@pytest.mark.timeout(3600)
def test_each_of_many_addresses_in_a_row_is_told_once_and_nothing_is_left(tmp_path: Path) -> None:
    with Lab(folder=tmp_path) as lab:
        lab.register()
        granted: list[str] = []
        since = time.monotonic()

        def change() -> None:
            granted.append(lab.grant_another())
            began_at = time.monotonic()
            lab.reauthenticate()
            lab.log.wait("Inform", 30, since=began_at, where=lambda e: told(e.facts) == granted[-1])
            lab.log.wait("S1SetupResponse", 30, since=began_at)
            # What goes on from an address that goes has failed, and is told as a retry.
            lab.calm(0.2)

        def told(facts: Mapping[str, Any]) -> object:
            return facts["parameters"].get(INNER_ADDRESS)

        assert piles_up(lab.henbd.pid, change, ADDRESSES) == []
        lab.calm(3)
        found = [told(event.facts) for event in lab.log.events("Inform", since)]
        assert [address for address in found if address is not None] == granted
        assert lab.complaints() == []
        assert "Traceback" not in lab.henbd.text()
