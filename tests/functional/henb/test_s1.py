"""S1 refused, silent, moved; the IPsec usage indicator off and on again."""

from __future__ import annotations

import errno
import time
from ipaddress import ip_network

import pytest

from tests.lab import topology
from tests.lab.hems.rpc import Set
from tests.lab.lab import IPSEC_ENABLE, OP_STATE, S1_SERVERS, Lab, provisioning
from tests.lab.mme import Accept, Refuse, Silence
from tests.lab.probe import eventually
from tests.lab.stream import Stream


def set_in_a_session(lab: Lab, wanted: Set) -> float:
    """Have the HeMS call and set; return when the session had ended."""
    since = time.monotonic()
    lab.hems.play([wanted])
    assert eventually(lambda: called(lab))
    done = lab.log.wait("SetParameterValuesResponse", since=since)
    assert done.facts["fault"] is None, done.text
    return lab.log.wait("session-end", since=done.at).at


def called(lab: Lab) -> bool:
    """Call the HeNB; False: nothing leads there now, for a child of it is being replaced."""
    try:
        assert lab.call() == 200
    except OSError as error:
        if error.errno != errno.ENETUNREACH:
            raise
        return False
    return True


def test_time_to_wait_is_obeyed(lab: Lab) -> None:
    lab.mme.setup[:] = [Refuse(time_to_wait_s=2), Accept()]
    lab.hems.play([provisioning()])
    lab.start()
    refused = lab.log.wait("S1SetupFailure", 20)
    assert eventually(
        lambda: [peer["time_to_wait_s"] for peer in lab.status()["s1"]["peers"]] == [2]
    )
    assert not lab.status()["s1"]["up"]
    again = lab.log.wait("S1SetupRequest", 20, since=refused.at)
    assert again.at - refused.at >= 2
    lab.log.wait("S1SetupResponse", since=again.at)


@pytest.mark.conformance("C172")
def test_op_state_stays_false_while_s1_setup_is_not_answered(lab: Lab) -> None:
    lab.mme.setup[:] = [Silence()]
    lab.hems.play([provisioning()])
    lab.start()
    lab.log.wait("SCTP-up", 20)
    lab.log.wait("S1SetupRequest")
    time.sleep(0.5)
    assert lab.informed(OP_STATE) == "false"


def see_that_s1_does_not_count_as_up(lab: Lab, fault: str) -> None:
    """Have a stack with a fault; what it does wrong, or says wrongly, is not S1."""
    lab.hems.play([provisioning()])
    lab.install_stack("--fault", fault)
    lab.start()
    done = lab.log.wait("SetParameterValuesResponse", 20)
    lab.log.wait("session-end", since=done.at)
    if fault != "silent":
        assert eventually(lambda: lab.status()["s1"]["told"] is not None)
    assert lab.quiet(lab.log.events("InformResponse")[-1].at, 3.0)
    assert not lab.status()["s1"]["up"]
    assert lab.informed(OP_STATE) == "false"


def test_what_a_stack_says_of_an_old_generation_does_not_count(lab: Lab) -> None:
    see_that_s1_does_not_count_as_up(lab, "old-generation")


def test_the_next_far_end_is_tried_when_the_first_refuses(lab: Lab) -> None:
    lab.mme.setup[:] = [Refuse(time_to_wait_s=60)]
    lab.hems.play([provisioning(topology.MME, topology.SECOND_MME)])
    lab.start()
    lab.log.wait("S1SetupFailure", 20)
    assert eventually(lambda: len(lab.second_mme.s1_up) == 1, 20)
    assert not lab.mme.s1_up


def test_the_hems_is_told_when_no_far_end_can_be_had(lab: Lab) -> None:
    """Not before the second has failed, too; and once."""
    lab.mme.setup[:] = [Refuse()]
    lab.second_mme.setup[:] = [Refuse()]
    lab.hems.play([provisioning(topology.MME, topology.SECOND_MME)])
    lab.start()
    required = ("X 00256D 3GPP Reprovision Required: FAPGW", "")
    told = lab.log.wait("Inform", 40, where=lambda e: required in e.facts["events"])
    assert len([e for e in lab.log.events("S1SetupFailure") if e.at < told.at]) >= 2
    lab.log.wait("InformResponse", since=told.at)
    time.sleep(3)
    informs = lab.log.events("Inform", told.at)
    assert [e.text for e in informs if required in e.facts["events"]] == [told.text]


def test_s1_moves_to_another_far_end_new_before_old(registered: Lab) -> None:
    set_in_a_session(registered, Set({S1_SERVERS: ("10.30.0.9", "xsd:string")}))
    assert eventually(lambda: len(registered.second_mme.s1_up) == 1, 20)
    assert eventually(lambda: not registered.mme.s1_up, 5)
    assert eventually(lambda: "10.30.0.2/32" not in registered.status()["tunnel"]["networks"], 10)
    assert eventually(lambda: "to 10.30.0.2/32" not in registered.status()["guards"]["standing"])
    assert not registered.log.events("ike-down")


