"""Several gateways: raced, redirected to, replaced; and the HeMS told when none can be had."""

from __future__ import annotations

import time
from ipaddress import ip_network

import pytest

from henbd.cwmp.events import SECURITY_GATEWAY_REQUIRED
from tests.functional.henb.test_s1 import set_in_a_session
from tests.lab import topology
from tests.lab.events import Event
from tests.lab.faults import right
from tests.lab.gateway import Gateway
from tests.lab.hems.rpc import Set
from tests.lab.lab import SECURITY_GATEWAY, Lab, provisioning
from tests.lab.probe import eventually

NOBODY = "10.20.0.77"


def second_gateway(lab: Lab) -> Gateway:
    """Return the other gateway to the same core, of the same identity, with its own pool."""
    assert lab.net.segw2 is not None
    return Gateway(
        lab.net.segw2,
        lab.folder,
        lab.log,
        pki=lab.pki,
        pools=("10.98.0.0/24", "fd00:98::/64"),
        inner_networks=(topology.SECOND_POOLS, topology.SECOND_POOLS_6),
    )


@pytest.mark.lab(
    configuration={"ipsec": {"gateways": [NOBODY, str(topology.GATEWAY)]}},
    henb_charon={"retransmit_tries": "5"},
)
def test_the_next_gateway_is_up_before_a_dead_one_is_given_up(lab: Lab) -> None:
    """charon needs 16 s here to give one up, and 11 s with the settings that are recommended."""
    lab.hems.play([provisioning()])
    lab.start()
    lab.log.wait("ike-up", 20)
    assert f"gateway {NOBODY}" not in lab.henbd.text()
    lab.log.wait("S1SetupResponse", 20)


@pytest.mark.lab(second_gateway=True)
def test_a_redirect_is_followed_and_not_mistaken_for_a_change(registered: Lab) -> None:
    with second_gateway(registered):
        assert eventually(lambda: right(registered) is None, 20)
        since = time.monotonic()
        (sa,) = registered.gateway.sas()
        to = {"ike-id": sa.unique_id, "gateway": str(topology.SECOND_GATEWAY)}
        registered.gateway.vici.request("redirect", to)
        assert eventually(
            lambda: registered.status()["tunnel"]["gateway"] == str(topology.SECOND_GATEWAY), 20
        )
        assert eventually(
            lambda: {str(r.address) for r in registered.mme.s1_up} == {"10.98.0.1"}, 20
        )
        registered.calm(1.0)
        assert registered.status()["tunnel"]["gateway"] == str(topology.SECOND_GATEWAY)
        assert registered.hems_knows() == "10.98.0.1"
        assert len(registered.log.events("ike-up", since)) == 1


@pytest.mark.lab(configuration={"ipsec": {"gateway_trial_s": 4, "gateway_retry_s": 6}})
def test_a_gateway_of_the_hems_that_does_not_work_is_told_and_nothing_else_happens(
    registered: Lab,
) -> None:
    assert eventually(lambda: right(registered) is None, 20)
    since = time.monotonic()
    set_in_a_session(registered, Set({SECURITY_GATEWAY: (NOBODY, "xsd:string")}))
    informed = registered.log.wait("Inform", 30, since=since, where=_tells)
    assert informed.facts["source"][0] == "10.99.0.1"
    assert not registered.log.events("ike-down", since)
    assert not registered.log.events("SCTP-down", since)
    assert registered.status()["s1"]["up"]


@pytest.mark.lab(
    tls="hems",
    configuration={
        "hems": {"path_on_gateway_failure": "direct"},
        "ipsec": {"dpd_s": 2},
        "s1": {"hold_s": 1},
    },
)
def test_in_need_the_hems_is_told_outside_with_tls_and_inside_when_the_gateway_is_back(
    registered: Lab,
) -> None:
    registered.calm()
    since = time.monotonic()
    with registered.in_the_clear(ip_network(topology.HEMS)):
        registered.gateway.stop()
        informed = registered.log.wait("Inform", 60, since=since, where=_tells)
        assert informed.facts["source"][0] == "10.10.1.2"
        registered.calm()
        registered.gateway.start()
        # S1 may have been held all the time.
        assert eventually(lambda: registered.informed_from() == registered.hems_knows(), 90)
        assert eventually(lambda: registered.status()["s1"]["up"], 90)
    assert f"to {topology.HEMS}/32" in registered.status()["guards"]["standing"]


def _tells(event: Event) -> bool:
    return SECURITY_GATEWAY_REQUIRED.code in {code for code, _ in event.facts["events"]}
