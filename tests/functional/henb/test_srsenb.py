"""henbd with srsenb: started, moved and stopped by its service, and believed by its log."""

from __future__ import annotations

import time

import pytest

from tests.lab import s1ap
from tests.lab.hems.rpc import Set
from tests.lab.lab import CELL_IDENTITY, FAP, OP_STATE, Lab, provisioning
from tests.lab.mme import Accept, Refuse
from tests.lab.probe import eventually

pytestmark = pytest.mark.lab(adapter="srsenb")

S1_MODE = FAP + "FAPControl.LTE.Gateway.S1ConnectionMode"


def test_it_registers_as_a_macro_enb_by_its_own_file(registered: Lab) -> None:
    setup = registered.log.events("S1SetupRequest")[-1]
    assert setup.facts["request"].global_enb_id.kind is s1ap.EnbKind.MACRO
    file = (registered.folder / "service/enb.conf").read_text()
    assert "s1c_bind_addr = 10.99.0.1\n" in file


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
        lambda: (
            [peer["cause"] for peer in lab.status()["s1"]["peers"]] == ["stack/misc/unknown-PLMN"]
        ),
        10,
    )
    lab.log.wait("S1SetupResponse", 20)
    assert eventually(lambda: lab.informed(OP_STATE) == "true")
