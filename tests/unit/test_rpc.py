"""The answer to each RPC of the HeMS, and the state after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from henbd.control import refusal
from henbd.cwmp import ledger as ledgers
from henbd.cwmp.commands import withdrawn
from henbd.cwmp.ledger import Ledger
from henbd.cwmp.orders import Orders
from henbd.cwmp.reader import READERS
from henbd.cwmp.requests import (
    AddObject,
    DeleteObject,
    FactoryReset,
    GetParameterAttributes,
    GetParameterNames,
    GetParameterValues,
    GetRPCMethods,
    MalformedRequest,
    Reboot,
    Request,
    ScheduleInform,
    SetParameterAttributes,
    SetParameterValues,
    UnknownMethod,
)
from henbd.cwmp.responses import (
    AddObjectResponse,
    DeleteObjectResponse,
    GetParameterAttributesResponse,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    GetRPCMethodsResponse,
    SetParameterValuesResponse,
)
from henbd.cwmp.rpc import answer
from henbd.cwmp.rules import Rules
from henbd.cwmp.state import State, document, restored
from henbd.cwmp.structs import AttributeChange, Fault, ParameterFault, ParameterValue
from henbd.errors import FaultCode
from henbd.model import paths
from henbd.model.provisioning import Provisioning
from henbd.model.schema import Parameter
from henbd.model.tree import Tree
from henbd.settings import S1Policy
from henbd.values import Moment
from tests.unit.box import WALL
from tests.unit.settings import SECRET, factory, ipsec, settings

SETTINGS = settings()
RULES = Rules(
    refusals=lambda tree, changed: refusal.refusals(tree, changed, SETTINGS),
    status=lambda before, after: 0,  # noqa: ARG005 the keywords are those of the daemon
    boot_id="boot",
)
NOW = Moment(1000.0, WALL)
STATE = State(factory(), Ledger(), SECRET)


def setting(*pairs: tuple[str, str], key: str = "key") -> SetParameterValues:
    return SetParameterValues(tuple(ParameterValue(n, v) for n, v in pairs), key)


def after(request: Request, state: State = STATE) -> State:
    """Return the state after a request that is not refused."""
    response, changed = answer(request, state, RULES, NOW)
    assert not isinstance(response, Fault), response
    return changed


def refused(request: Request, state: State = STATE) -> Fault:
    """Return the fault that a request is answered with; it has changed nothing."""
    response, unchanged = answer(request, state, RULES, NOW)
    assert isinstance(response, Fault)
    assert unchanged is state
    return response


# What is only read.


@pytest.mark.parametrize(
    "request_",
    [
        GetRPCMethods(),
        GetParameterNames("", next_level=False),
        GetParameterValues(("Device.",)),
        GetParameterValues(()),
    ],
)
def test_question_changes_nothing(request_: Request) -> None:
    assert after(request_) is STATE


@pytest.mark.conformance("C146", "C147")
def test_methods_are_those_that_are_read_and_answered() -> None:
    response, _ = answer(GetRPCMethods(), STATE, RULES, NOW)
    assert isinstance(response, GetRPCMethodsResponse)
    read = {name for name in READERS if not name.endswith("Response")} - {"Fault"}
    assert sorted(response.methods) == sorted(read)


def test_unknown_method_is_9000() -> None:
    assert refused(UnknownMethod("X_Reboot")).code == FaultCode.METHOD_NOT_SUPPORTED


def test_malformed_request_is_9003() -> None:
    assert refused(MalformedRequest("no ParameterList")) == Fault(9003, "no ParameterList")


def test_names_of_one_level() -> None:
    response, _ = answer(GetParameterNames(paths.PLMN_LIST, next_level=True), STATE, RULES, NOW)
    assert response == GetParameterNamesResponse(((paths.PLMN_LIST + "1.", True),))


def test_values_come_with_the_types_of_the_model() -> None:
    names = (paths.S1_PORT, paths.S1_MODE, paths.PERIODIC_TIME, paths.ADMIN_STATE)
    response, _ = answer(GetParameterValues(names), STATE, RULES, NOW)
    assert response == GetParameterValuesResponse(
        (
            ParameterValue(paths.S1_PORT, "36412", "unsignedInt"),
            ParameterValue(paths.S1_MODE, "One", "string"),
            ParameterValue(paths.PERIODIC_TIME, "0001-01-01T00:00:00Z", "dateTime"),
            ParameterValue(paths.ADMIN_STATE, "false", "boolean"),
        )
    )


def test_parameter_that_is_asked_for_in_two_ways_comes_once() -> None:
    names = (paths.S1_PORT, paths.GATEWAY, paths.S1_PORT)
    response, _ = answer(GetParameterValues(names), STATE, RULES, NOW)
    assert isinstance(response, GetParameterValuesResponse)
    found = [name for name, _, _ in response.parameters]
    assert found[0] == paths.S1_PORT
    assert sorted(found) == sorted(STATE.tree.below(paths.GATEWAY))


@pytest.mark.conformance("C047")
def test_secrets_read_as_empty() -> None:
    assert STATE.tree.value(paths.PASSWORD)
    assert STATE.tree.value(paths.CONNECTION_REQUEST_PASSWORD)
    response, _ = answer(GetParameterValues(("",)), STATE, RULES, NOW)
    assert isinstance(response, GetParameterValuesResponse)
    values = {name: value for name, value, _ in response.parameters}
    assert values[paths.PASSWORD] == values[paths.CONNECTION_REQUEST_PASSWORD] == ""
    assert SECRET not in str(response)
    assert STATE.tree.value(paths.PASSWORD) not in str(response)


@pytest.mark.conformance("C103")
@pytest.mark.parametrize(
    "request_",
    [
        GetParameterValues((paths.S1_PORT, "Device.Nonsense")),
        GetParameterNames("Device.Nonsense", next_level=False),
    ],
)
def test_one_unknown_name_is_9005_for_the_whole_call(request_: Request) -> None:
    assert refused(request_).code == FaultCode.INVALID_NAME


@pytest.mark.conformance("C105")
def test_next_level_of_a_parameter_is_9003() -> None:
    fault = refused(GetParameterNames(paths.S1_PORT, next_level=True))
    assert fault.code == FaultCode.INVALID_ARGUMENTS


# What is set.


@pytest.mark.conformance("C117")
def test_set_is_stored_with_its_parameter_key() -> None:
    state = after(setting((paths.S1_SERVERS, "mme.example"), (paths.ADMIN_STATE, "1")))
    assert state.tree.provisioning.values == {
        paths.S1_SERVERS: "mme.example",
        paths.ADMIN_STATE: "true",
        paths.PARAMETER_KEY: "key",
    }
    assert state.tree.value(paths.PARAMETER_KEY) == "key"


def test_set_of_nothing_stores_the_parameter_key() -> None:
    assert after(setting(key="k")).tree.provisioning.values == {paths.PARAMETER_KEY: "k"}


def test_parameter_key_can_be_emptied() -> None:
    state = after(setting(key=""), after(setting(key="k")))
    assert state.tree.value(paths.PARAMETER_KEY) == ""


@pytest.mark.conformance("C116")
def test_value_that_was_set_reads_back_at_once() -> None:
    state = after(setting((paths.S1_SERVERS, " a , b ")))
    response, _ = answer(GetParameterValues((paths.S1_SERVERS,)), state, RULES, NOW)
    assert response == GetParameterValuesResponse((ParameterValue(paths.S1_SERVERS, "a,b"),))


@pytest.mark.parametrize("status", [0, 1])
def test_status_is_that_of_the_rules_for_the_trees_before_and_after(status: int) -> None:
    seen = []

    def judge(before: Tree, tree: Tree) -> int:
        seen.append((before, tree))
        return status

    response, state = answer(
        setting((paths.S1_PORT, "36500")), STATE, replace(RULES, status=judge), NOW
    )
    assert response == SetParameterValuesResponse(status)
    assert [(a.value(paths.S1_PORT), b.value(paths.S1_PORT)) for a, b in seen] == [
        ("36412", "36500")
    ]
    assert state.tree is seen[0][1]


@pytest.mark.conformance("C045")
@pytest.mark.parametrize("length", [0, 1, 32])
def test_parameter_key_is_counted_in_characters(length: int) -> None:
    key = "é" * length
    assert after(setting(key=key)).tree.value(paths.PARAMETER_KEY) == key


def test_parameter_key_that_is_too_long_is_9003() -> None:
    fault = refused(setting((paths.S1_PORT, "36500"), key="k" * 33))
    assert (fault.code, fault.parameters) == (9003, ())


def test_refused_set_changes_nothing_and_names_every_culprit() -> None:
    fault = refused(
        setting((paths.ADMIN_STATE, "true"), (paths.S1_PORT, "x"), (paths.OP_STATE, "true"))
    )
    assert fault.code == FaultCode.INVALID_ARGUMENTS
    assert [(p.name, p.code) for p in fault.parameters] == [
        (paths.S1_PORT, FaultCode.INVALID_TYPE),
        (paths.OP_STATE, FaultCode.NOT_WRITABLE),
    ]


def test_what_cannot_be_translated_is_refused_and_not_stored() -> None:
    fault = refused(setting((paths.ADMIN_STATE, "true"), (paths.S1_PORT, "0")))
    assert fault == Fault(
        9003, "Invalid arguments", (ParameterFault(paths.S1_PORT, 9007, "0 is no port"),)
    )


def test_parameter_key_cannot_be_set_as_a_parameter() -> None:
    fault = refused(setting((paths.PARAMETER_KEY, "another")))
    assert [p.code for p in fault.parameters] == [FaultCode.NOT_WRITABLE]


@pytest.mark.conformance("C069")
def test_what_the_hems_set_is_known_to_it() -> None:
    """The HeMS is not told of its own changes."""
    tree, _ = factory().provision(Provisioning({}, {paths.S1_PORT: 2, paths.PARAMETER_KEY: 2}))
    state = replace(STATE, tree=tree)
    ledger = after(setting((paths.S1_PORT, "36500")), state).ledger
    assert ledger.acknowledged == {paths.S1_PORT: "36500", paths.PARAMETER_KEY: "key"}


# Rows.


@pytest.mark.conformance("C123", "C124", "C127")
def test_row_is_added_with_its_number_and_the_parameter_key() -> None:
    response, state = answer(AddObject(paths.PLMN_LIST, "key"), STATE, RULES, NOW)
    assert response == AddObjectResponse(2, 0)
    assert state.tree.value(paths.PLMN_LIST + "2.PLMNID") == ""
    assert state.tree.value(paths.PARAMETER_KEY) == "key"
    answered, state = answer(DeleteObject(f"{paths.PLMN_LIST}2.", "k"), state, RULES, NOW)
    assert answered == DeleteObjectResponse(0)
    assert state.tree.value(paths.PARAMETER_KEY) == "k"
    assert answer(AddObject(paths.PLMN_LIST, ""), state, RULES, NOW)[0] == AddObjectResponse(3, 0)


@pytest.mark.conformance("C123", "C126", "C128", "C117")
@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (AddObject("Device.Nonsense.", "key"), 9005),
        (AddObject(paths.PLMN_LIST + "1.", "key"), 9005),
        (AddObject(paths.PLMN_LIST.removesuffix("."), "key"), 9005),
        (AddObject("", "key"), 9005),
        (AddObject(paths.IKE_SAS, "key"), 9001),
        (AddObject(paths.TUNNELS, "key"), 9004),
        (AddObject(paths.PLMN_LIST, "k" * 33), 9003),
        (DeleteObject(paths.PLMN_LIST, "key"), 9005),
        (DeleteObject(paths.PLMN_LIST + "7.", "key"), 9005),
        (DeleteObject(paths.PLMN_LIST + "1.", "key"), 9001),
        (DeleteObject(paths.PLMN_LIST + "1.", "k" * 33), 9003),
    ],
)
def test_row_that_cannot_be_added_or_deleted_changes_nothing(request_: Request, code: int) -> None:
    assert refused(request_).code == code


def test_row_whose_end_leads_s1_outside_is_not_deleted_where_it_must_be_inside() -> None:
    configuration = settings(ipsec=ipsec(s1=S1Policy.REQUIRED, gateways=()))
    rules = replace(RULES, refusals=lambda t, c: refusal.refusals(t, c, configuration))
    state = State(factory(ipsec=configuration.ipsec), Ledger(), SECRET)
    row = paths.LTE_TUNNELS + "1."
    tree, _ = state.tree.add(paths.LTE_TUNNELS)
    state = replace(state, tree=tree.set([(row + "Enable", "true")]))
    response, unchanged = answer(DeleteObject(row, ""), state, rules, NOW)
    assert isinstance(response, Fault)
    assert (response.code, unchanged) == (9001, state)


@pytest.mark.conformance("C069")
def test_row_that_the_hems_made_or_unmade_is_known_to_it() -> None:
    counter = paths.PLMN_LIST.removesuffix(".") + "NumberOfEntries"
    state = after(notifying((counter, 2)))
    known = after(AddObject(paths.PLMN_LIST, ""), state)
    assert not ledgers.differing(known.ledger, known.tree) & {counter}
    known = after(DeleteObject(paths.PLMN_LIST + "2.", ""), known)
    assert not ledgers.differing(known.ledger, known.tree) & {counter}


# Attributes.


def notifying(*changes: tuple[str, int | None]) -> SetParameterAttributes:
    return SetParameterAttributes(tuple(AttributeChange(*change) for change in changes))


@pytest.mark.conformance("C107", "C092")
def test_attributes_read_back_as_they_were_set() -> None:
    state = after(notifying((paths.S1_PORT, 1), (paths.S1_MODE, 2), (paths.TAC, None)))
    names = (paths.S1_PORT, paths.S1_MODE, paths.TAC, paths.S1_PORT)
    response, _ = answer(GetParameterAttributes(names), state, RULES, NOW)
    assert response == GetParameterAttributesResponse(
        ((paths.S1_PORT, 1), (paths.S1_MODE, 2), (paths.TAC, 0))
    )


@pytest.mark.conformance("C102")
def test_access_list_reads_back_as_it_was_set_and_survives_a_restart() -> None:
    def closed(state: State) -> frozenset[str]:
        names = GetParameterAttributes((paths.GATEWAY, paths.TAC))
        response, _ = answer(names, state, RULES, NOW)
        assert isinstance(response, GetParameterAttributesResponse)
        assert not any(number for _, number in response.attributes)
        return response.closed

    def granting(name: str, subscriber: bool | None) -> SetParameterAttributes:
        return SetParameterAttributes((AttributeChange(name, None, subscriber),))

    assert closed(STATE) == frozenset(), "the Subscriber may, by default"
    state = after(granting(paths.GATEWAY, subscriber=False))
    assert closed(state) == frozenset(state.tree.below(paths.GATEWAY))
    same = after(granting(paths.S1_PORT, subscriber=None), state)
    again, _ = restored(factory(), json.loads(json.dumps(document(same))), "boot")
    assert closed(again) == closed(state)
    back = after(granting(paths.S1_PORT, subscriber=True), again)
    assert closed(back) == closed(state) - {paths.S1_PORT}
    assert refused(granting("Device.Nowhere", subscriber=False)).code == FaultCode.INVALID_NAME


@pytest.mark.conformance("C101")
def test_attributes_of_a_partial_path_are_those_of_all_that_is_below() -> None:
    state = after(notifying((paths.GATEWAY, 2)))
    response, _ = answer(GetParameterAttributes((paths.GATEWAY,)), state, RULES, NOW)
    assert isinstance(response, GetParameterAttributesResponse)
    assert dict(response.attributes) == dict.fromkeys(state.tree.below(paths.GATEWAY), 2)


class Looked(dict[str, Parameter]):
    """Parameters that count how often all of them are gone through."""

    times = 0

    def __iter__(self) -> Iterator[str]:
        self.times += 1
        return super().__iter__()


def test_the_same_attributes_ten_thousand_times_over_are_looked_for_once() -> None:
    rows = Looked(STATE.tree.rows)
    state = replace(STATE, tree=replace(STATE.tree, rows=rows))
    changed = after(notifying(*[(paths.GATEWAY, 2), (paths.LTE_TUNNELS, 1), ("", 1)] * 3500), state)
    assert rows.times < 10
    assert changed.tree.notified == STATE.tree.notify([("", 1)]).notified


@pytest.mark.conformance("C092", "C093", "C107")
@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (notifying((paths.S1_PORT, 2), ("Device.Nonsense", 1)), 9005),
        (notifying((paths.S1_PORT, 2), ("Device.Nonsense", None)), 9005),
        (notifying((paths.S1_PORT, 2), (paths.S1_MODE, 3)), 9003),
        (notifying((paths.S1_PORT, 2), (paths.S1_MODE, 7)), 9003),
        (GetParameterAttributes((paths.S1_PORT, "Device.Nonsense")), 9005),
    ],
)
def test_attributes_that_cannot_be_set_change_nothing(request_: Request, code: int) -> None:
    assert refused(request_).code == code


@pytest.mark.conformance("C069", "C096")
def test_value_that_comes_under_notification_is_told_from_its_next_change_on() -> None:
    state = after(notifying((paths.S1_PORT, 2)))
    assert paths.S1_PORT not in ledgers.differing(state.ledger, state.tree)
    assert state.tree.provisioning.notifications == {paths.S1_PORT: 2}


def test_value_that_was_under_notification_is_still_owed_as_it_was() -> None:
    tree = STATE.tree.report({paths.OP_STATE: "true"})
    state = after(notifying((paths.OP_STATE, 1)), replace(STATE, tree=tree))
    assert paths.OP_STATE in ledgers.differing(state.ledger, state.tree)


# Commands.


@pytest.mark.conformance("C143", "C145", "C149")
@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Reboot("k" * 33), 9003),
        (ScheduleInform(1, "k" * 33), 9003),
        (ScheduleInform(0, "key"), 9003),
    ],
)
def test_command_that_is_wrong_is_refused(request_: Request, code: int) -> None:
    assert refused(request_).code == code


def test_only_what_one_request_has_ordered_is_withdrawn() -> None:
    before = after(ScheduleInform(60, "a"), after(Reboot("a")))
    for ordered in (Reboot("b"), ScheduleInform(60, "b")):
        later = after(ordered, before)
        now = replace(later, ledger=ledgers.called(later.ledger))
        left = withdrawn(now, before, later).ledger
        assert left.events == ledgers.called(before.ledger).events
        assert left.scheduled == before.ledger.scheduled
    assert withdrawn(after(FactoryReset()), STATE, after(FactoryReset())).orders == Orders()
    # What an operator orders meanwhile is none of it.
    later = after(Reboot("b"))
    now = replace(later, orders=replace(later.orders, factory_reset=True))
    assert withdrawn(now, STATE, later).orders == Orders(factory_reset=True)


@pytest.mark.conformance("C045")
def test_command_key_is_counted_in_characters() -> None:
    state = after(ScheduleInform(60, "é" * 32), after(Reboot("é" * 32)))
    assert state.ledger.events[0].command_key == state.ledger.scheduled[0].command_key == "é" * 32
    assert state.orders.reboot == RULES.boot_id


@pytest.mark.parametrize("request_", [Reboot("key"), ScheduleInform(60, "key")])
def test_more_commands_than_an_inform_can_tell_of_are_9004(request_: Request) -> None:
    state = STATE
    for _ in range(64):
        state = after(request_, state)
    assert refused(request_, state).code == 9004
