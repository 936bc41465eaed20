"""TS 32.593 5.1.3: the HeNB registers with the Serving HeMS."""

from __future__ import annotations

import time
from ipaddress import ip_network

import pytest

from tests.lab import topology
from tests.lab.hems.messages import GetParameterValuesResponse
from tests.lab.hems.rpc import Get, Methods, Names
from tests.lab.lab import (
    CONNECTION_REQUEST_URL,
    INNER_ADDRESS,
    IPSEC_ENABLE,
    OP_STATE,
    S1_SERVERS,
    Lab,
    provisioning,
)
from tests.lab.probe import eventually


def walk_registration(lab: Lab) -> None:
    """See the procedure from beginning to end, step by step."""
    log = lab.log
    lab.hems.play([provisioning()])
    lab.start()

    inform = log.wait("Inform", 20)
    assert inform.facts["events"] == [("0 BOOTSTRAP", ""), ("1 BOOT", "")]
    assert inform.facts["source"][0] == "10.99.0.1"
    assert inform.facts["parameters"][INNER_ADDRESS] == "10.99.0.1"
    assert inform.facts["parameters"][OP_STATE] == "false"
    response = log.wait("InformResponse", since=inform.at)
    wanted = log.wait("SetParameterValues", since=response.at)
    done = log.wait("SetParameterValuesResponse", since=wanted.at)
    assert (done.facts["fault"], done.facts["status"]) == (None, 0)
    end = log.wait("session-end", since=done.at)
    assert end.facts["ok"]
    setup = log.wait("S1SetupRequest", 20, since=end.at)
    assert str(setup.facts["peer"]) == "10.99.0.1"
    up = log.wait("S1SetupResponse", since=setup.at)
    informed = log.wait("Inform", since=up.at)
    assert informed.facts["events"] == [("4 VALUE CHANGE", "")]
    assert informed.facts["parameters"][OP_STATE] == "true"


@pytest.mark.kernel
def test_registration_by_certificate(lab: Lab) -> None:
    walk_registration(lab)


@pytest.mark.lab(psk=True)
def test_registration_by_psk(lab: Lab) -> None:
    walk_registration(lab)


@pytest.mark.lab(tls="hems")
def test_registration_over_https(lab: Lab) -> None:
    walk_registration(lab)


@pytest.mark.conformance("C166")
def test_s1_is_not_told_before_the_session_has_ended(lab: Lab) -> None:
    lab.hems.play([provisioning(), Get([S1_SERVERS]), Get([IPSEC_ENABLE])])
    lab.start()
    end = lab.log.wait("session-end", 20)
    lab.log.wait("S1SetupRequest", 20)
    assert not [e for e in lab.log.events("SCTP-up") if e.at < end.at]
    assert not [
        e
        for e in lab.log.events("child-up")
        if e.at < end.at and any("10.30.0.2" in s for s in e.facts["selectors"])
    ]


def test_what_was_set_reads_back_in_the_same_session(lab: Lab) -> None:
    lab.hems.play([provisioning(), Get([S1_SERVERS, IPSEC_ENABLE]), Methods(), Names("", True)])
    lab.henbd.start()
    lab.log.wait("session-end", 20)
    answers = lab.hems.sessions[0].answers
    assert isinstance(answers[1], GetParameterValuesResponse)
    assert answers[1].values == {S1_SERVERS: "10.30.0.2", IPSEC_ENABLE: "true"}


def test_without_a_stack_the_henb_registers_all_the_same(lab: Lab) -> None:
    lab.hems.play([provisioning()])
    lab.henbd.start()
    lab.log.wait("session-end", 20)
    assert eventually(lambda: "no S1AP stack is connected" in str(lab.status()["waiting_for"]))
    lab.stack.start()
    lab.log.wait("S1SetupResponse", 20)


def test_a_connection_request_is_served(registered: Lab) -> None:
    before = time.monotonic()
    assert registered.call() == 200
    inform = registered.log.wait("Inform", since=before)
    assert ("6 CONNECTION REQUEST", "") in inform.facts["events"]


def test_a_stranger_s_connection_request_is_refused(registered: Lab) -> None:
    url = registered.informed(CONNECTION_REQUEST_URL)
    with registered.net.core.inside():
        assert registered.hems.connection_request(url, "hems", "wrong") == 401
        assert registered.hems.connection_request(url, None) == 401


@pytest.mark.lab(configuration={"hems": {"path": "direct"}, "ipsec": None})
def test_without_ipsec_the_henb_registers_directly(lab: Lab) -> None:
    """Here the HeMS is outside by configuration, so that its traffic is clear is no leak."""
    with lab.in_the_clear(ip_network(topology.HEMS)):
        lab.henbd.start()
        inform = lab.log.wait("Inform", 20)
        assert inform.facts["source"][0] == "10.10.1.2"
        end = lab.log.wait("session-end")
        assert lab.call() == 200
        lab.log.wait("session-end", where=lambda e: e.at > end.at)
        assert lab.status()["tunnel"] is None
        lab.henbd.stop()
