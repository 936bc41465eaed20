"""The reference S1AP stack between a scripted henbd and MMEs: what tests of the two need."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab import gtpu
from tests.lab.events import PATIENCE, Log
from tests.lab.mme import Mme
from tests.lab.scripted_henbd import Json, ScriptedHenbd, config, link
from tests.lab.wire import HENB, MME, MME_6, OTHER_MME, SGW, Wire

_ROOT = Path(__file__).parents[2]

SOON_S = 5.0
# What "at once" may take: a few milliseconds, and the machine's own troubles.
AT_ONCE_S = 1.0 * PATIENCE
RETRY_S = 0.5 * PATIENCE
ANSWER_S = 0.5 * PATIENCE


@dataclass
class Bench:
    """henbd, and the MMEs, as a stack sees them; `stack` starts one."""

    cable: Wire
    log: Log
    mme: Mme
    henbd: ScriptedHenbd
    socket: Path
    stacks: list[subprocess.Popen[Any]] = field(default_factory=list)
    ending: list[Callable[[], None]] = field(default_factory=list)

    def stack(self, *options: str) -> subprocess.Popen[Any]:
        """Start a stack; the last one of an option counts."""
        child = self.cable.henb.start(
            *(sys.executable, "-m", "tests.lab.enb", "--socket", str(self.socket)),
            *("--retry-s", str(RETRY_S), "--answer-s", str(ANSWER_S), *options),
            cwd=_ROOT,
        )
        self.stacks.append(child)
        return child

    def other_mme(self) -> Mme:
        """Give a second MME, at OTHER_MME."""
        with self.cable.core.inside():
            made = Mme(self.log, OTHER_MME, name="MME-2")
        self.ending.append(made.close)
        return made

    def mme_6(self) -> Mme:
        """Give an MME at MME_6."""
        with self.cable.core.inside():
            made = Mme(self.log, MME_6)
        self.ending.append(made.close)
        return made

    def sgw(self) -> gtpu.Sgw:
        """Give an S-GW at SGW."""
        with self.cable.core.inside():
            made = gtpu.Sgw(self.log, SGW)
        self.ending.append(made.close)
        return made

    def tell(self, generation: int, wanted: Json | None) -> float:
        """Send a config and wait for its ack; return when it was sent."""
        sent_at = self.henbd.send(config(generation, wanted))
        assert self.henbd.expect("ack") == {"type": "ack", "generation": generation}
        return sent_at

    def bring_up(self, wanted: Json | None = None, *options: str) -> subprocess.Popen[Any]:
        """Start a stack, give it generation 1, and wait until S1 is up with every peer."""
        child = self.stack(*options)
        self.henbd.accept()
        assert self.henbd.expect("hello")["generation"] == 0
        self.tell(1, wanted or link(HENB, MME))
        self.wait_state("up")
        return child

    def wait_state(self, *states: str, timeout_s: float = SOON_S) -> Json:
        """Return the next status in which the peers have these states."""
        return self.henbd.expect("status", lambda s: peer_states(s) == list(states), timeout_s)

    def setups(self) -> list[tuple[str, float]]:
        """Return the source addresses and times of all S1 Setups so far."""
        return [(str(e.facts["peer"]), e.at) for e in self.log.events("S1SetupRequest")]


def peer_states(status: Json) -> list[str]:
    """Return the states of the peers of a status."""
    return [peer["state"] for peer in status["peers"]]


@contextmanager
def bench(cable: Wire, folder: Path) -> Iterator[Bench]:
    """Give a bench with one MME; at the end nobody has broken a rule of S1AP, and all is gone."""
    log = Log()
    with cable.core.inside():
        mme = Mme(log, MME)
    socket = folder / "s1.sock"
    made = Bench(cable, log, mme, ScriptedHenbd(socket), socket)
    try:
        yield made
    finally:
        for child in made.stacks:
            child.kill()
            child.wait()
        made.henbd.close()
        for end in [*made.ending, mme.close]:
            end()
    assert mme.violations == []
