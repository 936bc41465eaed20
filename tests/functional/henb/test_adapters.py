"""Whoever made the S1AP stack: it is told what to do, and what it says of S1 is true."""

from __future__ import annotations

import time

import pytest

from tests.functional.henb.test_address_change import told
from tests.functional.henb.test_s1 import see_that_s1_does_not_count_as_up, set_in_a_session
from tests.lab.hems.messages import GetParameterValuesResponse
from tests.lab.hems.rpc import Get, Set
from tests.lab.lab import FAP, OP_STATE, S1_SERVERS, Lab, Options, provisioning
from tests.lab.mme import Accept, Refuse
from tests.lab.probe import eventually

TAC = FAP + "CellConfig.LTE.EPC.TAC"
ADMIN_STATE = FAP + "FAPControl.LTE.AdminState"

OURS = ("native", "hook")  # Stacks that are started by somebody else, and speak to henbd.
MANAGED = ("srsenb", "amarisoft")  # Stacks that henbd starts by a service manager.

pytestmark = pytest.mark.usefixtures("adapter")


@pytest.fixture
def adapter(request: pytest.FixtureRequest, options: Options) -> str:
    """How henbd talks to the stack; each test is for each of some of these."""
    assert options.adapter == request.param
    return str(request.param)


def each(*names: str) -> pytest.MarkDecorator:
    """Have a test run with each of these adapters."""
    of = [pytest.param(name, marks=pytest.mark.lab(adapter=name)) for name in names]
    return pytest.mark.parametrize("adapter", of, indirect=True)


@each(*OURS, *MANAGED)
def test_the_inner_address_changes(registered: Lab) -> None:
    since = time.monotonic()
    address = registered.grant_another()
    registered.reauthenticate()
    told(registered, address, since)


@each(*OURS, *MANAGED)
def test_the_far_end_changes(registered: Lab, adapter: str) -> None:
    set_in_a_session(registered, Set({S1_SERVERS: ("10.30.0.9", "xsd:string")}))
    assert eventually(lambda: len(registered.second_mme.s1_up) == 1, 20)
    # srsenb ends without a word to its MME.
    assert adapter == "srsenb" or eventually(lambda: not registered.mme.s1_up, 5)
    assert eventually(lambda: "to 10.30.0.2/32" not in registered.status()["guards"]["standing"])


@each(*OURS)
def test_another_tracking_area_is_told_to_the_mme_without_a_new_s1_setup(registered: Lab) -> None:
    since = set_in_a_session(registered, Set({TAC: ("7", "xsd:unsignedInt")}))
    update = registered.log.wait("ENBConfigurationUpdate", 20, since=since)
    assert update.facts["tac"] == 7
    registered.log.wait("ENBConfigurationUpdateAcknowledge", since=update.at)
    assert not registered.log.events("S1SetupRequest", since)
    assert not registered.log.events("SCTP-down", since)


@each(*OURS)
def test_what_only_the_stack_knows_is_a_parameter(lab: Lab) -> None:
    lab.install_stack("--parameter", "Capabilities.MaxTxPower=8")
    lab.register()
    path = FAP + "Capabilities.MaxTxPower"
    since = time.monotonic()
    lab.hems.play([Get([path])])
    assert lab.call() == 200
    lab.log.wait("GetParameterValuesResponse", since=since)
    answer = lab.hems.sessions[-1].answers[-1]
    assert isinstance(answer, GetParameterValuesResponse)
    assert answer.values == {path: "8"}


@each(*OURS)
def test_s1_is_ended_gracefully_when_it_is_not_wanted_any_more(registered: Lab) -> None:
    registered.henbd.stop()
    registered.configure({"s1": {"wait_for_admin_state": True}})
    registered.henbd.start()
    assert eventually(lambda: registered.answers() and registered.status()["s1"]["up"], 20)
    since = set_in_a_session(registered, Set({ADMIN_STATE: ("0", "xsd:boolean")}))
    down = registered.log.wait("SCTP-down", 10, since=since)
    assert down.facts["reason"] == "shut down by the peer"
    assert eventually(lambda: registered.informed(OP_STATE) == "false")


@each(*OURS)
def test_time_to_wait_is_obeyed(lab: Lab) -> None:
    lab.mme.setup[:] = [Refuse(time_to_wait_s=2), Accept()]
    lab.hems.play([provisioning()])
    lab.start()
    refused = lab.log.wait("S1SetupFailure", 20)
    assert eventually(lambda: [p["time_to_wait_s"] for p in lab.status()["s1"]["peers"]] == [2])
    again = lab.log.wait("S1SetupRequest", 20, since=refused.at)
    assert again.at - refused.at >= 2
    lab.log.wait("S1SetupResponse", since=again.at)


@each(*OURS)
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_stack_that_ends_is_told_again_when_it_is_back(registered: Lab, how: str) -> None:
    getattr(registered.stack, how)()
    # Not sooner: a stack that is restarted is back before.
    assert eventually(lambda: registered.informed(OP_STATE) == "false", 30)
    since = time.monotonic()
    registered.stack.start()
    setup = registered.log.wait("S1SetupRequest", 20, since=since)
    assert str(setup.facts["peer"]) == "10.99.0.1"
    assert eventually(lambda: registered.informed(OP_STATE) == "true", 20)


@each(*MANAGED)
def test_one_that_dies_is_started_again(registered: Lab) -> None:
    since = time.monotonic()
    registered.stack.kill()
    assert eventually(lambda: registered.informed(OP_STATE) == "false")
    registered.log.wait("S1SetupResponse", 30, since=since)
    assert eventually(lambda: registered.informed(OP_STATE) == "true")


@each(*OURS, *MANAGED)
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_of_henbd_does_not_disturb_s1(registered: Lab, how: str) -> None:
    assert eventually(lambda: not registered.status()["waiting_for"])
    since = time.monotonic()
    pid = registered.stack.pid
    getattr(registered.henbd, how)()
    registered.henbd.start()
    assert eventually(lambda: registered.answers() and not registered.status()["waiting_for"], 20)
    assert registered.quiet(since)
    assert registered.stack.pid == pid
    assert not registered.log.events("SCTP-down", since)
    assert not registered.log.events("S1SetupRequest", since)


@each(*OURS)
@pytest.mark.parametrize("fault", ["silent", "wrong-local=10.10.1.2"])
def test_a_stack_that_is_silent_or_lies_does_not_count_as_up(lab: Lab, fault: str) -> None:
    see_that_s1_does_not_count_as_up(lab, fault)
