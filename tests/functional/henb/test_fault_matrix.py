"""Every fault in every way that a kernel may do ESP: in the end all is right, and nothing leaked.

The cells of userspace ESP run with all tests; those of a kernel with ESP in the VM, a few with
`make test-kernel` and all of them with `make matrix`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tests.functional.henb.planes import PLANES
from tests.lab import topology
from tests.lab.events import PATIENCE
from tests.lab.faults import FAULTS, NAME_SERVER, right
from tests.lab.lab import ROOT, Lab
from tests.lab.probe import eventually
from tests.lab.prober import Prober

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(180 * PATIENCE)]

# What is seen by time is not to take long here.
SOON = {"ipsec": {"dpd_s": 2, "audit_s": 3}, "s1": {"hold_s": 5}}

# From the end of the fault. A gateway that failed a few times is left alone for some seconds; to
# start henbd takes long on an emulated machine.
WITHIN_S = 10.0
LONG = {"link_cut", "gateway_killed", "charon_killed", "henbd_killed", "all_restarted"}
LONG_S = 40.0

# These run in the VM every time; the others are too long there.
ALWAYS = {"gateway_restarted_with_another_pool", "charon_killed", "operators_load_all"}


CELLS = [
    pytest.param(
        plane,
        fault,
        id=f"{plane}-{fault}",
        marks=[
            pytest.mark.lab(
                configuration={**SOON, "ipsec": {**SOON["ipsec"], **ours}}, henb_charon=charon
            ),
            *([pytest.mark.kernel] if fault in ALWAYS else []),
        ],
    )
    for plane, (ours, charon) in PLANES.items()
    for fault in FAULTS
]


@pytest.fixture
def served(lab: Lab) -> Iterator[Lab]:
    """A lab in service, in which somebody tries to leak all the time."""
    lab.net.henb.set_nameserver(NAME_SERVER)
    lab.register()
    assert settled(lab, LONG_S)[0] is None
    with Prober(lab.net.henb) as prober:
        assert eventually(lambda: prober.tried > 0)
        yield lab


def settled(lab: Lab, within_s: float) -> tuple[str | None, float]:
    """Wait until all is right; return what is not, and how long it took."""
    since = time.monotonic()
    while True:
        wrong = right(lab) if lab.answers() else "henbd does not answer"
        took_s = time.monotonic() - since
        if wrong is None or took_s > within_s * PATIENCE:
            return wrong, took_s
        time.sleep(0.02 * PATIENCE)


@pytest.mark.parametrize(("plane", "fault"), CELLS)
def test_all_becomes_right_again_and_nothing_leaks(
    served: Lab, plane: str, fault: str, record_property: Callable[[str, object], None]
) -> None:
    FAULTS[fault](served)
    wrong, took_s = settled(served, LONG_S if fault in LONG else WITHIN_S)
    assert wrong is None, f"after {took_s:.1f} s: {wrong}"
    leaks = served.leaks()
    record_property("matrix", (plane, fault, round(took_s, 2), len(leaks)))
    assert leaks == []


@pytest.mark.kernel
@pytest.mark.lab(configuration=SOON)
def test_the_capture_sees_a_leak_when_there_are_no_guards(lab: Lab) -> None:
    """Else all the tests that see none would have seen nothing."""
    lab.register()
    lab.henbd.stop()
    lab.stack.stop()
    lab.charon.stop()
    here = (sys.executable, "-m", "henbd", "guard", "--config", str(lab.configuration_file))
    core = [network for network in topology.PROTECTED if network.version == 4]
    with lab.in_the_clear(*core):
        assert send_to_the_core(lab) == 0
        with lab.net.henb.inside():
            done = subprocess.run(
                [*here, "--remove", "--yes"], cwd=ROOT, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, done.stderr
        assert send_to_the_core(lab) > 0


def send_to_the_core(lab: Lab) -> int:
    """Have somebody on the HeNB try to send there, and return how much the capture has seen."""
    before = sum(len(capture.clear()) for capture in lab.captures)
    with Prober(lab.net.henb) as prober:
        while prober.tried < 100:
            time.sleep(0.01)
    return sum(len(capture.clear()) for capture in lab.captures) - before
