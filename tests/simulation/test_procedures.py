"""TS 32.593 5.1.3 and 5.2.4 from end to end, as DESIGN walks them, in the fake world."""

from __future__ import annotations

import pytest

from henbd.actions import (
    AddGuard,
    AddRoute,
    Initiate,
    LoadConnection,
    RemoveGuard,
    Tell,
    TerminateChild,
    TerminateIke,
)
from henbd.model import paths
from henbd.values import EspMode, Unreachable
from tests.unit.conftest import Worlds
from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.hems import Manner as HemsManner
from tests.unit.fakes.hems import get_values, set_values
from tests.unit.fakes.kernel import EVERYTHING, OUTER
from tests.unit.world import (
    ADDRESS,
    GATEWAY,
    INNER,
    INNER_2,
    INNER_3,
    MME,
    MME_2,
    World,
    direct_settings,
)

FAR_ENDS = paths.S1_SERVERS


# 5.1.3 HeNB registration with the Serving HeMS.


def test_the_first_inform_carries_the_device_id_and_the_inner_address(world: World) -> None:
    world.register()
    first = world.informs[0]
    assert first.events == ("0 BOOTSTRAP", "1 BOOT")
    assert first.device_id == {
        "Manufacturer": "Example",
        "OUI": "00256D",
        "ProductClass": "HeNB",
        "SerialNumber": "0001",
    }
    assert first.source == INNER
    assert first.values[ADDRESS] == str(INNER)
    assert first.values[paths.CONNECTION_REQUEST_URL].startswith(f"http://{INNER}:7547/")


def test_registration_happens_once(world: World) -> None:
    world.register()
    world.run(600)
    assert len(world.informs) == 1


@pytest.mark.conformance("C072")
@pytest.mark.conformance("C157")
@pytest.mark.conformance("C160")
def test_connection_requests_are_taken_at_the_inner_address_and_lead_to_an_inform(
    world: World,
) -> None:
    world.register()
    assert world.listener.address == INNER
    assert world.values[paths.CONNECTION_REQUEST_URL].endswith(world.listener.url_path)
    world.listener.call()
    world.run(1)
    assert world.listener.answers == [True]
    assert world.informs[-1].events == ("6 CONNECTION REQUEST",)


@pytest.mark.conformance("C054")
@pytest.mark.conformance("C157")
@pytest.mark.conformance("C158")
def test_a_connection_request_during_a_session_is_served_after_it(world: World) -> None:
    world.register()
    world.hems.answers_after_s = 0.5
    world.listener.call()
    world.run(0.2)
    assert world.daemon.conversation.current is not None
    ended = world.hems.sessions_ended
    world.listener.call()
    world.run(0.2)
    assert world.listener.answers == [True, True]
    assert world.hems.sessions_ended == ended
    world.run(5)
    assert [i.events for i in world.informs[1:]] == [("6 CONNECTION REQUEST",)] * 2


@pytest.mark.conformance("C160")
def test_without_connection_requests_the_port_is_closed_and_the_url_empty(world: World) -> None:
    world.register()
    world.provision({paths.CONNECTION_REQUEST_ENABLE: "false"})
    world.run(2)
    assert world.listener.address is None
    assert world.values[paths.CONNECTION_REQUEST_URL] == ""
    assert world.informs[-1].values[paths.CONNECTION_REQUEST_URL] == ""
    world.provision({paths.CONNECTION_REQUEST_ENABLE: "true"})
    world.run(2)
    assert world.listener.address == INNER
    assert str(INNER) in world.values[paths.CONNECTION_REQUEST_URL]


@pytest.mark.conformance("C008")
def test_without_cwmp_a_connection_request_is_not_served(world: World) -> None:
    world.register()
    world.provision({paths.ENABLE_CWMP: "false"})
    world.run(2)
    told = len(world.informs)
    world.listener.call()
    world.run(60)
    assert world.listener.answers[-1] is False
    assert len(world.informs) == told


@pytest.mark.conformance("C162")
def test_new_credentials_count_for_the_next_connection_request(world: World) -> None:
    world.register()
    world.provision(
        {
            paths.CONNECTION_REQUEST_USERNAME: "hems",
            paths.CONNECTION_REQUEST_PASSWORD: "another word",
        }
    )
    world.run(1)
    assert world.listener.credentials == ("hems", "another word")


def test_far_ends_set_by_the_hems_lead_to_s1_setup_and_an_inform_that_says_so(
    world: World,
) -> None:
    world.register()
    world.provision_far_ends(MME)
    world.run(2)
    assert len(world.mmes[MME].setups_at) == 1
    assert world.values[paths.OP_STATE] == "true"
    last = world.informs[-1]
    assert last.events == ("4 VALUE CHANGE",)
    assert last.values[paths.OP_STATE] == "true"


