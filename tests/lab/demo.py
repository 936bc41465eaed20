"""`make demo`: both procedures of TS 32.593 in the lab, as a ladder, with a verdict on each step.

Ladder and verdicts are made of what HeMS, SeGW, MME and the captures saw, never of henbd's own
word. `make lab` (--keep) leaves everything up to look around in.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from tests.lab.charon import kernel_has_esp
from tests.lab.events import Event, Log
from tests.lab.keep import keep
from tests.lab.lab import INNER_ADDRESS, OP_STATE, Lab, Options, provisioning
from tests.lab.ladder import Ladder

STEP_S = 20.0
# When one step is missing, those after it are not waited for as long.
NO_HOPE_S = 0.2

NEW_POOL = ("10.99.1.0/24", "fd00:99:1::/64")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One step of a procedure: whether it was seen, and what was seen."""

    step: str
    name: str
    seen: bool
    text: str

    def __str__(self) -> str:
        mark = "ok" if self.seen else "MISSING"
        return f"  {self.step:<4} {self.name:<28} {mark:<8} {self.text}".rstrip()


class Story:
    """What is looked for in the log, one event after the other."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._since = time.monotonic()
        self._patience_s = STEP_S

    def find(self, kind: str, where: Callable[[Event], bool] = lambda _: True) -> Event | None:
        """Return the next event of a kind that there is, in time."""
        try:
            event = self._log.wait(kind, self._patience_s, since=self._since, where=where)
        except AssertionError:
            self._patience_s = NO_HOPE_S
            return None
        self._since = event.at
        return event


def main() -> int:
    """Run the demo; return 0 if each step was seen, nothing leaked and nobody complained."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the lab up afterwards")
    parser.add_argument("--psk", action="store_true", help="pre-shared key, not certificates")
    parser.add_argument("--https", action="store_true", help="the HeMS by HTTPS")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("the lab needs root: it makes network namespaces and runs strongSwan in them")
        return 1
    where = "in the kernel" if kernel_has_esp() else "in user space, for this kernel has none"
    print(f"HeNB – router – SeGW – core, strongSwan at both ends, ESP {where}", flush=True)
    with ExitStack() as undo:
        lab = undo.enter_context(
            Lab(Options(psk=arguments.psk, tls="hems" if arguments.https else None))
        )
        start = time.monotonic()
        ladder = Ladder(lab.log, start)
        undo.callback(ladder.close)
        verdicts = [
            ("5.1.3 registration with the Serving HeMS", list(registration(lab))),
            ("5.2.4 IPsec tunnel IP address change", list(address_change(lab))),
        ]
        lab.calm()
        complaints = lab.complaints()
        ladder.close()
        for title, steps in verdicts:
            print(f"\nTS 32.593 {title}", *steps, sep="\n")
        print(f"\n{wire(lab)}", *complaints, sep="\n", flush=True)
        good = all(verdict.seen for _, steps in verdicts for verdict in steps) and not complaints
        if not good:
            print("\nhenbd's log:", lab.henbd.text(), sep="\n")
        if arguments.keep:
            keep(lab)
    return 0 if good else 1


def registration(lab: Lab) -> Iterator[Verdict]:
    """Have the HeNB registered from the factory, and judge 5.1.3."""
    lab.log.add("", "", "step", "TS 32.593 5.1.3: the HeNB registers with the Serving HeMS")
    story = Story(lab.log)
    lab.hems.play([provisioning()])
    lab.start()
    inform = story.find("Inform")
    yield Verdict("1.1", "Inform", inform is not None, _inform(inform))
    response = story.find("InformResponse")
    yield Verdict("1.2", "InformResponse", response is not None, "")
    wanted = story.find("SetParameterValues")
    yield Verdict("2.1", "SetParameterValues", wanted is not None, "S1 far end, IPsec indicator")
    done = story.find("SetParameterValuesResponse")
    accepted = done is not None and done.facts["fault"] is None
    status = f"Status {done.facts['status']}" if accepted and done else ""
    yield Verdict("2.2", "SetParameterValuesResponse", accepted, status)
    end = story.find("session-end")
    yield Verdict("3", "session released", end is not None and end.facts["ok"], "")
    yield from _s1(story, "4")
    informed = story.find("Inform", lambda e: e.facts["parameters"][OP_STATE] == "true")
    yield Verdict("", "OpState informed", informed is not None, "true")


def address_change(lab: Lab) -> Iterator[Verdict]:
    """Have the gateway grant another inner address, and judge 5.2.4."""
    lab.calm()
    lab.log.add("", "", "step", "TS 32.593 5.2.4: the tunnel's inner address changes")
    story = Story(lab.log)
    start = time.monotonic()
    lab.gateway.use_pool(*NEW_POOL)
    for sa in lab.charon.vici.sas():
        lab.charon.vici.reauthenticate(sa.name)
    came = lab.addresses.wait(start, STEP_S)
    inform = story.find(
        "Inform", lambda e: e.facts["parameters"].get(INNER_ADDRESS) == str(came and came.address)
    )
    text = _inform(inform)
    if inform and came:
        text += f"; {(inform.facts['first_byte_at'] - came.at) * 1000:.1f} ms after the address"
    yield Verdict("1", "Inform", inform is not None, text)
    response = story.find("InformResponse")
    yield Verdict("2", "InformResponse", response is not None, "")
    yield from _s1(story, "")


def _inform(event: Event | None) -> str:
    if event is None:
        return ""
    codes = ", ".join(code for code, _ in event.facts["events"])
    inner = event.facts["parameters"].get(INNER_ADDRESS, "none")
    return f"{codes}; {event.facts['device_id']}; inner address {inner}"


def _s1(story: Story, step: str) -> Iterator[Verdict]:
    request = story.find("S1SetupRequest")
    text = f"from {request.facts['peer']}" if request else ""
    yield Verdict(step, "S1 Setup Request", request is not None, text)
    response = story.find("S1SetupResponse")
    text = response.text.removeprefix("S1 SETUP RESPONSE ") if response else ""
    yield Verdict("", "S1 Setup Response", response is not None, text)


def wire(lab: Lab) -> str:
    """Return what the captures on the HeNB's links have seen, in one line."""
    packets = sum(len(capture.packets()) for capture in lab.captures)
    leaks = len(lab.leaks())
    return f"on the wire: {packets} packets, {leaks} of S1, CWMP or anything inside in the clear"


if __name__ == "__main__":
    sys.exit(main())
