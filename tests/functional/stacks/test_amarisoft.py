"""The adapter of Amarisoft's lteenb, with its file and its remote API, against a stand-in."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from henbd.actions import Tell
from henbd.system.s1ap import amarisoft_text
from henbd.system.s1ap.configured import ConfiguredAdapter
from henbd.system.s1ap.marked_file import MarkedFile
from henbd.system.s1ap.remote import RemoteRunner
from henbd.system.s1ap.runner import ChildRunner, Runner, Watch
from henbd.values import Peer, PeerState, Stack, Unknown
from tests.functional.loop import LIMIT_S, Loop
from tests.functional.stacks.native_stack import LINK, MME

# To begin takes it an interpreter of its own.
PROGRAMS_S = 6 * LIMIT_S

HERE = replace(LINK, local=ip_address("127.99.0.1"), may_transmit=True)
MOVED = replace(HERE, local=ip_address("127.99.0.7"))


class Box:
    """A box with a stand-in that only says that it has S1, and the adapter."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.loop = Loop()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.file = folder / "enb.cfg"
        com_addr = f'  com_addr: "127.0.0.1:{self.port}",\n'
        self.file.write_text(f'{{\n{com_addr}  mme_list: [],\n  gtp_addr: "1", // x\n}}\n')
        self.command = (
            *(sys.executable, "-m", "tests.lab.amarisoft", "--no-s1", *words, str(self.file)),
        )
        self.adapter = ConfiguredAdapter(
            amarisoft_text.AMARISOFT,
            MarkedFile(str(self.file), amarisoft_text.rewrite, "//"),
            self._runner,
            self.loop.clock,
            lambda: None,
        )

    def _runner(self, watch: Watch) -> Runner:
        doorbell, clock = self.loop.doorbell, self.loop.clock

        def child(inner: Watch) -> Runner:
            return ChildRunner(self.command, doorbell, clock, inner)

        return RemoteRunner(self.port, child, doorbell, clock, watch)

    def until(self, seen: Callable[[Stack | Unknown], object]) -> Stack | Unknown:
        def so() -> bool:
            self.adapter.tick(self.loop.clock())
            return bool(seen(self.adapter.observe()))

        self.loop.turn_until(so, PROGRAMS_S)
        return self.adapter.observe()

    def until_up(self) -> Stack:
        """Turn until S1 is up, by its word."""
        seen = self.until(lambda s: isinstance(s, Stack) and s.peers and up(s))
        assert isinstance(seen, Stack)
        return seen


def up(stack: Stack) -> bool:
    return all(peer.state is PeerState.UP for peer in stack.peers)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    made.adapter.close()


def test_it_is_told_by_its_file_and_asked_by_its_api(box: Box) -> None:
    box.until(lambda s: isinstance(s, Stack))
    box.adapter.perform(Tell(HERE))
    seen = box.until_up()
    assert seen.peers == (Peer(MME, PeerState.UP, HERE.local),)
    text = box.file.read_text()
    assert 'mme_list: [{ mme_addr: "10.30.0.2", s1ap_bind_addr: "127.99.0.1" }],\n' in text
    assert 'gtp_addr: "127.99.0.1", // x\n' in text
    box.adapter.perform(Tell(MOVED))
    assert box.until_up().peers[0].local == MOVED.local
    box.adapter.perform(Tell(None))
    box.until(lambda s: isinstance(s, Stack) and s.acknowledged and not s.transmitting)


def test_an_api_that_falls_silent_leaves_it_unknown_how_s1_is(tmp_path: Path) -> None:
    box = Box(tmp_path, "--mute")
    try:
        box.until(lambda s: isinstance(s, Stack))
        box.adapter.perform(Tell(HERE))
        seen = box.until(lambda s: isinstance(s, Stack) and s.acknowledged and s.peers)
        assert isinstance(seen, Stack)
        assert seen.peers[0].state is PeerState.CONNECTING
        box.loop.ahead_s += 61
        silent = Unknown("lteenb: its remote API does not answer")
        assert box.until(lambda s: isinstance(s, Unknown)) == silent
    finally:
        box.adapter.close()
