"""What must not be lost: how it is written down, and what a damaged document does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.control import faults
from henbd.control.alarms import EXPEDITED
from henbd.control.faults import Event as AlarmEvent
from henbd.control.faults import Faults
from henbd.control.report_faults import reported
from henbd.cwmp import events, record
from henbd.cwmp import ledger as ledgers
from henbd.cwmp.ledger import Ledger
from henbd.cwmp.messages import AutonomousTransferComplete, TransferComplete
from henbd.cwmp.orders import Orders
from henbd.cwmp.schedule import Scheduled
from henbd.cwmp.state import State, document, restored
from henbd.cwmp.structs import Event
from henbd.errors import FaultCode
from henbd.model import paths
from henbd.model.provisioning import Provisioning
from tests.unit.box import ADDRESS, Box, registered
from tests.unit.settings import QUICK, SECRET, factory

BOOT_ID = "boot"
TIMES = ("2026-02-03T04:05:06Z", "2026-02-03T04:05:07Z")
DONE = TransferComplete("key", 0, "", *TIMES)
PERFORMANCE = AutonomousTransferComplete(
    "", "https://files.example/", False, "X 00256D 3GPP Performance File", 0, "", 9011, "no", *TIMES
)


def state() -> State:
    """Return the state of a box that has been provisioned, and has something to tell."""
    box = registered()
    box.configure({paths.S1_SERVERS: "mme.example,10.0.0.2", paths.S1_PORT: "36500"})
    box.notify(paths.S1_PORT, 1)
    box.report(up="true")
    box.succeed()
    box.ledger = ledgers.with_event(box.ledger, Event(events.REBOOT, "key"))
    box.ledger = ledgers.owing(box.ledger, Event(events.DOWNLOAD, "key"), DONE)
    box.ledger = ledgers.owing(box.ledger, events.AUTONOMOUS_TRANSFER_COMPLETE, PERFORMANCE)
    entry = Scheduled("key", 300, 1_770_000_000, box.now + 300)
    box.ledger = replace(box.ledger, scheduled=(entry,))
    return State(box.tree, box.ledger, SECRET, Orders(BOOT_ID, factory_reset=True))


STATE = state()
DOCUMENT = document(STATE)


def changed(**changes: Any) -> dict[str, Any]:
    return {**DOCUMENT, **changes}


def test_document_is_json_and_survives_it() -> None:
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


def test_restored_document_is_the_same_document() -> None:
    again, lost = restored(factory(), DOCUMENT, BOOT_ID)
    assert document(again) == DOCUMENT
    assert lost == ()


def test_restored_state_is_the_state() -> None:
    again, _ = restored(factory(), DOCUMENT, BOOT_ID)
    assert again.secret == SECRET
    assert again.tree.values == STATE.tree.values
    assert again.tree.provisioning == STATE.tree.provisioning
    assert again.tree.notified == STATE.tree.notified
    assert (again.ledger.hems, again.ledger.boot_id) == (STATE.ledger.hems, BOOT_ID)
    assert again.ledger.acknowledged == STATE.ledger.acknowledged
    assert again.ledger.events == STATE.ledger.events
    assert again.ledger.owed == STATE.ledger.owed
    assert again.orders == STATE.orders
    (scheduled,) = again.ledger.scheduled
    assert (scheduled.command_key, scheduled.delay_s, scheduled.at) == ("key", 300, None)


@pytest.mark.conformance("C061")
def test_times_and_failures_are_of_this_process() -> None:
    """RetryCount is 0 after a reboot; and monotonic time starts anew."""
    box = registered()
    box.advance()
    box.ledger = ledgers.called(box.ledger)
    box.fail()
    again, _ = restored(factory(), document(State(box.tree, box.ledger, SECRET)), BOOT_ID)
    ledger = again.ledger
    assert (ledger.failures, ledger.retry_at, ledger.ended_at) == (0, None, None)
    assert (ledger.periodic, ledger.events) == (None, ())


@pytest.mark.parametrize("value", ["10.99.0.2", "10.99.0.3"])
def test_what_is_only_read_of_the_world_needs_no_write(value: str) -> None:
    """No write per counter, none before an address Inform."""
    box = registered()
    before = document(State(box.tree, box.ledger, SECRET))
    box.report(address=value, up="true")
    box.advance()
    box.open()
    assert document(State(box.tree, box.ledger, SECRET)) == before


def test_periodic_inform_needs_no_write_once_it_is_acknowledged() -> None:
    box = registered()
    before = document(State(box.tree, box.ledger, SECRET))
    box.ledger = ledgers.with_event(box.ledger, events.PERIODIC)
    box.succeed()
    assert document(State(box.tree, box.ledger, SECRET)) == before


def test_restart_of_the_daemon_starts_with_what_the_hems_knows() -> None:
    """Absence is no value: nothing is told before the world has been looked at."""
    again, _ = restored(factory(), DOCUMENT, BOOT_ID)
    assert again.tree.value(ADDRESS) == "10.99.0.1"
    assert again.tree.value(paths.OP_STATE) == "true"
    assert not ledgers.differing(again.ledger, again.tree)


def test_power_on_starts_with_nothing_up() -> None:
    again, _ = restored(factory(), DOCUMENT, "another boot")
    assert again.tree.value(ADDRESS) == ""
    assert again.tree.value(paths.OP_STATE) == "false"
    assert ADDRESS in ledgers.differing(again.ledger, again.tree)


def test_constant_that_the_hems_was_told_of_is_not_taken_from_the_document() -> None:
    """A newer program tells its own SoftwareVersion."""
    assert DOCUMENT["acknowledged"][paths.SOFTWARE_VERSION] == "0.1.0"
    known = {**DOCUMENT["acknowledged"], paths.SOFTWARE_VERSION: "0.0.9"}
    again, _ = restored(factory(), changed(acknowledged=known), BOOT_ID)
    assert again.tree.value(paths.SOFTWARE_VERSION) == "0.1.0"
    assert ledgers.differing(again.ledger, again.tree) == {paths.SOFTWARE_VERSION}


def test_reported_value_that_no_longer_fits_is_not_taken_from_the_document() -> None:
    known = {**DOCUMENT["acknowledged"], paths.OP_STATE: "perhaps"}
    again, _ = restored(factory(), changed(acknowledged=known), BOOT_ID)
    assert again.tree.value(paths.OP_STATE) == "false"


def test_what_no_longer_fits_the_model_is_named_and_left_out() -> None:
    values = {**DOCUMENT["values"], "Device.Former": "1", paths.S1_MODE: "Some"}
    known = {**DOCUMENT["acknowledged"], "Device.Former": "1"}
    again, lost = restored(factory(), changed(values=values, acknowledged=known), BOOT_ID)
    assert set(lost) == {"Device.Former", paths.S1_MODE}
    assert again.tree.provisioning.values == DOCUMENT["values"]


def test_new_box_has_an_empty_document() -> None:
    fresh = document(State(factory(), Ledger(), SECRET))
    nothing = {"reboot": "", "factory_reset": False}
    given = {k: v for k, v in fresh.items() if v}
    account = {"username": "", "password": ""}
    kept = {"secret": SECRET, "orders": nothing, "account": account}
    assert given == {"version": 3, **kept, "faults": record.written(Faults())}


def test_a_fault_code_is_written_down_as_its_number() -> None:
    failed = replace(DONE, fault_code=FaultCode.UPLOAD_FAILURE)
    assert json.loads(json.dumps(record.written(failed)))["fault_code"] == 9011


def test_document_of_the_first_version_is_migrated() -> None:
    kept = {**DOCUMENT, "version": 1}
    nothing = {"reboot": "", "factory_reset": False}
    new = {"rows": {}, "numbers": {}, "owed": [], "scheduled": [], "orders": nothing}
    new |= {"cwmp": "", "account": {"username": "", "password": ""}}
    new |= {"faults": record.written(Faults()), "closed": []}
    for key in new:
        del kept[key]
    state, lost = restored(factory(), kept, BOOT_ID)
    assert lost == ()
    assert document(state) == {**DOCUMENT, **new}


def test_document_of_the_second_version_knew_of_no_alarms() -> None:
    kept = {**DOCUMENT, "version": 2}
    del kept["faults"], kept["closed"]
    state, lost = restored(factory(), kept, BOOT_ID)
    assert lost == ()
    assert state.faults == Faults()


@pytest.mark.conformance("C173")
@pytest.mark.parametrize("boot_id", [BOOT_ID, "another boot"])
def test_what_was_told_of_alarms_survives_a_restart_and_a_reboot(boot_id: str) -> None:
    event = AlarmEvent("2026-02-03T04:05:06Z", 1, "NewAlarm", 2, "ManagedElement=1", "text", "")
    told = faults.after(Faults(), (event,), {2: EXPEDITED})
    tree = reported(STATE.tree, told)
    kept = json.loads(json.dumps(document(replace(STATE, tree=tree, faults=told))))
    again, lost = restored(factory(), kept, boot_id)
    assert lost == ()
    assert again.faults == told
    for table in (paths.CURRENT_ALARMS, paths.ALARM_HISTORY, paths.EXPEDITED_EVENTS):
        assert again.tree.instances[table] == (1,)
        assert again.tree.values[f"{table}1.AdditionalText"] == "text"
    # It is told though nobody has seen it change.
    assert paths.EXPEDITED_EVENTS + "1.EventTime" in ledgers.differing(again.ledger, again.tree)


@pytest.mark.parametrize("key", sorted(DOCUMENT))
def test_document_without_one_of_its_keys_is_damaged(key: str) -> None:
    kept = {k: v for k, v in DOCUMENT.items() if k != key}
    with pytest.raises(ValueError, match=key):
        restored(factory(), kept, BOOT_ID)


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 4},
        {"version": "3"},
        {"version": None},
        {"secret": None},
        {"secret": 7},
        {"secret": "no hex"},
        {"secret": "abc"},
        {"secret": ""},
        {"values": None},
        {"values": []},
        {"values": "text"},
        {"values": {paths.S1_PORT: 36500}},
        {"values": {paths.HNB_NAME: None}},
        {"notifications": None},
        {"notifications": {paths.S1_PORT: "x"}},
        {"notifications": {paths.S1_PORT: None}},
        {"notifications": {paths.S1_PORT: 7}},
        {"notifications": {paths.S1_PORT: -1}},
        {"rows": None},
        {"rows": {paths.PLMN_LIST: 1}},
        {"rows": {paths.PLMN_LIST: [0]}},
        {"rows": {paths.PLMN_LIST: [True]}},
        {"rows": {paths.PLMN_LIST: ["1"]}},
        {"numbers": []},
        {"numbers": {paths.PLMN_LIST: 1.5}},
        {"hems": None},
        {"hems": 7},
        {"boot_id": None},
        {"acknowledged": None},
        {"acknowledged": {paths.OP_STATE: True}},
        {"events": None},
        {"events": 7},
        {"events": "text"},
        {"events": ["ab"]},
        {"events": [["M Reboot"]]},
        {"events": [["M Reboot", "key", "more"]]},
        {"events": [["M Reboot", None]]},
        {"events": [None]},
        {"events": [["M Dance", "key"]]},
        {"cwmp": "1-7"},
        {"owed": [None]},
        {"scheduled": [{}]},
        {"scheduled": [{"command_key": "key", "delay_s": 0, "due": 1}]},
        {"scheduled": [{"command_key": None, "delay_s": 1, "due": 1}]},
        {"closed": None},
        {"closed": [7]},
        {"faults": None},
        {"faults": {}},
        {"orders": None},
        {"orders": {}},
        {"orders": {"reboot": 1, "factory_reset": False}},
        {"orders": {"reboot": "", "factory_reset": 1}},
        {"owed": [{}]},
        {"owed": [{**DOCUMENT["owed"][0], "method": "Dance"}]},
        {"owed": [{**DOCUMENT["owed"][0], "event": ["M Download"]}]},
        {"owed": [{**DOCUMENT["owed"][0], "arguments": {}}]},
        {"owed": [{**DOCUMENT["owed"][0], "arguments": None}]},
        {"owed": [{**DOCUMENT["owed"][0], "method": "AutonomousTransferComplete"}]},
    ],
    ids=str,
)
def test_damaged_document_is_an_error(damage: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        restored(factory(), changed(**damage), BOOT_ID)


texts = st.text(max_size=5)
junk: Any = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@QUICK
@given(st.sampled_from(sorted(DOCUMENT)), junk)
def test_any_damage_is_an_error_or_a_document(key: str, value: Any) -> None:
    try:
        again, _ = restored(factory(), changed(**{key: value}), BOOT_ID)
    except ValueError:
        return
    assert restored(factory(), document(again), BOOT_ID)[0].ledger == again.ledger


def test_document_tells_no_more_of_the_tree_than_what_the_hems_made() -> None:
    assert DOCUMENT["values"] == STATE.tree.provisioning.values
    assert DOCUMENT["notifications"] == {paths.S1_PORT: 1}
    assert STATE.tree.provisioning == Provisioning(DOCUMENT["values"], DOCUMENT["notifications"])


def test_state_of_another_boot_is_told_of_the_boot() -> None:
    again, _ = restored(factory(), DOCUMENT, "another boot")
    box = Box(again.tree, again.ledger)
    box.boot_id = "another boot"
    assert {"1 BOOT", "4 VALUE CHANGE", "M Reboot"} <= set(box.codes)
