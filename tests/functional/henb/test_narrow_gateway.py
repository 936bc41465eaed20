"""A gateway that does not grant a second child as it is asked for: replaced under the guards."""

from __future__ import annotations

import time

from tests.functional.henb.test_address_change import at_rest
from tests.functional.henb.test_s1 import set_in_a_session
from tests.lab.faults import right
from tests.lab.gateway import Refusal
from tests.lab.hems.rpc import Set
from tests.lab.lab import S1_SERVERS, Lab
from tests.lab.probe import eventually
from tests.lab.prober import Prober
from tests.lab.topology import HEMS, MME, SECOND_MME, SGW

MOVED = Set({S1_SERVERS: ("10.30.0.9", "xsd:string")})


def test_a_gateway_that_allows_one_child_has_the_old_one_ended_first(registered: Lab) -> None:
    """It refuses the second one as long as the first is there, and takes it when that has gone."""
    assert eventually(lambda: right(registered) is None, 20)
    since = time.monotonic()
    # The far end that is left is nothing to be guarded any more.
    registered.gateway.refuse(Refusal.SELECTORS)
    set_in_a_session(registered, MOVED)
    assert eventually(lambda: f"to {SECOND_MME}/32" in registered.status()["guards"]["standing"])
    with Prober(registered.net.henb, ((SECOND_MME, 36412), (HEMS, 7557), (SGW, 2152))):
        registered.log.wait("child-down", 20, since=since)
        assert eventually(lambda: "allows one child at a time" in registered.screen())
        assert eventually(lambda: "to grant another child" in str(waited_for(registered)))
        registered.gateway.accept()
        assert eventually(lambda: len(registered.second_mme.s1_up) == 1, 30)
    assert not registered.log.events("ike-down", since)
    assert registered.status()["tunnel"]["inner_addresses"] == ["10.99.0.1"]
    assert registered.leaks() == []


def test_a_gateway_that_leads_to_less_is_told_of_and_the_rest_works(registered: Lab) -> None:
    assert eventually(lambda: right(registered) is None, 20)
    registered.gateway.narrow(f"{MME}/32", f"{HEMS}/32", f"{SGW}/32")
    set_in_a_session(registered, MOVED)
    registered.log.wait("child-down", 20)
    assert eventually(lambda: replaced(registered), 20)
    assert not registered.second_mme.s1_up
    registered.gateway.narrow()
    set_in_a_session(registered, Set({S1_SERVERS: (str(MME), "xsd:string")}))
    assert eventually(lambda: len(registered.mme.s1_up) == 1, 30)


def replaced(lab: Lab) -> bool:
    """Return whether the new child stands alone, and less than was asked is told of."""
    status = lab.status()
    return at_rest(status) and "grants less" in str(status["waiting_for"])


def waited_for(lab: Lab) -> list[str]:
    """Return what henbd waits for."""
    return [wait["for"] for wait in lab.status()["waiting_for"]]
