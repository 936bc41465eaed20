"""`make soak`: random faults, one after the other, while somebody tries to leak all the time.

    python -m tests.lab.soak [--seconds 300] [--seed NUMBER]

After each fault all has to become right again. At the end nothing has leaked, and henbd has as many
descriptors and about as much memory as at its beginning. With the seed the same faults come again.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from statistics import median

from tests.lab.events import PATIENCE
from tests.lab.faults import FAULTS, NAME_SERVER, right
from tests.lab.hems.rpc import Get
from tests.lab.lab import Lab, Options
from tests.lab.probe import eventually
from tests.lab.prober import Prober

SOON = {"ipsec": {"dpd_s": 2, "audit_s": 3}, "s1": {"hold_s": 5}}

# From the end of a fault; a gateway that failed a few times is left alone for some seconds.
WITHIN_S = 60.0

# What Python's allocator keeps for later is no leak; a leak of 100 bytes a look would be more.
MOST_GROWTH_KIB = 4096

# With this line the log of a process begins.
STARTED = "henbd.assembly: henbd "

# A pair of certificates is renewed once: the next one is that which is there.
ONCE = frozenset({"certificate_rotated"})


@dataclass(frozen=True, slots=True)
class Size:
    """How big a process is. `routed`: it has set a route, for which it has imported pyroute2."""

    pid: int
    memory_kib: int
    descriptors: int
    routed: bool


class Unsound(Exception):
    """Something is not as it should be; the text says what."""


def main() -> int:
    """Carry out the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.soak")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    print(f"soak: {options.seconds:g} s, --seed {options.seed}", flush=True)
    with Lab(Options(configuration=SOON)) as lab:
        try:
            soak(lab, options.seconds, random.Random(options.seed))
        except (Unsound, AssertionError) as error:
            print(f"UNSOUND: {error}", lab.henbd.text()[-20000:], sep="\n")
            return 1
    return 0


def soak(lab: Lab, seconds: float, chance: random.Random) -> None:
    """Let faults befall a lab for so long; raises Unsound."""
    lab.net.henb.set_nameserver(NAME_SERVER)
    lab.register()
    settle(lab)
    until = time.monotonic() + seconds
    faults, times = list(FAULTS), []
    first = warm(lab)
    with Prober(lab.net.henb) as prober:
        while time.monotonic() < until:
            name = chance.choice(faults)
            if name in ONCE:
                faults.remove(name)
            FAULTS[name](lab)
            times.append(settle(lab))
            now = size(lab)
            print(
                f"{times[-1]:7.2f} s  {now.memory_kib} KiB, {now.descriptors}  {name}", flush=True
            )
            if now.pid != first.pid or now.routed > first.routed:
                first = warm(lab)
            elif now.memory_kib > first.memory_kib + MOST_GROWTH_KIB:
                raise Unsound(f"henbd grew from {first.memory_kib} to {now.memory_kib} KiB")
            elif not comes_down_to(lab, first.descriptors):
                raise Unsound(f"henbd has {now.descriptors} descriptors, had {first.descriptors}")
        print(f"datagrams that tried to leave in the clear: {prober.tried}")
    if complaints := lab.complaints():
        raise Unsound("\n".join(complaints))
    print(
        f"{len(times)} faults, 0 clear packets, right after {median(times):.2f} s (median), "
        f"{max(times):.2f} s (worst)"
    )


def settle(lab: Lab) -> float:
    """Wait until all is right; return how long it took, in seconds."""
    since = time.monotonic()
    while True:
        wrong = right(lab) if lab.answers() else "henbd does not answer"
        took_s = time.monotonic() - since
        if wrong is None:
            return took_s
        if took_s > WITHIN_S * PATIENCE:
            raise Unsound(f"after {took_s:.1f} s: {wrong}")
        time.sleep(0.02 * PATIENCE)


def comes_down_to(lab: Lab, descriptors: int) -> bool:
    """Return whether henbd has no more than that, when a session that may go on is over."""
    return eventually(lambda: size(lab).descriptors <= descriptors, 10)


def warm(lab: Lab) -> Size:
    """Have henbd import what only a HeMS that asks has it import; return how big it is then."""
    since = time.monotonic()
    lab.hems.play([Get(["Device.DeviceInfo."])])
    if lab.call() != HTTPStatus.OK:
        raise Unsound("henbd does not take a connection request")
    lab.log.wait("GetParameterValuesResponse", since=since)
    lab.calm()
    return size(lab)


def size(lab: Lab) -> Size:
    """Return how big henbd is now."""
    process = Path("/proc", str(lab.henbd.pid))
    lines = (process / "status").read_text().splitlines()
    (memory,) = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
    said = lab.henbd.text().rpartition(STARTED)[2]
    return Size(
        lab.henbd.pid, int(memory), len(os.listdir(process / "fd")), routed="AddRoute(" in said
    )


if __name__ == "__main__":
    sys.exit(main())
