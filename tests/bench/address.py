"""From a new inner address to the Inform, in the lab, with a real charon and S1 up.

Trials take turns: henbd, the bare listener, henbd with a HeMS that hangs. henbd is halted while the
bare listener has its turn, and catches up afterwards.
"""

from __future__ import annotations

import itertools
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.bench.figures import Against, Figure, Goal
from tests.bench.sink import Sink
from tests.bench.tap import Tap, in_the_clear, in_tls
from tests.lab import topology
from tests.lab.hems.script import Hang, on_inform
from tests.lab.lab import HEMS_PORT, INNER_ADDRESS, ROOT, Lab, Options

SINK_PORT = 7600

# Nobody has seen anything for so long: henbd is as idle as a daemon is.
CALM_S = 0.12

LISTENER = "a bare listener that sends prepared bytes from a plain socket through the same tunnel"
OWN_TIME = "charon's own time, from the order to reauthenticate to the address and its child"


@dataclass(slots=True)
class Times:
    """Milliseconds, one a trial.

    From the moment when the address was usable to the first byte of the Inform (`hung`: to a HeMS
    that hangs), to the answer to S1 Setup, and to the first of the bare listener's bytes; `own`:
    what charon took until then.
    """

    inform: list[float] = field(default_factory=list)
    hung: list[float] = field(default_factory=list)
    s1: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """Another inner address, and when it was usable, in seconds of the wall clock."""

    address: str
    began_at: float
    usable_at: float


class Course:
    """The lab, with the bare listener on the HeNB and a sink beside the HeMS."""

    def __init__(self, lab: Lab, undo: ExitStack) -> None:
        self.times = Times()
        self._lab = lab
        self._pools = itertools.cycle(range(1, 250))
        tls = lab.options.tls is not None
        self._wanted = in_tls if tls else in_the_clear
        with lab.net.core.inside():
            self._tap = Tap("core0")
            undo.callback(self._tap.close)
            sink = Sink(str(topology.HEMS), SINK_PORT, _server_context(lab) if tls else None)
            undo.callback(sink.close)
        authority = ("--ca-file", str(lab.pki.tls_ca.certificate)) if tls else ()
        self._bare = lab.net.henb.start(
            *(sys.executable, "-m", "tests.bench.bare_listener", str(lab.charon.vici.path)),
            *(str(topology.HEMS), str(SINK_PORT), *authority),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def try_henbd(self) -> None:
        """Have henbd tell the HeMS of another address."""
        change, s1_at = self._told()
        self.times.own.append((change.usable_at - change.began_at) * 1000)
        self.times.inform.append(self._sent_ms(change, HEMS_PORT))
        self.times.s1.append((s1_at - change.usable_at) * 1000)

    def try_henbd_while_the_hems_hangs(self) -> None:
        """Have the HeMS take an Inform and say nothing; then henbd has to tell of another."""
        self._lab.calm(CALM_S)
        self._lab.hems.play([on_inform(Hang())])
        since = time.monotonic()
        self._grant_another()
        self._lab.reauthenticate()
        self._lab.log.wait("hang", 20, since=since)
        change, _ = self._told()
        self.times.hung.append(self._sent_ms(change, HEMS_PORT))

    def try_bare(self) -> None:
        """Have the bare listener send its bytes; henbd tells of the address afterwards."""
        self._lab.calm(CALM_S)
        self._lab.henbd.send(signal.SIGSTOP)
        try:
            change = self._change("send")
        finally:
            self._lab.henbd.send(signal.SIGCONT)
        self._see_told(change)
        self.times.bare.append(self._sent_ms(change, SINK_PORT))

    def _grant_another(self) -> str:
        pool = next(self._pools)
        self._lab.gateway.use_pool(f"10.99.{pool}.0/24")
        return f"10.99.{pool}.1"

    def _told(self) -> tuple[Change, float]:
        """Have henbd tell of another address from rest; return that, and when S1 was up from it."""
        self._lab.calm(CALM_S)
        change = self._change("note")
        return change, self._see_told(change)

    def _change(self, what: str) -> Change:
        """Have charon get another address, and the bare listener do that about it."""
        address = self._grant_another()
        assert self._bare.stdin is not None
        assert self._bare.stdout is not None
        self._bare.stdin.write(f"{what} {address}\n")
        self._bare.stdin.flush()
        assert self._bare.stdout.readline() == "ready\n", "the bare listener has failed"
        time.sleep(CALM_S)
        self._tap.segments()
        began_at = time.time()
        self._lab.reauthenticate()
        return Change(address, began_at, float(self._bare.stdout.readline()))

    def _sent_ms(self, change: Change, port: int) -> float:
        """Return after what time the first byte that is looked for went out to a port."""
        sent_at = self._tap.first(change.address, port, self._wanted)
        assert sent_at is not None, "the tap is blind"
        return (sent_at - change.usable_at) * 1000

    def _see_told(self, change: Change) -> float:
        """Wait for the Inform of an address and for S1 from there; return when S1 was up."""
        offset = time.time() - time.monotonic()
        log, since = self._lab.log, change.began_at - offset
        log.wait(
            "Inform",
            30,
            since=since,
            where=lambda e: e.facts["parameters"].get(INNER_ADDRESS) == change.address,
        )
        return log.wait("S1SetupResponse", 30, since=since).at + offset


@contextmanager
def course(tls: str | None = None) -> Iterator[Course]:
    """Give a lab with a HeNB that is registered, and all that is needed to take its time."""
    with Lab(Options(tls=tls)) as lab, ExitStack() as undo:
        lab.register()
        made = Course(lab, undo)
        yield made
        faults = lab.complaints()
        assert not faults, "\n".join(faults)


def figures(trials: int) -> Iterator[Figure]:
    """Take the times by HTTP, with a HeMS that hangs, and by HTTPS."""
    with course() as there:
        for _ in range(trials):
            there.try_henbd()
            there.try_bare()
            there.try_henbd_while_the_hems_hangs()
        yield from _by_http(there.times)
    with course(tls="hems") as there:
        for _ in range(trials):
            there.try_henbd()
            there.try_bare()
        goal = Goal(Against.RATIO, 1.5, 2)
        limit = (f"{LISTENER}, by ssl", there.times.bare)
        yield Figure("new inner address → Inform, HTTPS", "ms", there.times.inform, *limit, goal)


def _by_http(times: Times) -> Iterator[Figure]:
    goal = Goal(Against.RATIO, 4, 6)
    name = "new inner address → Inform, HTTP"
    yield Figure(name, "ms", times.inform, LISTENER, times.bare, goal)
    name = "the same while the HeMS owes us an answer"
    limit = ("that figure", times.inform)
    yield Figure(name, "ms", times.hung, *limit, Goal(Against.RATIO, 1.2))
    for name, taken, most in (
        ("reauthentication → Inform", times.inform, 5),
        ("reauthentication → S1 Setup answered", times.s1, 50),
    ):
        whole = [own + rest for own, rest in zip(times.own, taken, strict=True)]
        yield Figure(name, "ms", whole, OWN_TIME, times.own, Goal(Against.DIFFERENCE, most))


def _server_context(lab: Lab) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(lab.pki.hems.certificate, lab.pki.hems.key)
    return context