def test_a_new_far_end_is_prepared_before_the_stack_is_told_and_the_old_one_goes_last(
    world: World,
) -> None:
    world.bring_up_s1(MME)
    start = len(world.journal.actions)
    world.provision_far_ends(MME_2)
    world.run(2)
    assert world.stack.up == [MME_2]
    steps = [type(action) for action in world.journal.actions[start:]]
    order = [AddGuard, LoadConnection, Initiate, Tell, TerminateChild, RemoveGuard]
    assert [kind for kind in dict.fromkeys(steps) if kind in order] == order
    assert max(i for i, kind in enumerate(steps) if kind is AddGuard) < steps.index(LoadConnection)
    gone = {
        action.guard.destination
        for action in world.done(RemoveGuard, start)
        if isinstance(action.guard, Unreachable) and action.guard.destination != EVERYTHING
    }
    assert {str(network) for network in gone} == {f"{MME}/32"}


def test_an_added_far_end_does_not_disturb_the_one_that_works(world: World) -> None:
    world.bring_up_s1(MME)
    world.provision({FAR_ENDS: f"{MME},{MME_2}", paths.S1_MODE: "All"})
    world.run(2)
    assert world.stack.up == [MME, MME_2]
    assert len(world.mmes[MME].setups_at) == 1


def test_what_is_set_takes_effect_after_the_session(world: World) -> None:
    world.register()
    world.hems.answers_after_s = 0.5
    world.hems.will_ask(set_values({FAR_ENDS: str(MME)}), *[get_values(paths.S1_PORT)] * 4)
    world.listener.call()
    world.run(3)
    assert world.hems.responses[0] == "SetParameterValuesResponse"
    assert not world.done(Tell)
    world.run(2)
    assert world.stack.up == [MME]


def test_sets_of_one_session_take_effect_as_one(world: World) -> None:
    world.register()
    world.hems.will_ask(
        set_values({FAR_ENDS: str(MME)}), set_values({FAR_ENDS: str(MME_2), paths.S1_PORT: "36422"})
    )
    world.listener.call()
    world.run(2)
    assert world.stack.up == [MME_2]
    assert not world.mmes[MME].setups_at
    assert len(world.done(Tell)) == 1


def test_what_was_set_takes_effect_even_if_the_session_fails(world: World) -> None:
    world.register()
    world.hems.will_ask(set_values({FAR_ENDS: str(MME)}), "<cwmp:Fault/>")
    world.listener.call()
    world.run(2)
    assert world.stack.up == [MME]


def test_a_refused_set_changes_nothing(world: World) -> None:
    world.bring_up_s1(MME)
    kept, done = world.store.document, len(world.journal.actions)
    world.provision({FAR_ENDS: str(MME_2), paths.S1_PORT: "0"})
    world.run(2)
    assert world.hems.responses[-1] == "Fault"
    assert world.store.document == kept
    assert world.values[FAR_ENDS] == str(MME)
    assert len(world.journal.actions) == done


def test_a_set_that_cannot_be_stored_changes_nothing(world: World) -> None:
    world.bring_up_s1(MME)
    world.store.full = True
    world.provision_far_ends(MME_2)
    world.run(2)
    assert world.hems.responses[-1] == "Fault"
    assert world.values[FAR_ENDS] == str(MME)
    assert world.stack.up == [MME]


def test_set_again_to_what_it_is_changes_nothing(world: World) -> None:
    world.bring_up_s1(MME)
    done = len(world.journal.actions)
    world.provision_far_ends(MME)
    world.run(2)
    assert len(world.journal.actions) == done


def test_the_hems_is_not_told_of_what_it_has_set_itself(world: World) -> None:
    world.bring_up_s1(MME)
    told = len(world.informs)
    world.provision({paths.DEVICE_INFO + "ProvisioningCode": "one"})
    world.run(60)
    assert [i.events for i in world.informs[told:]] == [("6 CONNECTION REQUEST",)]


# 5.2.4 IPsec tunnel IP address change.


@pytest.mark.conformance("C091", "C161")
def test_a_new_inner_address_is_told_at_once_from_that_address(world: World) -> None:
    world.bring_up_s1()
    told, sessions = len(world.informs), len(world.hems.attempts_at)
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    changed_at = world.time.now + 0.01
    world.run(0.02)
    inform = world.informs[told]
    assert inform.source == INNER_3
    assert inform.events == ("4 VALUE CHANGE",)
    assert inform.values[ADDRESS] == str(INNER_3)
    assert inform.values[paths.CONNECTION_REQUEST_URL].startswith(f"http://{INNER_3}:")
    # Its own post takes 5 ms in this world; a few looks at the box take 1 ms each.
    assert inform.at - changed_at < 0.012
    assert len(world.hems.attempts_at) == sessions + 1
    assert world.listener.address == INNER_3


def test_nobody_is_looked_at_while_the_inform_of_an_address_leaves(world: World) -> None:
    world.bring_up_s1()
    world.hems.answers_after_s = 1
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(0.5)
    left_at = world.hems.attempts_at[-1]
    assert not [at for at in world.vici.looks_at if left_at <= at < left_at + 0.009]
    # What the Inform does not need is done though the HeMS takes its time.
    assert world.stack.up == [MME]


