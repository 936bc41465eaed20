"""The adapter of srsenb: its file, its life as our child or as a service, and its word on S1."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from henbd.actions import Tell
from henbd.system.s1ap import srsenb_text
from henbd.system.s1ap.configured import READING, ConfiguredAdapter
from henbd.system.s1ap.marked_file import MarkedFile
from henbd.system.s1ap.runner import ChildRunner, Runner, Watch
from henbd.system.s1ap.service import ServiceRunner, systemd
from henbd.values import Peer, PeerState, S1Link, Stack, Unknown
from tests.functional.loop import LIMIT_S, Loop
from tests.functional.stacks.native_stack import LINK, MME
from tests.lab import stand_in_systemd as stand_in

# Several programs are run one after the other, each an interpreter of its own.
PROGRAMS_S = 6 * LIMIT_S

# Any address of the loopback network can be bound to.
HERE = replace(LINK, local=ip_address("127.99.0.1"), may_transmit=True)
MOVED = replace(HERE, local=ip_address("127.99.0.7"))

FILE = "[enb]\nenb_id = 0x19B\nmme_addr = 127.0.1.100 # the core\n[log]\nfilename = stdout\n"

# It says what the file `says` says, and stops a while after it was asked to.
PROGRAM = """#!/bin/sh
cd {folder} || exit 1
echo "$$ $(grep s1c_bind_addr enb.conf)" >>starts
trap 'sleep 0.2; kill -9 $$' TERM
[ -f says ] && cat says
while :; do sleep 0.05; done
"""
UP = "S1Setup procedure completed successfully"


class Box:
    """A box with a srsenb that is as it is told to be, and the adapter."""

    def __init__(self, folder: Path, manager: str) -> None:
        self.folder = folder
        self.manager = manager
        self.loop = Loop()
        self.rings = 0
        self._known = 0
        self.file = folder / "enb.conf"
        self.file.write_text(FILE)
        self.file.chmod(0o640)
        self.program = folder / "srsenb"
        self.program.write_text(PROGRAM.format(folder=folder))
        self.program.chmod(0o755)
        (folder / "command").write_text(json.dumps([str(self.program)]))
        for name in ("systemctl", "journalctl"):
            shutil.copy(stand_in.__file__, folder / name)
            (folder / name).chmod(0o755)
        self.adapter = self.another()

    def another(self) -> ConfiguredAdapter:
        file = MarkedFile(str(self.file), srsenb_text.rewrite, "#")
        return ConfiguredAdapter(
            srsenb_text.SRSENB, file, self._runner, self.loop.clock, self._rung
        )

    def _runner(self, watch: Watch) -> Runner:
        doorbell, clock = self.loop.doorbell, self.loop.clock
        if self.manager == "child":
            return ChildRunner((str(self.program),), doorbell, clock, watch)
        known = systemd("enb")

        def here(command: tuple[str, ...]) -> tuple[str, ...]:
            return (str(self.folder / command[0]), *command[1:])

        follow = known.log
        assert follow is not None
        manager = replace(
            known,
            start=here(known.start),
            stop=here(known.stop),
            look=here(known.look),
            log=lambda run: here(follow(run)),
        )
        return ServiceRunner(manager, doorbell, clock, watch)

    def _rung(self) -> None:
        self.rings += 1

    def say(self, text: str) -> None:
        """Have it say this when it is started."""
        (self.folder / "says").write_text(text + "\n")

    def until(self, seen: Callable[[Stack], object]) -> Stack:
        """Turn until a stack is seen of which that is so."""

        def so() -> bool:
            self.adapter.tick(self.loop.clock())
            found = self.adapter.observe()
            return isinstance(found, Stack) and bool(seen(found))

        self.loop.turn_until(so, PROGRAMS_S)
        found = self.adapter.observe()
        assert isinstance(found, Stack)
        return found

    def found(self) -> Stack:
        """Turn until it was looked for."""
        return self.until(bool)

    def running(self) -> Stack:
        """Turn until it runs, and has begun its work."""
        seen = self.until(lambda s: s.transmitting and len(self.starts) > self._known)
        self._known = len(self.starts)
        return seen

    def tell(self, link: S1Link | None) -> Stack:
        """Tell it a link, and wait until it works by that."""
        self.adapter.perform(Tell(link))
        return self.until(lambda s: s.acknowledged and s.told == link)

    @property
    def starts(self) -> list[str]:
        file = self.folder / "starts"
        return file.read_text().splitlines() if file.exists() else []

    def kill_all(self) -> None:
        for line in self.starts:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(line.split()[0]), signal.SIGKILL)


@pytest.fixture(params=["child", "systemd"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path, request.param)
    yield made
    made.adapter.close()
    made.kill_all()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path, "systemd")
    yield made
    made.adapter.close()
    made.kill_all()


def states(stack: Stack) -> list[PeerState]:
    return [peer.state for peer in stack.peers]


def test_it_is_started_when_it_is_told_and_not_before(box: Box) -> None:
    box.say(UP)
    found = box.found()
    assert found == Stack("srsenb", None, 0, True, (), False, ())
    assert box.starts == []
    box.tell(HERE)
    seen = box.until(lambda s: states(s) == [PeerState.UP])
    assert seen.peers == (Peer(MME, PeerState.UP, HERE.local),)
    assert (seen.generation, seen.transmitting) == (1, True)
    text = box.file.read_text()
    assert "mme_addr = 10.30.0.2 # the core\n" in text
    assert "gtp_bind_addr = 127.99.0.1\n" in text
    assert box.file.stat().st_mode & 0o777 == 0o640


def test_it_moves_by_being_stopped_rewritten_and_started(box: Box) -> None:
    box.say(UP)
    box.found()
    box.tell(HERE)
    box.until(lambda s: states(s) == [PeerState.UP])
    box.adapter.perform(Tell(MOVED))
    seen = box.adapter.observe()
    assert isinstance(seen, Stack)
    assert (seen.told, seen.acknowledged, seen.peers) == (MOVED, False, ())
    assert "127.99.0.1" in box.file.read_text(), "the old one still runs"
    seen = box.until(lambda s: states(s) == [PeerState.UP])
    assert seen.peers[0].local == MOVED.local
    assert [line.split()[-1] for line in box.starts] == ["127.99.0.1", "127.99.0.7"]


def test_it_is_stopped_when_s1_is_to_be_down(box: Box) -> None:
    box.found()
    box.tell(HERE)
    box.running()
    seen = box.tell(None)
    assert (seen.peers, seen.transmitting) == ((), False)
    box.loop.settle()
    assert len(box.starts) == 1


def test_of_what_it_is_told_while_it_stops_the_last_counts(box: Box) -> None:
    box.found()
    box.tell(HERE)
    box.running()
    for link in (MOVED, None, HERE, MOVED):
        box.adapter.perform(Tell(link))
    box.until(lambda s: s.acknowledged)
    box.running()
    assert [line.split()[-1] for line in box.starts] == ["127.99.0.1", "127.99.0.7"]


def test_its_log_says_how_s1_is(box: Box) -> None:
    box.say("S1 Setup Failure. Cause: misc/unknown-PLMN")
    box.found()
    box.tell(HERE)
    seen = box.until(lambda s: states(s) == [PeerState.FAILED])
    assert seen.peers[0].cause == "stack/misc/unknown-PLMN"


def test_one_that_ends_is_started_again(box: Box) -> None:
    box.found()
    box.tell(HERE)
    box.running()
    box.kill_all()
    seen = box.until(lambda s: states(s) == [PeerState.DOWN])
    assert (seen.peers[0].cause, seen.transmitting) == ("stack/not-running", False)
    box.loop.ahead_s += 6
    box.running()


def test_it_is_not_started_before_its_address_is_there(box: Box) -> None:
    box.found()
    seen = box.tell(replace(HERE, local=ip_address("192.0.2.77")))
    assert seen.peers[0].cause == "stack/no-address"
    assert box.starts == []


def test_what_it_cannot_do_is_said_and_it_is_not_started(box: Box) -> None:
    box.found()
    seen = box.tell(replace(HERE, local=ip_address("::1")))
    assert (states(seen), box.starts) == ([PeerState.FAILED], [])
    assert seen.peers[0].cause == "stack/srsenb has S1 over IPv4 alone"


def test_a_child_ends_with_henbd_and_a_service_goes_on(box: Box) -> None:
    box.found()
    box.tell(HERE)
    box.running()
    box.adapter.close()
    box.loop.settle()
    process = Path(f"/proc/{box.starts[0].split()[0]}")
    assert process.exists() is (box.manager == "systemd")


def test_one_that_does_not_end_is_killed(box: Box) -> None:
    box.program.write_text(PROGRAM.format(folder=box.folder).replace("sleep 0.2; kill -9 $$", ""))
    box.found()
    box.tell(HERE)
    box.running()
    box.adapter.perform(Tell(None))
    box.loop.settle()
    box.loop.ahead_s += 11
    box.until(lambda s: s.acknowledged)


def test_a_restart_of_henbd_does_not_disturb_it(service: Box) -> None:
    service.say(UP)
    service.found()
    service.tell(HERE)
    before = service.until(lambda s: states(s) == [PeerState.UP])
    service.adapter.close()
    service.adapter = service.another()
    service.rings = 0
    service.loop.forward(service.adapter)
    service.loop.turn_until(lambda: service.rings, PROGRAMS_S)
    assert service.adapter.observe() == READING
    assert service.found().told == HERE
    assert service.adapter.observe() == before
    assert len(service.starts) == 1
    service.tell(MOVED)
    assert 'generation":2' in service.file.read_text()


def test_one_whose_log_does_not_tell_how_s1_is_is_started_anew(service: Box) -> None:
    service.found()
    service.tell(HERE)
    service.running()
    service.adapter.close()
    service.adapter = service.another()
    service.loop.forward(service.adapter)
    service.loop.turn_until(lambda: service.adapter.observe() == READING, PROGRAMS_S)
    service.say(UP)
    service.loop.ahead_s += 9
    service.running()
    assert service.until(lambda s: states(s) == [PeerState.UP]).told == HERE


def test_one_whose_file_somebody_has_changed_is_stopped(service: Box) -> None:
    service.found()
    service.tell(HERE)
    service.running()
    service.adapter.close()
    service.file.write_text(service.file.read_text().replace("= 10.30.0.2", "= 10.30.0.66"))
    service.adapter = service.another()
    seen = service.until(lambda s: s.acknowledged)
    assert (seen.told, seen.transmitting) == (None, False)
    assert stand_in_run(service) == 0


def stand_in_run(box: Box) -> int:
    """Return the process of the service, 0 where it does not run."""
    running = box.folder / "running"
    return json.loads(running.read_text())[0] if running.exists() else 0


def test_a_manager_that_refuses_is_named_and_asked_again(service: Box) -> None:
    systemctl = service.folder / "systemctl"
    right = systemctl.read_text()
    systemctl.write_text("#!/bin/sh\necho 'Access denied' >&2\nexit 4\n")
    service.loop.forward(service.adapter)
    service.loop.turn_until(lambda: service.rings, PROGRAMS_S)
    seen = service.adapter.observe()
    assert isinstance(seen, Unknown)
    assert "Access denied" in seen.reason
    systemctl.write_text(right)
    service.loop.ahead_s += 6
    service.until(lambda s: s.told is None)


def test_a_file_that_is_not_there_is_named(box: Box) -> None:
    box.file.unlink()
    box.loop.forward(box.adapter)
    box.loop.turn_until(lambda: box.rings)
    seen = box.adapter.observe()
    assert seen == Unknown(f"srsenb: {box.file}: No such file or directory")
