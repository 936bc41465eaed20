"""Each fault of the reference S1AP stack does what it says, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.enb import faults
from tests.lab.events import PATIENCE
from tests.lab.s1_bench import AT_ONCE_S, Bench
from tests.lab.scripted_henbd import config, link
from tests.lab.wire import HENB, MME, OTHER_HENB


def begin(lab: Bench, fault: str) -> None:
    lab.stack("--fault", fault)
    lab.henbd.accept()


def test_silent_follows_the_config_and_says_nothing(lab: Bench) -> None:
    begin(lab, "silent")
    lab.henbd.send(config(1, link(HENB, MME)))
    lab.log.wait("S1SetupResponse")
    with pytest.raises(AssertionError, match="no message"):
        lab.henbd.receive(0.3)


def test_never_ack_works_but_does_not_acknowledge(lab: Bench) -> None:
    begin(lab, "never-ack")
    lab.henbd.expect("hello")
    lab.henbd.send(config(1, link(HENB, MME)))
    kinds = []
    while not lab.mme.s1_up:
        message = lab.henbd.receive()
        assert isinstance(message, dict)
        kinds.append(message["type"])
    assert set(kinds) == {"status"}


def test_late_ack_is_late(lab: Bench) -> None:
    begin(lab, "late-ack")
    sent_at = lab.henbd.send(config(1, link(HENB, MME)))
    lab.henbd.expect("ack")
    assert 2.0 <= time.monotonic() - sent_at < 2.0 + 2 * AT_ONCE_S


def test_old_generation_is_named(lab: Bench) -> None:
    begin(lab, "old-generation")
    lab.henbd.send(config(5, link(HENB, MME)))
    assert lab.henbd.expect("ack")["generation"] == 4
    assert lab.wait_state("up")["generation"] == 4


def test_garbage_comes_before_each_message(lab: Bench) -> None:
    begin(lab, "garbage")
    assert lab.henbd.receive() == b"{no JSON\xff"
    assert lab.henbd.receive() == {"type": "status", "generation": "one", "peers": 7}
    hello = lab.henbd.receive()
    assert isinstance(hello, dict)
    assert hello["type"] == "hello"


def test_drop_ends_the_connection_at_each_config(lab: Bench) -> None:
    begin(lab, "drop")
    for _ in range(2):
        assert lab.henbd.expect("hello")["generation"] == 0
        lab.henbd.send(config(1, link(HENB, MME)))
        assert lab.henbd.receive() is None
        lab.henbd.accept()
    assert lab.log.events() == []


def test_wrong_local_is_used_and_told(lab: Bench) -> None:
    begin(lab, f"wrong-local={OTHER_HENB}")
    lab.henbd.send(config(1, link(HENB, MME)))
    assert lab.wait_state("up")["peers"][0]["local"] == str(OTHER_HENB)
    assert lab.mme.s1_up[0].address == OTHER_HENB


@pytest.mark.parametrize(
    ("words", "complaint"),
    [("deaf", "deaf"), ("wrong-local", "value"), ("silent=1", "value"), ("wrong-local=x", "'x'")],
)
def test_unknown_faults_are_refused(words: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        faults.parse([words])


def test_the_command_line_refuses_them_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.enb", "--socket", "/nowhere", "--fault", "deaf"],
        cwd=Path(__file__).parents[4],
        capture_output=True,
        text=True,
        timeout=20 * PATIENCE,
        check=False,
    )
    assert (done.returncode, "deaf" in done.stderr) == (2, True)