def test_the_stack_follows_the_inner_address(world: World) -> None:
    world.bring_up_s1()
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(2)
    assert world.stack.up == [MME]
    assert [a.link.local for a in world.stack.associations] == [INNER_3]
    assert not any(guard for guard in world.kernel.guards if str(INNER) in str(guard))
    assert world.informs[-1].values[paths.OP_STATE] == "true"


def test_the_same_inner_address_again_is_no_news(world: World) -> None:
    world.bring_up_s1()
    told, done = len(world.informs), len(world.journal.actions)
    world.charon.reauthenticate()
    world.run(60)
    assert len(world.informs) == told
    assert len(world.mmes[MME].setups_at) == 1
    assert not [a for a in world.journal.actions[done:] if isinstance(a, Tell | Initiate)]


def test_a_lost_address_is_no_value(world: World) -> None:
    world.register()
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.lose()
    world.run(120)
    assert len(world.informs) == 1
    assert world.values[ADDRESS] == str(INNER)
    assert world.values[paths.INNER_IPV4 + "Status"] == "Disabled"
    assert world.values[paths.INTERFACE + "Status"] == "Down"


def test_there_and_back_before_it_could_be_told_is_told_once(world: World) -> None:
    world.register()
    world.hems.manner = HemsManner.REFUSES
    for lease in (INNER_3, INNER):
        world.gateways[GATEWAY].lease = (lease,)
        world.charon.reauthenticate()
        world.run(0.5)
    world.hems.manner = HemsManner.ANSWERS
    world.run(60)
    assert [(i.events, i.values.get(ADDRESS)) for i in world.informs[1:]] == [
        (("4 VALUE CHANGE",), str(INNER))
    ]


def test_an_address_is_told_though_neither_stack_nor_flash_takes_part(world: World) -> None:
    world.bring_up_s1()
    world.stack.vanish()
    world.store.full = True
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(1)
    assert world.informs[-1].values[ADDRESS] == str(INNER_3)


def test_an_address_is_told_over_the_direct_way_too(worlds: Worlds) -> None:
    world = worlds(EspMode.POLICY, direct_settings())
    world.register()
    assert world.informs[0].source == OUTER
    told = len(world.informs)
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(1)
    assert world.informs[told].source == OUTER
    assert world.informs[told].values[ADDRESS] == str(INNER_3)


def test_the_next_gateway_may_grant_another_address(world: World) -> None:
    world.bring_up_s1()
    world.gateways[GATEWAY].manner = Manner.SILENT
    world.charon.lose()
    world.run(30)
    assert world.informs[-1].source == INNER_2
    assert world.stack.up == [MME]


def test_a_superseded_ike_sa_is_ended_when_nobody_uses_it(world: World) -> None:
    world.bring_up_s1()
    start = len(world.journal.actions)
    world.provision({paths.SECURITY_GATEWAYS[0]: str(GATEWAY), paths.SECURITY_GATEWAYS[1]: ""})
    world.run(1)
    assert not world.done(TerminateIke, start)
    world.provision({paths.SECURITY_GATEWAYS[0]: "192.0.2.102"})
    world.run(3)
    assert world.stack.up == [MME]
    assert {str(sa.gateway.address) for sa in world.charon.sas.values()} == {"192.0.2.102"}
    steps = [type(action) for action in world.journal.actions[start:]]
    assert steps.index(Initiate) < steps.index(Tell) < steps.index(TerminateIke)
    assert len(world.charon.connections) == 1


def test_routes_of_our_own_stand_in_for_charons(worlds: Worlds) -> None:
    world = worlds(EspMode.INTERFACE)
    world.charon.esp.puts_routes = False
    world.bring_up_s1()
    assert {action.route.source for action in world.done(AddRoute)} == {INNER}
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(2)
    assert world.stack.up == [MME]
    own = {route for route in +world.kernel.routes if route.ours}
    assert {route.source for route in own} == {INNER_3}


def test_a_hems_that_asks_is_told_of_the_tunnel_as_it_is_now(world: World) -> None:
    world.register()
    child = paths.CHILD_SAS + "1."
    assert child + "Status" not in world.values
    world.hems.will_ask(get_values(paths.IPSEC))
    world.listener.call()
    world.run(2)
    assert world.values[child + "Status"] == "Up"
    assert world.values[paths.IKE_SA + "CreationTime"].startswith("2026-06-01T12:00:0")
    assert world.values[paths.IPSEC_STATS + "NegotiationFailures"] == "0"
    for gateway in world.gateways.values():
        gateway.manner = Manner.REFUSES
    world.charon.lose()
    world.run(30)
    for gateway in world.gateways.values():
        gateway.manner = Manner.GRANTS
    world.run(90)
    world.hems.will_ask(get_values(paths.IPSEC))
    world.listener.call()
    world.run(2)
    assert int(world.values[paths.IPSEC_STATS + "NegotiationFailures"]) >= 2
