"""henbd with srsenb: started, moved and stopped by its service, and believed by its log."""

from __future__ import annotations

import time

import pytest

from tests.functional.henb.test_address_change import told
from tests.functional.henb.test_s1 import set_in_a_session
from tests.lab import s1ap
from tests.lab.hems.rpc import Set
from tests.lab.lab import CELL_IDENTITY, FAP, OP_STATE, S1_SERVERS, Lab, provisioning
from tests.lab.mme import Accept, Refuse
from tests.lab.probe import eventually

pytestmark = [pytest.mark.kernel, pytest.mark.lab(adapter="srsenb")]

S1_MODE = FAP + "FAPControl.LTE.Gateway.S1ConnectionMode"


def test_it_registers_and_moves_with_the_inner_address(registered: Lab) -> None:
    setup = registered.log.events("S1SetupRequest")[-1]
    assert setup.facts["request"].global_enb_id.kind is s1ap.EnbKind.MACRO
    since = time.monotonic()
    address = registered.grant_another()
    registered.reauthenticate()
    told(registered, address, since)
    assert f"s1c_bind_addr = {address}\n" in (registered.folder / "service/enb.conf").read_text()


def test_it_moves_to_another_far_end(registered: Lab) -> None:
    set_in_a_session(registered, Set({S1_SERVERS: ("10.30.0.9", "xsd:string")}))
    assert eventually(lambda: len(registered.second_mme.s1_up) == 1, 20)
    assert eventually(lambda: "to 10.30.0.2/32" not in registered.status()["guards"]["standing"])


def test_what_it_cannot_do_is_refused_in_words(registered: Lab) -> None:
    since = time.monotonic()
    registered.hems.play(
        [Set({S1_MODE: ("All", "xsd:string"), CELL_IDENTITY: ("7", "xsd:unsignedInt")})]
    )
    assert registered.call() == 200
    fault = registered.log.wait("SetParameterValuesResponse", since=since).facts["fault"]
    assert {(p.name, p.code) for p in fault.parameters} == {(S1_MODE, 9007), (CELL_IDENTITY, 9007)}
    assert "macro eNB" in str(fault)


def test_a_refusal_of_the_mme_is_known_and_s1_comes_up_later(lab: Lab) -> None:
    lab.mme.setup[:] = [Refuse(), Accept()]
    lab.hems.play([provisioning(home=False)])
    lab.start()
    lab.log.wait("S1SetupFailure", 20)
    assert eventually(
        lambda: lab.status()["s1"]["peers"][0]["cause"] == "stack/misc/unknown-PLMN", 10
    )
    lab.log.wait("S1SetupResponse", 20)
    assert eventually(lambda: lab.informed(OP_STATE) == "true")


def test_one_that_dies_is_started_again(registered: Lab) -> None:
    since = time.monotonic()
    registered.stack.kill()
    assert eventually(lambda: registered.informed(OP_STATE) == "false")
    registered.log.wait("S1SetupResponse", 30, since=since)
    assert eventually(lambda: registered.informed(OP_STATE) == "true")


def test_a_restart_of_henbd_does_not_disturb_it(registered: Lab) -> None:
    assert eventually(lambda: not registered.status()["waiting_for"])
    since = time.monotonic()
    pid = registered.stack.pid
    registered.henbd.kill()
    registered.henbd.start()
    assert eventually(lambda: registered.answers() and not registered.status()["waiting_for"], 20)
    assert registered.quiet(since)
    assert registered.stack.pid == pid
    assert not registered.log.events("S1SetupRequest", since)
