"""The shell around charon against a peer that answers late, wrong, in part or not at all."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vici.protocol import Message, Packet

from henbd.actions import Initiate, UnloadConnection
from henbd.system.vici_connection import ANSWER_WITHIN_S
from henbd.values import Charon, EspMode, Unknown
from tests.functional.charon.charon_loop import Loop
from tests.functional.charon.scripted_charon import SILENCE, ScriptedCharon, framed, item, response
from tests.lab.events import PATIENCE

AT_ONCE_S = 0.1 * PATIENCE

GOOD_SA = {"uniqueid": "1", "state": "ESTABLISHED", "remote-host": "10.20.0.2"}
LOADED = {
    "list-conns": response({}),
    "get-keys": response({"keys": []}),
    "get-shared": response({"keys": []}),
}
GOOD = LOADED | {"list-sas": item("list-sa", {"henbd-lab": GOOD_SA}) + response({})}
NONSENSE = LOADED | {"list-sas": item("list-sa", {"henbd-lab": {"uniqueid": "1"}}) + response({})}


@pytest.fixture
def path() -> Iterator[Path]:
    """A path that is short enough for a socket."""
    name = Path(f"/tmp/henbd-test-{os.getpid()}.vici")
    yield name
    name.unlink(missing_ok=True)


def test_initiation_waits_for_the_commands_before_it(path: Path) -> None:
    order = []

    def note(command: str) -> bytes:
        if command == "unload-conn":
            time.sleep(0.1)
        order.append(command)
        return response({"success": "yes"})

    with ScriptedCharon(path, note), Loop(path) as loop:
        loop.shell.perform(UnloadConnection("henbd-old"))
        loop.shell.perform(Initiate("henbd-lab", "net-1"))
        loop.run(lambda: loop.initiations)
    assert order == ["unload-conn", "initiate"]
    assert loop.initiations == [("henbd-lab", None)]


def test_initiation_that_ends_during_a_look_is_still_in_it(path: Path) -> None:
    """Its SA may be younger than the list."""

    def answer(command: str) -> bytes:
        if command == "list-sas":
            time.sleep(0.2)
        return response({})

    with ScriptedCharon(path, answer), Loop(path) as loop:
        loop.shell.perform(Initiate("henbd-lab", "net-1"))
        seen = loop.see(full=False)
        assert loop.initiations == [("henbd-lab", None)]
        assert seen.initiating
        assert not loop.see(full=False).initiating


def test_nonsense_is_unknown_and_passes(path: Path) -> None:
    answers = NONSENSE

    with ScriptedCharon(path, lambda command: answers[command]), Loop(path) as loop:
        seen = loop.look()
        assert seen == Unknown("charon is not understood: no value state came")
        answers = GOOD
        assert [sa.established for sa in loop.see().sas] == [True]


def test_what_nobody_waits_for_is_read_as_one(path: Path) -> None:
    """An audit of four answers is one wake-up more, and none where all is there already."""
    with ScriptedCharon(path, lambda command: GOOD[command]), Loop(path) as loop:
        loop.see()
        reads: list[Callable[[], None]] = [
            lambda: loop.shell.tick(time.monotonic()),
            loop.shell.hear,
        ]
        for read in reads:
            before = loop.looks
            loop.shell.look(full=True, at_leisure=True)
            wake_at = loop.shell.wake_at()
            assert wake_at is not None
            time.sleep(AT_ONCE_S)
            loop.doorbell.wait(time.monotonic())
            assert loop.looks == before
            assert wake_at < time.monotonic()
            read()
            assert loop.looks == before + 1
            assert isinstance(loop.shell.observe(), Charon)
        # From then on its bells are heard again.
        loop.see()


@pytest.mark.parametrize("question", GOOD)
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (response({"success": "no", "errmsg": "out of memory"}), "out of memory"),
        (framed(Packet.CMD_UNKNOWN), "not known to this charon"),
    ],
    ids=["refused", "not known"],
)
def test_refused_question_is_unknown_and_no_empty_list(
    path: Path, question: str, answer: bytes, why: str
) -> None:
    answers = GOOD | {question: answer}
    with ScriptedCharon(path, lambda command: answers[command]), Loop(path) as loop:
        assert loop.look() == Unknown(f"charon is not understood: {question}: {why}")
        answers = GOOD
        assert [sa.established for sa in loop.see().sas] == [True]


REKEYED = item("list-sa", {"henbd-lab": GOOD_SA | {"state": "REKEYED"}}) + response({})


@pytest.mark.parametrize("full", [False, True])
def test_torn_list_is_asked_for_again(path: Path, full: bool) -> None:
    lists = [GOOD["list-sas"], REKEYED]

    def answer(command: str) -> bytes:
        return lists.pop() if command == "list-sas" else GOOD[command]

    with ScriptedCharon(path, answer), Loop(path) as loop:
        assert [sa.established for sa in loop.see(full=full).sas] == [True]
    assert lists == []


def test_list_that_stays_torn_is_taken_in_the_end(path: Path) -> None:
    with ScriptedCharon(path, (GOOD | {"list-sas": REKEYED}).__getitem__), Loop(path) as loop:
        assert [sa.established for sa in loop.see().sas] == [False]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "it has ended"),
        (framed(Packet.CMD_RESPONSE, bytes([Message.SECTION_START])), "a damaged message came"),
        (struct.pack("!I", 2**31), "a message of 2147483648 bytes came"),
    ],
)
def test_connection_that_goes_wrong_is_left(path: Path, answer: bytes | None, reason: str) -> None:
    with ScriptedCharon(path, lambda _: answer), Loop(path) as loop:
        seen = loop.look(full=False)
        assert isinstance(seen, Unknown)
        assert reason in seen.reason
        # It is greeted again.
        rings = loop.rings
        loop.run(lambda: loop.rings > rings)


def test_answer_to_no_question_ends_the_connection(path: Path) -> None:
    with ScriptedCharon(path, lambda _: response({}) * 2), Loop(path) as loop:
        assert loop.see(full=False).sas == ()
        loop.run(lambda: loop.rings)
        seen = loop.look(full=False)
    assert isinstance(seen, Unknown)
    assert "an answer to no question came" in seen.reason


@pytest.mark.parametrize("answer", [SILENCE, GOOD["list-sas"][:-1]])
def test_answer_that_does_not_end_is_waited_for_until_the_deadline(
    path: Path, answer: bytes
) -> None:
    with ScriptedCharon(path, lambda _: answer), Loop(path) as loop:
        began = time.monotonic()
        seen = loop.look(full=False)
        waited = time.monotonic() - began
    assert loop.longest_turn_s < AT_ONCE_S
    assert isinstance(seen, Unknown)
    assert ANSWER_WITHIN_S - 0.1 < waited < ANSWER_WITHIN_S + 1


def test_charon_of_kernel_esp_is_told_apart(path: Path) -> None:
    with ScriptedCharon(path, GOOD.__getitem__), Loop(path) as loop:
        assert loop.see().mode is EspMode.POLICY
