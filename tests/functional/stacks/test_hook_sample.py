"""The sample of a hook: it rewrites OpenAirInterface's configuration, and tells how S1 is."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

import henbd
from henbd.system.s1ap.hook_messages import read_acknowledged, read_status, wanted
from henbd.values import FarEnd, PeerState, S1Link
from tests.functional.stacks.native_stack import LINK

SAMPLE = Path(henbd.__file__).parent / "system/s1ap/samples/openairinterface"
BOTH = replace(LINK, peers=(*LINK.peers, FarEnd(ip_address("10.30.0.9"), 36413)))

CONFIGURATION = """\
eNBs =
({
    tracking_area_code = 1; // ours
    ////////// MME parameters:
    mme_ip_address      = ( { ipv4       = "127.0.0.3";
                              port       = 36412 ;
                            }
                          );
    NETWORK_INTERFACES :
    {
        ENB_INTERFACE_NAME_FOR_S1_MME            = "lo";
        ENB_IPV4_ADDRESS_FOR_S1_MME              = "127.0.0.2/24";
        ENB_IPV4_ADDRESS_FOR_S1U                 = "127.0.0.5/24";
        ENB_PORT_FOR_S1U                         = 2152; # Spec 2152
        ENB_IPV4_ADDRESS_FOR_X2C                 = "127.0.0.2/24";
    };
});
"""


REWRITTEN = """\
    mme_ip_address      = ( { ipv4 = "10.30.0.2"; ipv6 = "::"; port = 36412; \
active = "yes"; preference = "ipv4"; } );
        ENB_IPV4_ADDRESS_FOR_S1_MME              = "10.99.0.1/32";
        ENB_IPV4_ADDRESS_FOR_S1U                 = "10.99.0.1/32";
"""

NUMBERS = itertools.count()


class Box:
    """A box with a softmodem that does nothing, and the hook for it in one shell or another."""

    def __init__(self, folder: Path, shell: tuple[str, ...]) -> None:
        self.shell = shell
        self.configuration = folder / "enb.conf"
        self.configuration.write_text(CONFIGURATION)
        self.configuration.chmod(0o640)
        self.log = folder / "softmodem.log"
        self.starts = folder / "starts"
        # By this name `pidof` finds it, and no other box's.
        self.program = folder / f"lte{os.getpid()}{next(NUMBERS)}"
        shutil.copy(shutil.which("sleep") or "/bin/sleep", self.program)
        # Whoever started it sees it end: `pidof` may know it until then.
        end = f"[ ! -f {folder}/pid ] || kill $(cat {folder}/pid); rm -f {folder}/pid"
        gone = f"while pidof {self.program.name} >/dev/null; do sleep 0.01; done"
        start = f"({self.program} 600 & echo $! >{folder}/pid; wait) >/dev/null 2>&1 &"
        begun = f"while [ ! -s {folder}/pid ]; do sleep 0.01; done; echo >>{self.starts}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "CONFIGURATION": str(self.configuration),
            "LOG": str(self.log),
            "STATE": str(folder / "state.json"),
            "PROGRAM": self.program.name,
            "START": f"{end}; {gone}; {start} {begun}",
            "STOP": f"{end}; {gone}",
        }

    def run(self, verb: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run the hook."""
        return subprocess.run(
            (*self.shell, str(SAMPLE), verb),
            env=self.environment,
            input=given,
            capture_output=True,
            timeout=30,
            check=False,
        )

    def tell(self, generation: int, link: S1Link | None) -> None:
        """Have it apply a link, or quiesce, which it acknowledges."""
        verb = "quiesce" if link is None else "apply"
        done = self.run(verb, wanted(generation, link))
        assert (done.returncode, done.stderr) == (0, b""), done
        assert read_acknowledged(done.stdout) == generation

    def states(self) -> list[PeerState]:
        return [peer.state for peer in read_status(self.run("status").stdout).peers]


SHELLS = {"dash": ("dash",), "busybox": ("busybox", "sh")}


@pytest.fixture(params=SHELLS)
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Box]:
    if shutil.which(SHELLS[request.param][0]) is None:
        pytest.skip("there is no such shell")
    made = Box(tmp_path, SHELLS[request.param])
    yield made
    made.run("quiesce", wanted(99, None))


def test_it_rewrites_addresses_and_nothing_else(box: Box) -> None:
    box.tell(1, LINK)
    first = box.configuration.read_text()
    changed = [line for line in first.splitlines() if line not in CONFIGURATION.splitlines()]
    assert changed == REWRITTEN.splitlines()
    assert len(first.splitlines()) == len(CONFIGURATION.splitlines()) - 3
    assert box.configuration.stat().st_mode & 0o777 == 0o640
    box.tell(2, BOTH)
    second = box.configuration.read_text()
    assert second.count("ipv4 = ") == 2
    assert 'ipv4 = "10.30.0.9"; ipv6 = "::"; port = 36413;' in second
    assert len(second.splitlines()) == len(first.splitlines())


def test_the_softmodem_is_restarted_when_something_has_changed(box: Box) -> None:
    for generation, link in enumerate((LINK, LINK, BOTH, None, BOTH), 1):
        box.tell(generation, link)
        status = read_status(box.run("status").stdout)
        assert (status.generation, status.link) == (generation, link)
        assert status.transmitting is (link is not None)
    assert len(box.starts.read_text()) == 3


def test_it_tells_how_s1_is_by_what_the_softmodem_said_last(box: Box) -> None:
    status = read_status(box.run("status").stdout)
    assert (status.generation, status.link, status.transmitting) == (0, None, False)
    box.tell(1, LINK)
    assert box.states() == [PeerState.CONNECTING]
    for line, state in (
        ("[S1AP] 1 eNB not associated with a MME, retrying in 10 seconds", PeerState.FAILED),
        ("Received S1AP_REGISTER_ENB_CNF: associated MME 1", PeerState.UP),
        ("Received S1AP_REGISTER_ENB_CNF: associated MME 0", PeerState.CONNECTING),
    ):
        with box.log.open("a") as log:
            log.write(f"x\n{line}\n")
        assert box.states() == [state]
    box.run("quiesce", wanted(2, None))
    assert box.states() == []


def test_what_it_cannot_do_is_refused_in_words(box: Box) -> None:
    done = box.run("apply", wanted(1, replace(LINK, local=ip_address("fd00:99::1"))))
    assert done.returncode == 1
    assert b"IPv4 alone" in done.stderr
    assert box.configuration.read_text() == CONFIGURATION
    assert read_status(box.run("status").stdout).generation == 0
    assert box.run("frobnicate").returncode == 2


def test_shellcheck_finds_nothing() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("there is no shellcheck")
    subprocess.run(["shellcheck", "-s", "dash", str(SAMPLE)], check=True)
