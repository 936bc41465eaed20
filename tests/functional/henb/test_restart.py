"""henbd is stopped, or killed, in every phase: nothing done is repeated, nothing is forgotten."""

from __future__ import annotations

import time

import pytest

from tests.functional.henb.test_address_change import told
from tests.lab.hems.rpc import Get
from tests.lab.hems.script import Hang, Point, on_connect, on_inform
from tests.lab.lab import INNER_ADDRESS, OP_STATE, S1_SERVERS, Lab, provisioning
from tests.lab.probe import eventually

ENDS = {"stopped": "stop", "killed": "kill"}


def end(lab: Lab, how: str) -> None:
    """End henbd in that way."""
    getattr(lab.henbd, ENDS[how])()


@pytest.mark.parametrize("how", ENDS)
def test_a_restart_with_s1_up_disturbs_and_tells_nothing(registered: Lab, how: str) -> None:
    assert eventually(lambda: not registered.status()["waiting_for"])
    # What was done before may be seen a little later.
    registered.calm()
    since = time.monotonic()
    end(registered, how)
    registered.henbd.start()
    assert eventually(lambda: up(registered), 20)
    assert registered.quiet(since)
    assert not registered.log.events("SCTP-down", since)
    assert not registered.log.events("S1SetupRequest", since)
    assert not registered.log.events("ike-down", since)
    assert not registered.log.events("child-up", since)


def up(lab: Lab) -> bool:
    """Return whether henbd answers, and finds everything as it should be."""
    return lab.answers() and not lab.status()["waiting_for"]


@pytest.mark.parametrize("how", ENDS)
def test_a_restart_before_the_inform_is_answered_repeats_it(lab: Lab, how: str) -> None:
    lab.hems.play([on_inform(Hang())])
    lab.start()
    lab.log.wait("Inform", 20)
    end(lab, how)
    since = time.monotonic()
    lab.hems.play([provisioning()])
    lab.henbd.start()
    again = lab.log.wait("Inform", 20, since=since)
    assert again.facts["events"] == [("0 BOOTSTRAP", ""), ("1 BOOT", "")]
    lab.log.wait("S1SetupResponse", 20, since=since)


@pytest.mark.parametrize("how", ENDS)
def test_a_restart_after_the_inform_was_answered_does_not_repeat_it(lab: Lab, how: str) -> None:
    lab.hems.play([(Get([S1_SERVERS]), Hang())])
    lab.start()
    lab.log.wait("InformResponse", 20)
    assert eventually(lambda: lab.status()["hems"]["registered"])
    end(lab, how)
    since = time.monotonic()
    lab.henbd.start()
    assert eventually(lambda: lab.answers() and lab.status()["tunnel"]["condition"] == "up", 20)
    assert lab.quiet(since)


@pytest.mark.parametrize("how", ENDS)
def test_a_restart_after_the_set_was_answered_keeps_what_was_set(lab: Lab, how: str) -> None:
    lab.hems.play([provisioning(), (Get([S1_SERVERS]), Hang())])
    lab.start()
    lab.log.wait("SetParameterValuesResponse", 20)
    end(lab, how)
    since = time.monotonic()
    lab.henbd.start()
    lab.log.wait("S1SetupResponse", 20, since=since)
    informed = lab.log.wait("Inform", 20, since=since)
    assert informed.facts["events"] == [("4 VALUE CHANGE", "")]


@pytest.mark.parametrize("how", ENDS)
def test_a_restart_in_the_middle_of_the_set_applies_all_of_it_or_nothing(
    lab: Lab, how: str
) -> None:
    """The response is not taken in by the HeMS: it hangs before it reads on."""
    lab.hems.play([(provisioning(), Hang(Point.MID_BODY))])
    lab.start()
    lab.log.wait("hang", 20)
    end(lab, how)
    lab.henbd.start()
    assert eventually(lambda: lab.answers() and lab.status()["tunnel"]["condition"] == "up", 20)
    assert lab.status()["s1"]["far_ends"] in ([], ["10.30.0.2"])


@pytest.mark.parametrize("how", ENDS)
def test_an_address_that_changed_while_henbd_was_away_is_told(registered: Lab, how: str) -> None:
    end(registered, how)
    since = time.monotonic()
    address = registered.grant_another()
    registered.reauthenticate()
    registered.log.wait("ike-up", since=since)
    registered.henbd.start()
    told(registered, address, since)


@pytest.mark.parametrize("how", ENDS)
def test_an_address_inform_that_was_not_answered_is_repeated(registered: Lab, how: str) -> None:
    registered.hems.play([on_inform(Hang())])
    since = time.monotonic()
    address = registered.grant_another()
    registered.reauthenticate()
    registered.log.wait("Inform", since=since)
    end(registered, how)
    again = time.monotonic()
    registered.henbd.start()
    inform = registered.log.wait(
        "Inform",
        20,
        since=again,
        where=lambda e: e.facts["parameters"].get(INNER_ADDRESS) == address,
    )
    assert ("4 VALUE CHANGE", "") in inform.facts["events"]


@pytest.mark.conformance("C172")
def test_a_reboot_is_told_and_op_state_starts_false(registered: Lab) -> None:
    registered.stack.stop()
    registered.henbd.stop()
    registered.set_boot_id()
    since = time.monotonic()
    registered.start()
    inform = registered.log.wait("Inform", 20, since=since)
    assert ("1 BOOT", "") in inform.facts["events"]
    assert ("0 BOOTSTRAP", "") not in inform.facts["events"]
    assert inform.facts["parameters"][OP_STATE] == "false"
    registered.log.wait("S1SetupResponse", 20, since=since)


def test_a_restart_while_the_tunnel_is_being_negotiated(lab: Lab) -> None:
    lab.net.cut("segw")
    lab.hems.play([provisioning()])
    lab.start()
    assert eventually(lambda: lab.answers() and negotiates(lab), 20)
    lab.henbd.kill()
    lab.henbd.start()
    lab.net.restore("segw")
    lab.log.wait("S1SetupResponse", 60)


def negotiates(lab: Lab) -> bool:
    """Return whether charon is on its way to the gateway."""
    return bool(lab.status()["tunnel"]["condition"] == "being negotiated")


def test_a_connect_that_hangs_does_not_hold_up_the_end(lab: Lab) -> None:
    lab.hems.play([on_connect(Hang())])
    lab.start()
    lab.log.wait("hang", 20)
    before = time.monotonic()
    assert lab.henbd.stop() == 0
    assert time.monotonic() - before < 4
