"""The shell around a charon that is stopped, dies, comes again, is not there or talks nonsense."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from henbd.actions import Initiate
from henbd.system.vici_connection import ANSWER_WITHIN_S
from henbd.values import Unknown
from tests.functional.charon.charon_loop import Ground, Loop, child, connection
from tests.lab.events import PATIENCE
from tests.lab.topology import MME

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]

# No call of the shell may take longer: it waits for nobody.
AT_ONCE_S = 0.1 * PATIENCE
NOBODY = 65534


@pytest.fixture
def path() -> Iterator[Path]:
    """A path that is short enough for a socket."""
    name = Path(f"/tmp/henbd-test-{os.getpid()}.vici")
    yield name
    name.unlink(missing_ok=True)


@contextmanager
def limit(loop: Loop) -> Iterator[None]:
    """Hold that the shell never keeps the loop."""
    yield
    assert loop.longest_turn_s < AT_ONCE_S


def test_stopped_charon_is_unknown_and_holds_up_nobody(here: Ground) -> None:
    loop = here.loop
    loop.bring_up(connection(here.credentials, child("net-1", f"{MME}/32")))
    here.charon.pause()
    with limit(loop):
        began = time.monotonic()
        seen = loop.look(full=False)
        assert time.monotonic() - began < ANSWER_WITHIN_S + 1
        assert isinstance(seen, Unknown)
        assert "is silent" in seen.reason
        # Nor do the looks after that take so long.
        for _ in range(3):
            began = time.monotonic()
            assert loop.look() == seen
            assert time.monotonic() - began < AT_ONCE_S
        loop.idle(1.0)
        rings = loop.rings
        here.charon.resume()
        loop.run(lambda: loop.rings > rings)
        assert [sa.established for sa in loop.see().sas] == [True]


def test_initiation_of_a_stopped_charon_ends_when_it_goes_on(here: Ground) -> None:
    loop = here.loop
    wanted = connection(here.credentials, child("net-1", f"{MME}/32"))
    loop.load(wanted)
    loop.see()
    here.charon.pause()
    with limit(loop):
        loop.shell.perform(Initiate(wanted.name, "net-1"))
        assert isinstance(loop.look(), Unknown)
        assert loop.initiations == []
        here.charon.resume()
        loop.run(lambda: loop.initiations)
    assert loop.initiations == [(wanted.name, None)]


def test_killed_charon_is_noticed_at_once_and_found_again(here: Ground) -> None:
    loop = here.loop
    wanted = connection(here.credentials, child("net-1", f"{MME}/32"))
    loop.bring_up(wanted)
    loop.idle(0.1)
    rings = loop.rings
    here.charon.kill()
    loop.run(lambda: loop.rings > rings, within_s=1)
    began = time.monotonic()
    seen = loop.look()
    assert time.monotonic() - began < AT_ONCE_S
    assert isinstance(seen, Unknown)
    assert "it has ended" in seen.reason

    rings = loop.rings
    here.charon.start()
    loop.run(lambda: loop.rings > rings)
    again = loop.see()
    assert again.sas == ()
    assert loop.loaded().connections == {}
    assert loop.bring_up(wanted).established


def test_death_ends_an_initiation_with_an_error(here: Ground) -> None:
    loop = here.loop
    wanted = connection(here.credentials, child("net-1", f"{MME}/32"))
    here.lab.cut("segw")
    loop.load(wanted)
    loop.shell.perform(Initiate(wanted.name, "net-1"))
    loop.await_connecting()
    here.charon.kill()
    loop.run(lambda: loop.initiations, within_s=1)
    ((name, error),) = loop.initiations
    assert name == wanted.name
    assert error is not None
    assert "has ended" in error


def test_death_ends_a_look_once(here: Ground) -> None:
    loop = here.loop
    loop.see()
    here.charon.pause()
    loop.shell.look(full=True)
    here.charon.kill()
    loop.run(lambda: isinstance(loop.shell.observe(), Unknown), within_s=1)
    loop.idle(0.2)
    assert loop.looks == 2


def test_charon_that_is_not_there_yet_is_found(here: Ground) -> None:
    path = here.charon.vici.path
    here.charon.stop()
    path.unlink(missing_ok=True)
    with Loop(path) as loop:
        assert loop.look() == Unknown(f"charon does not answer ({path}: no such file or directory)")
        assert loop.rings == 0
        here.charon.start()
        loop.run(lambda: loop.rings)
        assert loop.see().sas == ()


def test_pause_between_attempts_grows_to_five_seconds(path: Path) -> None:
    with Loop(path) as loop:
        loop.look()
        pauses = []
        for _ in range(6):
            at = loop.shell.wake_at()
            assert at is not None
            pauses.append(at)
            loop.shell.tick(at)
            again = loop.shell.wake_at()
            assert again is not None
            pauses[-1] = again - time.monotonic()
    assert pauses == pytest.approx([1, 2, 4, 5, 5, 5], abs=0.1)


def test_socket_that_nobody_listens_on_is_plainly_said(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))
    with Loop(path) as loop:
        assert loop.look() == Unknown(f"charon does not answer ({path}: connection refused)")


def test_missing_permission_is_plainly_said(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, Loop(path) as loop:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
        os.seteuid(NOBODY)
        try:
            seen = loop.look()
        finally:
            os.seteuid(0)
    assert seen == Unknown(f"charon does not answer ({path}: permission denied)")


def test_mute_charon_is_tried_again_in_silence(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, Loop(path) as loop, limit(loop):
        listener.bind(str(path))
        listener.listen()
        seen = loop.look(full=False)
        loop.idle(ANSWER_WITHIN_S + 1)
        assert loop.look(full=False) == seen
        assert (loop.looks, loop.rings) == (2, 0)


def test_full_queue_of_a_stopped_charon_holds_up_nobody(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, Loop(path) as loop, limit(loop):
        listener.bind(str(path))
        listener.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(str(path))
            assert loop.look() == Unknown(
                f"charon does not answer ({path}: it takes no connections)"
            )
            loop.shell.perform(Initiate("henbd-lab", "net-1"))
            loop.run(lambda: loop.initiations, within_s=1)
    ((_, error),) = loop.initiations
    assert error is not None
    assert "takes no connections" in error
