"""The reference S1AP stack's end of the native protocol, over a real socket."""

from __future__ import annotations

import json
import select
import socket
import time
from contextlib import closing
from itertools import pairwise

from tests.lab.enb.native import Bell, Connection
from tests.lab.events import PATIENCE
from tests.lab.s1_bench import AT_ONCE_S, SOON_S, Bench, peer_states
from tests.lab.scripted_henbd import config, link
from tests.lab.wire import HENB, MME, OTHER_HENB


def test_s1_outlives_henbd(lab: Bench) -> None:
    lab.bring_up()
    before = lab.log.events()
    lab.henbd.close()
    time.sleep(0.3)
    lab.henbd.listen()
    lab.henbd.accept()
    hello = lab.henbd.receive()
    assert isinstance(hello, dict)
    assert (hello["type"], hello["generation"]) == ("hello", 1)
    assert hello["config"] == link(HENB, MME)
    status = lab.henbd.receive()
    assert isinstance(status, dict)
    assert (status["generation"], peer_states(status)) == (1, ["up"])
    assert lab.log.events() == before
    lab.tell(2, link(HENB, MME))
    assert lab.log.events() == before


def test_without_a_link_hello_is_all_there_is_to_say(lab: Bench) -> None:
    lab.bring_up()
    lab.tell(2, None)
    lab.henbd.close()
    lab.henbd.listen()
    lab.henbd.accept()
    hello = lab.henbd.expect("hello")
    assert (hello["generation"], hello["config"]) == (2, None)
    assert lab.henbd.quiet("status", 0.3)


def test_it_connects_again_at_most_once_a_second(lab: Bench) -> None:
    lab.stack()
    times = []
    for _ in range(3):
        times.append(lab.henbd.accept())
        lab.henbd.send({"type": "error", "text": "another stack is connected"})
        lab.henbd.hang_up()
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert all(0.9 < gap < 1.0 + 2 * AT_ONCE_S for gap in gaps)


def test_a_stack_that_was_killed_begins_anew(lab: Bench) -> None:
    child = lab.bring_up()
    child.kill()
    child.wait()
    lab.bring_up()
    assert len(lab.mme.s1_up) == 1
    assert len(lab.setups()) == 2


def test_sigterm_shuts_down_and_succeeds(lab: Bench) -> None:
    child = lab.bring_up()
    child.terminate()
    assert child.wait(SOON_S * PATIENCE) == 0
    assert lab.log.wait("SCTP-down").facts["reason"] == "shut down by the peer"


BAD_LINES = {
    "no JSON": b"{\n",
    "not UTF-8": b'{"type": "config\xff"}\n',
    "no object": b"[]\n",
    "empty": b"\n",
    "too deep": b"[" * 50_000 + b"\n",
    "too long": b"{" + b" " * 70_000 + b"}\n",
    "no type": b"{}\n",
    "no link": b'{"type": "config", "generation": 9}\n',
    "old": json.dumps(config(1, None)).encode() + b"\n",
    "generation is text": b'{"type": "config", "generation": "9", "link": null}\n',
    "generation is true": b'{"type": "config", "generation": true, "link": null}\n',
    "no peers": json.dumps(config(9, link(HENB))).encode() + b"\n",
    "peer is text": json.dumps(config(9, link(HENB, MME) | {"peers": ["x"]})).encode() + b"\n",
    "bad address": json.dumps(config(9, link("10.0.0.256", MME))).encode() + b"\n",
    "zone": json.dumps(config(9, link("fe80::1%s1", MME))).encode() + b"\n",
    "identity too big": json.dumps(config(9, link(HENB, MME, identity=1 << 28))).encode() + b"\n",
    "PLMN": json.dumps(config(9, link(HENB, MME, plmns=["0010"]))).encode() + b"\n",
    "no inside": json.dumps(config(9, link(HENB, MME) | {"inside": None})).encode() + b"\n",
}


def test_bad_lines_are_answered_and_otherwise_ignored(lab: Bench) -> None:
    lab.bring_up()
    before = lab.log.events()
    for name, line in BAD_LINES.items():
        lab.henbd.send(line)
        answer = lab.henbd.receive()
        assert isinstance(answer, dict), name
        assert answer["type"] == "error", name
        assert answer["text"], name
    for harmless in ({"type": "pong"}, {"type": "news", "x": 1}, {"type": "error"}):
        lab.henbd.send(harmless)
    lab.tell(2, link(HENB, MME, x_extra=1))
    assert lab.log.events() == before


def test_a_line_may_come_in_pieces_and_many_at_once(lab: Bench) -> None:
    lab.stack()
    lab.henbd.accept()
    line = json.dumps(config(1, link(HENB, MME))).encode() + b"\n"
    lab.henbd.send(line[:50])
    time.sleep(0.05)
    lab.henbd.send(line[50:] + json.dumps(config(2, link(OTHER_HENB, MME))).encode() + b"\n")
    assert lab.henbd.expect("ack")["generation"] == 1
    assert lab.henbd.expect("ack")["generation"] == 2
    lab.wait_state("up")


def test_it_pings_when_asked_to(lab: Bench) -> None:
    lab.stack("--ping-s", "0.2")
    lab.henbd.accept()
    for _ in range(3):
        lab.henbd.expect("ping")
        lab.henbd.send({"type": "pong"})


def test_a_henbd_that_reads_nothing_is_left() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, closing(Bell()) as bell:
        ours.setblocking(False)
        connection = Connection(ours, bell)
        while not connection.broken:
            connection.put(b"x" * 65_535 + b"\n")
            connection.flush()
        theirs.setblocking(False)
        assert connection.wants() & select.POLLOUT
        assert len(theirs.recv(1 << 20)) > 65_536
