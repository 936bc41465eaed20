"""The adapter of the native protocol on a real socket, with stacks that behave and that do not."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

import henbd
from henbd.actions import Tell
from henbd.control.wording import worded
from henbd.system.s1ap.json_object import JsonObject
from henbd.system.s1ap.native import NOBODY, SILENT
from henbd.system.s1ap.wire import read_link
from henbd.values import Peer, PeerState, Stack
from tests.functional.loop import LIMIT_S
from tests.functional.stacks.native_stack import LINK, MME, Native

PROTOCOL = Path(henbd.__file__).parent / "system/s1ap/PROTOCOL.md"

UP = {
    "address": "10.30.0.2",
    "port": 36412,
    "state": "up",
    "local": "10.99.0.1",
    "cause": None,
    "time_to_wait_s": None,
    "mme_name": "mme",
}


@pytest.fixture
def native(tmp_path: Path) -> Iterator[Native]:
    fixture = Native(tmp_path)
    yield fixture
    fixture.close()


def test_the_conversation_of_the_protocol(native: Native) -> None:
    assert native.adapter.observe() == NOBODY
    stack = native.stack()
    stack.hello()
    native.loop.turn_until(lambda: native.rings == 1)
    assert native.seen() == Stack("fake", None, 0, True, (), False, ())

    native.adapter.perform(Tell(LINK))
    assert (native.seen().told, native.seen().acknowledged) == (LINK, False)
    config = stack.hear()
    assert (config["type"], config["generation"]) == ("config", 1)

    stack.say(type="ack", generation=1)
    native.loop.turn_until(lambda: native.rings == 2)
    assert native.seen().acknowledged
    stack.status(1, UP)
    native.loop.turn_until(lambda: native.rings == 3)
    assert native.seen().peers == (Peer(MME, PeerState.UP, LINK.local, mme_name="mme"),)
    assert native.seen().user_plane_peers == (IPv4Address("10.30.0.4"),)

    stack.status(1, UP)
    stack.say(type="ping")
    assert stack.hear() == {"type": "pong"}
    assert native.rings == 3, "nothing has changed"

    native.adapter.perform(Tell(None))
    assert stack.hear() == {"type": "config", "generation": 2, "link": None}
    stack.close()
    native.loop.turn_until(lambda: native.rings == 4)
    assert native.adapter.observe() == NOBODY


def test_a_stack_goes_on_over_a_restart_of_henbd(native: Native) -> None:
    stack = native.stack()
    stack.hello()
    native.loop.turn_until(lambda: native.rings)
    native.adapter.perform(Tell(LINK))
    echo = stack.hear()["link"]
    native.adapter.close()
    assert stack.hear() == {}

    native.adapter, native.rings = native.another(), 0
    stack = native.stack()
    stack.hello(1, echo)
    native.loop.settle()
    assert native.adapter.observe() == SILENT, "how S1 is has not been said yet"
    stack.status(1, UP)
    native.loop.turn_until(lambda: native.rings == 2)
    assert (native.seen().told, native.seen().acknowledged) == (LINK, True)
    native.adapter.perform(Tell(LINK))
    assert stack.hear()["generation"] == 2
    assert native.adapter.wake_at() is None


def test_a_stack_that_does_not_say_how_s1_is_is_taken_at_its_word(native: Native) -> None:
    first = native.stack()
    first.hello()
    native.loop.turn_until(lambda: native.rings)
    native.adapter.perform(Tell(LINK))
    echo = first.hear()["link"]
    first.close()
    native.loop.turn_until(lambda: native.adapter.observe() == NOBODY)
    native.stack().hello(1, echo)
    native.loop.turn_until(lambda: native.adapter.observe() == SILENT)
    native.loop.forward(native.adapter)
    assert native.seen() == Stack("fake", LINK, 1, True, (), False, ())


def test_a_connection_that_says_nothing_does_not_keep_the_place(native: Native) -> None:
    mute = native.stack()
    native.loop.turn_until(lambda: native.adapter.wake_at() is not None)
    native.loop.forward(native.adapter)
    assert mute.hear() == {"type": "error", "text": "no hello within 5 s"}
    assert mute.hear() == {}
    native.stack().hello()
    native.loop.turn_until(lambda: isinstance(native.adapter.observe(), Stack))


def test_a_second_stack_is_turned_away(native: Native) -> None:
    first, second = native.stack(), native.stack()
    first.hello()
    native.loop.turn_until(lambda: native.rings)
    assert second.hear() == {"type": "error", "text": "another stack is connected"}
    assert second.hear() == {}
    first.say(type="ping")
    assert first.hear() == {"type": "pong"}
    assert isinstance(native.adapter.observe(), Stack)


def test_a_stack_that_was_restarted_is_not_turned_away(native: Native) -> None:
    first = native.stack()
    first.hello()
    native.loop.turn_until(lambda: native.rings)
    # Both are found in one turn of the loop, the new connection before the end of the old one.
    first.say(type="ping")
    first.close()
    second = native.stack()
    second.hello(5)
    native.loop.turn_until(lambda: native.rings == 3)
    assert native.seen().generation == 5
    native.adapter.perform(Tell(None))
    assert second.hear()["generation"] == 6


def test_what_is_wrong_is_answered_and_does_no_harm(
    native: Native, caplog: pytest.LogCaptureFixture
) -> None:
    stack = native.stack()
    stack.say(type="ack", generation=1)
    assert stack.hear() == {"type": "error", "text": "hello comes first"}
    stack.hello()
    native.loop.turn_until(lambda: native.rings)
    before = native.adapter.observe()
    for line, text in (
        (b"nonsense", "no JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"x" * 300_000, "a line of more than 262144 bytes"),
        (b'{"type": "ack"}', "generation is missing"),
        (b'{"type": "ack", "generation": 1}', "there is no config of generation 1"),
        (b'{"type": "hello", "version": 1}', "name is missing"),
    ):
        # A stack would write on while it reads; the socket takes less than the longest line.
        for begin in range(0, len(line), 50_000):
            stack.socket.sendall(line[begin : begin + 50_000])
            native.loop.settle()
        stack.socket.sendall(b"\n")
        assert stack.hear() == {"type": "error", "text": text}
    caplog.clear()
    for _ in range(50):
        stack.socket.sendall(b'{}\n{"type": 1}\n')
        assert stack.hear() == {"type": "error", "text": "type is missing"}
        assert stack.hear() == {"type": "error", "text": "type is no string"}
    assert len(caplog.records) == 2
    stack.say(type="error", text="two\nlines")
    stack.say(type="error", text=5)
    assert stack.hear() == {"type": "error", "text": "text is no string"}
    assert caplog.messages[-2] == "the S1AP stack complains: two\N{REPLACEMENT CHARACTER}lines"
    assert native.adapter.observe() == before
    assert native.rings == 1


def test_another_version_is_refused(native: Native) -> None:
    stack = native.stack()
    stack.say(type="hello", version=2, words="new")
    text = "version 2 is not 1, which is spoken here"
    assert stack.hear() == {"type": "error", "text": text}
    assert stack.hear() == {}
    assert native.adapter.observe() == NOBODY


def test_a_stack_that_does_not_read_does_not_hold_up_the_loop(native: Native) -> None:
    stack = native.stack()
    stack.hello()
    native.loop.turn_until(lambda: native.rings)
    longest_s, told = 0.0, 0
    while native.adapter.observe() != NOBODY:
        assert told < 100_000, "it is never given up"
        begin = time.monotonic()
        native.adapter.perform(Tell(LINK))
        native.loop.doorbell.wait(time.monotonic())
        longest_s, told = max(longest_s, time.monotonic() - begin), told + 1
    print(f"given up after {told} messages, the longest turn took {longest_s * 1000:.1f} ms")
    assert longest_s < LIMIT_S / 10
    assert native.stack().socket.fileno() > 0


def test_a_flood_does_not_keep_others_waiting(native: Native) -> None:
    """One turn of the loop takes a bounded share of what a stack sends without end."""
    stack = native.stack()
    stack.hello()
    native.loop.turn_until(lambda: native.rings)
    stack.socket.setblocking(False)
    answered = 0
    for _ in range(20):
        try:
            while True:
                stack.socket.send(b'{"type": "ping"}\n' * 1000)
        except BlockingIOError:
            pass
        native.loop.doorbell.wait(time.monotonic())
        answered += len(stack.socket.recv(1_000_000).splitlines())
    assert answered > 0
    assert isinstance(native.adapter.observe(), Stack)


def test_actions_are_logged_once(native: Native, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="henbd")
    native.stack().hello()
    native.loop.turn_until(lambda: native.rings)
    native.adapter.perform(Tell(LINK))
    assert [m for m in caplog.messages if m.startswith("Tell")] == [worded(Tell(LINK))]
    assert any(f"pid {os.getpid()}, uid {os.getuid()}" in m for m in caplog.messages)


def transcript() -> list[tuple[str, dict[str, Any]]]:
    """Return who says what in the transcript of PROTOCOL.md; "henbd is restarted" says nothing."""
    text = PROTOCOL.read_text().partition("<!-- a test replays what follows -->")[2]
    found = []
    for line in re.split(r"\n    (?=\w)", text.strip("\n").removeprefix("    ")):
        who, arrow, said = line.partition("→")
        found.append((who.strip(), json.loads(said) if arrow else {}))
    return found


def test_the_transcript_of_the_protocol_is_what_is_spoken(native: Native) -> None:
    said = transcript()
    assert {message.get("type") for _, message in said} == {
        *("hello", "config", "ack", "status", "ping", "pong", "error"),
        None,
    }
    stack = native.stack()
    for who, message in said:
        if who == "stack":
            stack.say(**message)
        elif not message:
            native.loop.settle()
            native.adapter.close()
            native.adapter = native.another()
            stack = native.stack()
        else:
            if message["type"] == "config":
                native.loop.settle()
                link = message["link"]
                wanted = None if link is None else read_link(JsonObject("", link))
                native.adapter.perform(Tell(wanted))
            assert stack.hear() == message
    native.loop.settle()
    assert native.seen() == Stack("example-l3", None, 3, True, (), False, ())
