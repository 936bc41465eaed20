"""Somebody dies, is silent, or comes back: nothing is lost, and nothing leaks."""

from __future__ import annotations

import time

import pytest

from tests.functional.henb.test_address_change import told
from tests.lab.gateway import Refusal
from tests.lab.lab import INNER_ADDRESS, OP_STATE, Lab, provisioning
from tests.lab.probe import eventually


def test_a_hems_that_was_unreachable_is_told_when_it_is_back(registered: Lab) -> None:
    registered.hems.down()
    since = time.monotonic()
    address = registered.grant_another()
    registered.reauthenticate()
    assert eventually(lambda: registered.status()["hems"]["failures"] >= 1, 10)
    registered.hems.up()
    inform = registered.log.wait(
        "Inform",
        30,
        since=since,
        where=lambda e: e.facts["parameters"].get(INNER_ADDRESS) == address,
    )
    assert inform.facts["retry_count"] >= 1


@pytest.mark.conformance("C171")
def test_a_new_address_cuts_the_wait_for_a_retry(registered: Lab) -> None:
    registered.hems.down()
    registered.grant_another()
    registered.reauthenticate()
    assert eventually(lambda: registered.status()["hems"]["failures"] >= 1, 10)
    registered.hems.up()
    since = time.monotonic()
    address = registered.grant_another()
    registered.reauthenticate()
    told(registered, address, since)


@pytest.mark.kernel
def test_a_charon_that_was_killed_is_loaded_again(registered: Lab) -> None:
    """The service manager starts it again; henbd loads it and the tunnel comes back by itself."""
    since = time.monotonic()
    registered.charon.kill()
    assert eventually(lambda: registered.status()["tunnel"]["charon"] != "answers", 10)
    address = registered.grant_another()
    registered.charon.start()
    told(registered, address, since)


def test_a_charon_that_is_not_there_yet_is_waited_for(lab: Lab) -> None:
    lab.charon.stop()
    lab.hems.play([provisioning()])
    lab.start()
    assert eventually(lambda: "charon" in lab.status()["waiting_for"][0]["for"], 10)
    assert lab.henbd.running
    lab.charon.start()
    lab.log.wait("S1SetupResponse", 30)


def test_a_charon_that_hangs_disturbs_nothing(registered: Lab) -> None:
    since = time.monotonic()
    registered.charon.pause()
    assert eventually(lambda: "does not answer" in registered.status()["tunnel"]["charon"], 90)
    assert registered.status()["s1"]["up"]
    registered.charon.resume()
    assert eventually(lambda: registered.status()["tunnel"]["charon"] == "answers", 20)
    assert not registered.log.events("SCTP-down", since)
    assert registered.quiet(since)


def test_a_gateway_that_is_silent_for_a_while_is_tried_again(registered: Lab) -> None:
    registered.net.cut("segw")
    assert eventually(lambda: registered.status()["tunnel"]["condition"] != "up", 40)
    since = time.monotonic()
    address = registered.grant_another()
    registered.net.restore("segw")
    told(registered, address, since)


@pytest.mark.parametrize("how", Refusal)
def test_a_gateway_that_refuses_is_tried_again(lab: Lab, how: Refusal) -> None:
    lab.gateway.refuse(how)
    lab.hems.play([provisioning()])
    lab.start()
    assert eventually(
        lambda: any("tried again" in wait["for"] for wait in lab.status()["waiting_for"]), 20
    )
    lab.gateway.accept()
    lab.log.wait("S1SetupResponse", 60)


def test_a_gateway_that_grants_no_address_is_tried_again(lab: Lab) -> None:
    lab.gateway.use_pool()
    lab.hems.play([provisioning()])
    lab.start()
    assert eventually(lambda: lab.log.events("ike-up"), 20)
    lab.grant_another()
    lab.log.wait("S1SetupResponse", 60)


def test_a_tunnel_that_stays_away_takes_s1_down_after_hold_s(lab: Lab) -> None:
    lab.configure({"s1": {"hold_s": 2}})
    lab.register()
    lab.gateway.refuse(Refusal.IDENTITY)
    lab.gateway.terminate_ike()
    assert eventually(lambda: lab.status()["s1"]["told"] is None, 20)
    since = time.monotonic()
    lab.gateway.accept()
    lab.log.wait("S1SetupResponse", 60, since=since)
    lab.log.wait(
        "Inform", 20, since=since, where=lambda e: e.facts["parameters"][OP_STATE] == "true"
    )


def test_a_stack_that_dies_takes_op_state_down_and_comes_back(lab: Lab) -> None:
    lab.configure({"s1": {"hold_s": 1}})
    lab.register()
    since = time.monotonic()
    lab.stack.kill()
    lab.log.wait(
        "Inform", 20, since=since, where=lambda e: e.facts["parameters"][OP_STATE] == "false"
    )
    back = time.monotonic()
    lab.stack.start()
    lab.log.wait(
        "Inform", 30, since=back, where=lambda e: e.facts["parameters"][OP_STATE] == "true"
    )