def test_a_new_far_end_costs_no_packet_of_the_others(registered: Lab) -> None:
    with Stream(registered, topology.MME) as stream:
        assert eventually(lambda: stream.received > 50)
        wanted = f"{topology.MME},{topology.SECOND_MME}"
        set_in_a_session(registered, Set({S1_SERVERS: (wanted, "xsd:string")}))
        new = f"{topology.SECOND_MME}/32"
        assert eventually(lambda: new in registered.status()["tunnel"]["networks"], 10)
        assert eventually(lambda: len(registered.status()["tunnel"]["ike_sas"][0]["children"]) == 1)
        seen = stream.received
        assert eventually(lambda: stream.received > seen + 50)
    assert stream.lost == []
    assert registered.status()["tunnel"]["inner_addresses"] == ["10.99.0.1"]


def test_a_rejected_set_changes_nothing(registered: Lab) -> None:
    since = time.monotonic()
    registered.hems.play(
        [
            Set({S1_SERVERS: ("10.30.0.9", "xsd:string"), OP_STATE: ("1", "xsd:boolean")}),
            Set({S1_SERVERS: ("not a host!", "xsd:string")}),
        ]
    )
    assert registered.call() == 200
    answered = registered.log.wait("SetParameterValuesResponse", since=since)
    end = registered.log.wait("session-end", since=answered.at)
    faults = [e.facts["fault"] for e in registered.log.events("SetParameterValuesResponse", since)]
    assert [f.code for f in faults] == [9003, 9003]
    assert [(p.name, p.code) for p in faults[0].parameters] == [(OP_STATE, 9008)]
    assert [(p.name, p.code) for p in faults[1].parameters] == [(S1_SERVERS, 9007)]
    assert registered.status()["s1"]["far_ends"] == ["10.30.0.2"]
    assert registered.quiet(end.at)
    assert len(registered.mme.s1_up) == 1


@pytest.mark.lab(configuration={"ipsec": {"networks": ["10.30.0.3/32"]}})
@pytest.mark.kernel
def test_the_indicator_off_and_on_again(registered: Lab) -> None:
    lead_out_and_in_again(registered)


@pytest.mark.lab(configuration={"ipsec": {"networks": ["10.30.0.0/24"]}})
def test_the_indicator_off_and_on_for_a_far_end_in_the_networks(registered: Lab) -> None:
    lead_out_and_in_again(registered)


@pytest.mark.lab(configuration={"hems": {"path": "direct"}})
def test_the_indicator_off_and_on_with_a_hems_outside(lab: Lab) -> None:
    with lab.in_the_clear(ip_network(topology.HEMS)):
        lab.register()
        assert lab.informed_from() == "10.10.1.2"
        # Nobody else is reached through it.
        lead_out_and_in_again(lab, tunnel="down")
        assert lab.informed_from() == "10.10.1.2"
        lab.henbd.stop()


def lead_out_and_in_again(lab: Lab, tunnel: str = "up") -> None:
    """Turn the indicator off: S1 goes outside, in the clear; and on: inside, or nowhere."""
    with lab.in_the_clear(ip_network(topology.MME), ip_network(topology.SGW)):
        since = time.monotonic()
        set_in_a_session(lab, Set({IPSEC_ENABLE: ("0", "xsd:boolean")}))
        outside = lab.log.wait("S1SetupRequest", 20, since=since)
        assert str(outside.facts["peer"]) == "10.10.1.2"
        lab.log.wait("S1SetupResponse", since=outside.at)
        assert eventually(lambda: lab.status()["s1"]["up"])
        assert lab.status()["tunnel"]["condition"] == tunnel
        lab.log.wait("GTP-U", 20, since=outside.at, where=lambda e: "10.10.1.2" in e.text)
        back = set_in_a_session(lab, Set({IPSEC_ENABLE: ("1", "xsd:boolean")}))
        assert eventually(lambda: "to 10.30.0.2/32" in protected(lab))
    # It was cut off in mid-sentence, and goes on for a while: nothing of ours answers.
    lab.allow_from(ip_network(topology.MME))
    inside = lab.log.wait("S1SetupRequest", 20, since=back)
    assert str(inside.facts["peer"]).startswith("10.99.")
    lab.log.wait("S1SetupResponse", since=inside.at)


def protected(lab: Lab) -> list[str]:
    """Return the guards that stand, with the far end by itself where a network covers it."""
    standing = lab.status()["guards"]["standing"]
    return [*standing, "to 10.30.0.2/32"] if "to 10.30.0.0/24" in standing else standing


@pytest.mark.lab(configuration={"ipsec": {"s1": "required"}})
def test_leading_s1_outside_is_refused_where_it_must_go_inside(registered: Lab) -> None:
    since = time.monotonic()
    registered.hems.play([Set({IPSEC_ENABLE: ("0", "xsd:boolean")})])
    assert registered.call() == 200
    done = registered.log.wait("SetParameterValuesResponse", since=since)
    (culprit,) = done.facts["fault"].parameters
    assert (culprit.name, culprit.code) == (IPSEC_ENABLE, 9007)
    assert registered.status()["s1"]["inside"]
