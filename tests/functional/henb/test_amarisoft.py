"""henbd with what stands for Amarisoft's lteenb: told by its file, asked by its remote API."""

from __future__ import annotations

import pytest

from tests.functional.henb.test_s1 import set_in_a_session
from tests.lab.hems.rpc import Set
from tests.lab.lab import FAP, OP_STATE, S1_SERVERS, Lab
from tests.lab.probe import eventually

pytestmark = pytest.mark.lab(adapter="amarisoft")

S1_MODE = FAP + "FAPControl.LTE.Gateway.S1ConnectionMode"
ADMIN_STATE = FAP + "FAPControl.LTE.AdminState"


def test_it_has_s1_with_all_far_ends(registered: Lab) -> None:
    both = Set(
        {
            S1_MODE: ("All", "xsd:string"),
            S1_SERVERS: ("10.30.0.2,10.30.0.9", "xsd:string"),
        }
    )
    set_in_a_session(registered, both)
    assert eventually(lambda: len(registered.second_mme.s1_up) == 1, 20)
    assert eventually(lambda: len(registered.mme.s1_up) == 1, 20)


def test_it_takes_its_leave_of_the_mme_before_it_is_stopped(registered: Lab) -> None:
    since = set_in_a_session(registered, Set({ADMIN_STATE: ("0", "xsd:boolean")}))
    down = registered.log.wait("SCTP-down", 20, since=since)
    assert down.facts["reason"] == "shut down by the peer"
    assert eventually(lambda: registered.informed(OP_STATE) == "false")
