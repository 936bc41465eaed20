"""What the HeMS knows and is owed: which events an Inform carries, and which values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.cwmp import events
from henbd.cwmp import ledger as ledgers
from henbd.cwmp import opening as openings
from henbd.cwmp.events import SECURITY_GATEWAY_REQUIRED
from henbd.cwmp.ledger import Ledger
from henbd.cwmp.messages import TransferComplete
from henbd.cwmp.structs import Event
from henbd.model import paths
from henbd.values import AddressFamily
from tests.unit.box import (
    ACTIVE,
    ADDRESS,
    BOOT,
    BOOTSTRAP,
    CALLED,
    CHANGE,
    OFF,
    PASSIVE,
    PERIODIC,
    Box,
    registered,
    told,
)
from tests.unit.settings import QUICK, factory, ipsec

PERIODIC_EVENT = Event(PERIODIC)


def restarted(ledger: Ledger) -> Ledger:
    """Return what a new process has of a ledger."""
    return Ledger(
        hems=ledger.hems,
        boot_id=ledger.boot_id,
        acknowledged=ledger.acknowledged,
        events=ledger.events,
    )


# Registration.


def test_first_contact_is_bootstrap_and_boot_at_once() -> None:
    box = Box()
    assert box.codes == [BOOTSTRAP, BOOT]
    assert box.due == 0


@pytest.mark.conformance("C084", "C085")
def test_registration_carries_the_forced_parameters_and_the_inner_address() -> None:
    """TS 32.593 5.1.3."""
    box = Box()
    forced = {path for path, row in box.tree.rows.items() if row.forced}
    assert told(box.open()).keys() == forced | {ADDRESS}
    assert told(box.open())[ADDRESS] == "10.99.0.1"


def test_registration_without_an_inner_address_does_not_name_one() -> None:
    assert ADDRESS not in told(Box(factory()).open())


@pytest.mark.conformance("C089")
def test_inform_carries_each_value_once_and_with_its_type() -> None:
    opening = Box().open()
    names = [p.name for p in opening.parameters]
    assert len(names) == len(set(names))
    assert names[: len(factory().forced)] == list(factory().forced)
    assert {p.type for p in opening.parameters if p.name == paths.OP_STATE} == {"boolean"}


def test_bootstrap_takes_all_current_values_as_baseline() -> None:
    box = Box()
    box.notify(paths.S1_PORT, PASSIVE)
    opening = box.succeed()
    assert paths.S1_PORT not in told(opening)
    assert box.ledger.acknowledged == {p: box.tree.value(p) for p in box.tree.notified}


def test_boot_goes_by_the_boot_and_not_by_the_process() -> None:
    box = registered()
    box.ledger = restarted(box.ledger)
    assert box.codes == []
    box.boot_id = "another"
    assert (box.codes, box.due) == ([BOOT], 0)
    box.succeed()
    assert box.due is None


def test_registration_after_a_boot_carries_the_inner_address_again() -> None:
    """TS 32.593 5.1.3: the Serving HeMS is told where we are to be found, changed or not."""
    box = registered()
    box.boot_id = "another"
    assert told(box.open())[ADDRESS] == "10.99.0.1"


@pytest.mark.conformance("C064", "C065")
def test_undelivered_bootstrap_stays_and_boot_with_it() -> None:
    box = Box()
    box.fail()
    assert box.codes == [BOOTSTRAP, BOOT]


@pytest.mark.conformance("C064", "C078", "C079")
def test_what_happens_before_the_bootstrap_is_told_with_it() -> None:
    box = Box()
    required = SECURITY_GATEWAY_REQUIRED
    box.ledger = ledgers.with_event(box.ledger, required)
    assert box.codes == [BOOTSTRAP, BOOT, required.code]
    box.fail()
    box.ledger = restarted(box.ledger)
    assert box.codes == [BOOTSTRAP, BOOT, required.code]
    box.succeed()
    assert box.codes == []


@pytest.mark.conformance("C007", "C078")
def test_what_happened_before_the_url_changed_is_discarded_and_the_rest_told() -> None:
    box = registered()
    box.ledger = ledgers.with_event(box.ledger, Event("2 PERIODIC"))
    box.configure({paths.URL: "https://another.example/"})
    box.ledger = ledgers.turned(box.ledger)
    assert box.codes == [BOOTSTRAP]
    box.ledger = ledgers.with_event(box.ledger, SECURITY_GATEWAY_REQUIRED)
    assert box.codes == [BOOTSTRAP, SECURITY_GATEWAY_REQUIRED.code]


@pytest.mark.conformance("C007")
def test_new_url_is_bootstrap_and_empties_the_ledger() -> None:
    box = registered()
    box.notify(paths.S1_PORT, PASSIVE)
    box.configure({paths.URL: "https://another.example/"})
    box.ledger = ledgers.with_event(box.ledger, Event("M Reboot", "key"))
    box.report(address="10.99.0.2")
    assert box.codes == [BOOTSTRAP]
    opening = box.succeed()
    assert opening.hems == "https://another.example/"
    assert (box.codes, box.due) == ([], None)
    assert box.ledger.acknowledged[paths.S1_PORT] == "36412"


def test_former_hems_gets_a_bootstrap_too_when_it_comes_back() -> None:
    box = registered()
    first = box.management.url
    box.configure({paths.URL: "https://another.example/"})
    box.succeed()
    box.configure({paths.URL: first})
    assert box.codes == [BOOTSTRAP]


def test_url_that_changes_during_a_session_is_told_to_the_new_hems() -> None:
    box = registered()
    box.boot_id = "another"
    opening = box.open()
    box.acknowledge(opening)
    box.configure({paths.URL: "https://another.example/"})
    box.ledger = openings.succeeded(box.ledger, box.now)
    assert (box.codes, box.due) == ([BOOTSTRAP], 0)


def test_event_that_comes_during_a_bootstrap_session_is_kept() -> None:
    box = Box()
    opening = box.open()
    box.ledger = ledgers.with_event(box.ledger, PERIODIC_EVENT)
    box.acknowledge(opening)
    assert box.codes == [PERIODIC]


# Value changes.


def test_changed_address_is_told_at_once_and_once() -> None:
    """TS 32.593 5.2.4."""
    box = registered()
    box.report(address="10.99.0.2")
    assert (box.codes, box.due) == ([CHANGE], 0)
    opening = box.succeed()
    assert told(opening)[ADDRESS] == "10.99.0.2"
    assert (box.codes, box.due) == ([], None)


@pytest.mark.conformance("C069", "C070")
def test_value_change_carries_what_changed_and_what_is_forced() -> None:
    box = registered()
    box.report(address="10.99.0.2")
    forced = {path for path, row in box.tree.rows.items() if row.forced}
    assert told(box.open()).keys() == forced | {ADDRESS}


@pytest.mark.conformance("C100")
def test_there_and_back_before_delivery_is_told_once() -> None:
    box = registered()
    box.report(address="10.99.0.2")
    box.report(address="10.99.0.1")
    assert box.codes == [CHANGE]
    assert told(box.succeed())[ADDRESS] == "10.99.0.1"
    assert box.codes == []


def test_there_and_back_over_a_failed_session_is_told() -> None:
    box = registered()
    box.report(address="10.99.0.2")
    box.fail()
    box.report(address="10.99.0.1")
    assert told(box.succeed())[ADDRESS] == "10.99.0.1"


def test_mark_comes_back_when_the_session_fails_before_the_acknowledgement() -> None:
    box = registered()
    box.report(address="10.99.0.2")
    box.report(address="10.99.0.1")
    box.fail()
    assert box.codes == [CHANGE]


def test_same_value_again_is_silent() -> None:
    """No debounce: a reauthentication that gets the same address back changes nothing."""
    box = registered()
    box.report(address="10.99.0.1", up="false")
    assert (box.codes, box.due) == ([], None)


def test_acknowledgement_is_for_what_was_sent_and_not_for_what_is() -> None:
    box = registered()
    box.report(address="10.99.0.2")
    opening = box.open()
    box.report(address="10.99.0.3")
    box.acknowledge(opening)
    box.ledger = openings.succeeded(box.ledger, box.now)
    assert (box.codes, box.due) == ([CHANGE], 0)
    assert told(box.succeed())[ADDRESS] == "10.99.0.3"


def test_change_back_during_the_session_is_told_afterwards() -> None:
    box = registered()
    box.report(address="10.99.0.2")
    opening = box.open()
    box.report(address="10.99.0.1")
    box.acknowledge(opening)
    assert box.codes == [CHANGE]
    assert told(box.succeed())[ADDRESS] == "10.99.0.1"
    assert box.codes == []


def test_change_during_a_bootstrap_session_is_told_afterwards() -> None:
    box = Box()
    opening = box.open()
    box.report(address="10.99.0.2")
    box.acknowledge(opening)
    assert box.codes == [CHANGE]


def test_session_that_fails_after_the_acknowledgement_has_told_all_the_same() -> None:
    box = registered()
    box.report(address="10.99.0.2")
    box.fail_after_inform()
    assert box.codes == []
    assert box.ledger.failures == 1


@pytest.mark.conformance("C099")
def test_difference_that_is_found_at_start_is_told() -> None:
    """What changed while nobody looked."""
    box = registered()
    again = Box(factory().report({ADDRESS: "10.99.0.2"}), restarted(box.ledger))
    assert (again.codes, again.due) == ([CHANGE], 0)
    assert told(again.succeed())[ADDRESS] == "10.99.0.2"


def test_restart_without_a_difference_is_silent() -> None:
    box = registered()
    again = Box(box.tree, restarted(box.ledger))
    assert (again.codes, again.due) == ([], None)


def test_row_that_has_no_value_yet_is_no_change() -> None:
    """Absence is not a value: a family that was configured anew has nothing to tell so far."""
    box = registered()
    both = factory(ipsec=ipsec(families=(AddressFamily.IPV4, AddressFamily.IPV6)))
    again = Box(both.report({ADDRESS: "10.99.0.1"}), box.ledger)
    assert again.due is None


def test_what_the_hems_itself_set_is_known_to_it() -> None:
    box = registered()
    box.notify(paths.S1_PORT, PASSIVE)
    box.notify(paths.ADMIN_STATE, ACTIVE)
    box.succeed()
    box.configure({paths.S1_PORT: "36500", paths.ADMIN_STATE: "true"})
    changed = frozenset({paths.S1_PORT, paths.ADMIN_STATE, paths.URL})
    box.ledger = ledgers.taught(box.ledger, box.tree, changed)
    assert (box.codes, box.due) == ([], None)
    box.fail()
    assert box.codes == []


def test_set_teaches_nothing_of_other_parameters() -> None:
    box = registered()
    box.report(address="10.99.0.2")
    box.ledger = ledgers.taught(box.ledger, box.tree, frozenset({paths.S1_PORT}))
    assert box.codes == [CHANGE]
    assert box.ledger.acknowledged[ADDRESS] == "10.99.0.1"


def test_what_the_hems_set_is_unmarked() -> None:
    box = registered()
    box.notify(paths.ADMIN_STATE, ACTIVE)
    box.succeed()
    box.ledger = replace(box.ledger, changed=frozenset({paths.ADMIN_STATE}))
    box.ledger = ledgers.taught(box.ledger, box.tree, frozenset({paths.ADMIN_STATE}))
    assert box.codes == []


@pytest.mark.conformance("C098")
def test_passive_change_waits_for_another_reason() -> None:
    box = registered()
    box.notify(paths.OP_STATE, PASSIVE)
    box.report(up="true")
    assert box.due is None
    box.ledger = ledgers.called(box.ledger)
    assert box.codes == [CHANGE, CALLED]
    assert told(box.succeed())[paths.OP_STATE] == "true"
    assert box.codes == []


def test_change_without_notification_is_not_told() -> None:
    box = registered()
    box.notify(ADDRESS, OFF)
    box.report(address="10.99.0.2")
    assert (box.codes, box.due) == ([], None)
    box.notify(ADDRESS, ACTIVE)
    assert box.codes == [CHANGE]


def test_mark_is_dropped_with_its_notification() -> None:
    box = registered()
    box.report(address="10.99.0.2")
    box.notify(ADDRESS, OFF)
    assert box.codes == []


@pytest.mark.conformance("C047")
def test_secret_is_in_no_inform() -> None:
    """It reads back as empty, under notification too."""
    box = registered()
    box.notify(paths.PASSWORD, ACTIVE)
    box.ledger = ledgers.called(box.ledger)
    assert told(box.succeed()).get(paths.PASSWORD, "") == ""
    assert (box.codes, box.due) == ([], None)


# Events.


@pytest.mark.conformance("C080")
def test_events_come_in_the_order_of_their_codes_and_each_once() -> None:
    box = registered()
    box.boot_id = "another"
    box.ledger = ledgers.called(ledgers.called(box.ledger))
    box.ledger = ledgers.with_event(box.ledger, Event("M Reboot", "key"))
    for _ in range(2):
        box.ledger = ledgers.with_event(box.ledger, PERIODIC_EVENT)
    box.report(address="10.99.0.2")
    assert box.codes == [BOOT, PERIODIC, CHANGE, CALLED, "M Reboot"]


@pytest.mark.conformance("C082")
def test_events_stay_until_they_are_acknowledged() -> None:
    box = registered()
    box.ledger = ledgers.with_event(box.ledger, PERIODIC_EVENT)
    box.fail()
    assert box.codes == [PERIODIC]
    box.ledger = openings.given_up(box.ledger, box.open(), informed=False)
    assert box.codes == [PERIODIC]
    box.succeed()
    assert box.codes == []


def test_events_of_one_code_differ_by_their_command_key() -> None:
    box = registered()
    box.ledger = ledgers.with_event(box.ledger, Event(events.SCHEDULE_INFORM, "a"))
    opening = box.open()
    box.ledger = ledgers.with_event(box.ledger, Event(events.SCHEDULE_INFORM, "b"))
    box.acknowledge(opening)
    assert [e.command_key for e in box.ledger.events] == ["b"]


@pytest.mark.conformance("C068", "C080")
def test_event_of_a_command_is_told_once_for_each_occurrence_in_order_with_its_companion() -> None:
    box = registered()
    for key in ("b", "a", "b"):
        box.ledger = ledgers.with_event(box.ledger, Event(events.SCHEDULE_INFORM, key))
    opening = box.open()
    assert [(e.code, e.command_key) for e in opening.events] == [
        ("3 SCHEDULED", ""),
        *(("M ScheduleInform", key) for key in ("b", "a", "b")),
    ]
    box.acknowledge(opening)
    assert box.codes == []


@pytest.mark.conformance("C077")
def test_reboot_that_was_ordered_is_told_with_the_boot_and_not_before() -> None:
    box = registered()
    box.ledger = ledgers.with_event(box.ledger, Event(events.REBOOT, "key"))
    assert box.codes == []
    box.ledger = ledgers.called(box.ledger)
    box.succeed()
    box.boot_id = "another"
    assert box.codes == [BOOT, "M Reboot"]


@pytest.mark.conformance("C080")
def test_no_more_than_64_events_are_told_at_a_time_and_none_is_lost() -> None:
    box = registered()
    keys = [str(number) for number in range(100)]
    for key in keys:
        box.ledger = ledgers.with_event(box.ledger, Event(events.SCHEDULE_INFORM, key))
    first, second = box.succeed().events, box.succeed().events
    assert (len(first), len(second)) == (64, 38)
    assert [e.command_key for e in (*first, *second) if e.command_key] == keys
    assert box.codes == []


@pytest.mark.conformance("C054")
def test_event_that_is_on_its_way_and_comes_again_is_told_again() -> None:
    """But once only where the first was not delivered."""
    box = registered()
    box.ledger = ledgers.with_event(box.ledger, events.SECURITY_GATEWAY_REQUIRED)
    opening = box.open()
    box.ledger = ledgers.with_event(box.ledger, events.SECURITY_GATEWAY_REQUIRED)
    kept = box.ledger
    box.fail(opening)
    assert box.codes == [events.SECURITY_GATEWAY_REQUIRED.code]
    box.ledger = kept
    box.acknowledge(opening)
    assert box.codes == [events.SECURITY_GATEWAY_REQUIRED.code]


# Requests that we owe.

DONE = TransferComplete("key", 0, "", "2026-02-03T04:05:06Z", "2026-02-03T04:05:07Z")
DOWNLOADED = Event(events.DOWNLOAD, "key")


@pytest.mark.conformance("C073", "C082")
def test_transfer_is_announced_until_its_request_is_answered_and_not_only_informed() -> None:
    box = registered()
    box.ledger = ledgers.owing(box.ledger, DOWNLOADED, DONE)
    assert (box.codes, box.due) == (["7 TRANSFER COMPLETE", "M Download"], 0)
    opening = box.succeed()
    assert [owed.call for owed in opening.owed] == [DONE]
    assert box.codes == ["7 TRANSFER COMPLETE", "M Download"]
    box.ledger = ledgers.paid(box.ledger, opening.owed[0])
    assert box.codes == []


def test_transfers_that_are_alike_are_owed_one_by_one() -> None:
    box = registered()
    for _ in range(2):
        box.ledger = ledgers.owing(box.ledger, DOWNLOADED, DONE)
    assert box.codes == ["7 TRANSFER COMPLETE", "M Download", "M Download"]
    box.ledger = ledgers.paid(box.ledger, box.ledger.owed[0])
    assert box.codes == ["7 TRANSFER COMPLETE", "M Download"]


@pytest.mark.conformance("C007")
def test_new_hems_is_not_owed_what_the_former_one_was() -> None:
    """What came since is for it."""
    box = registered()
    box.ledger = ledgers.owing(box.ledger, DOWNLOADED, DONE)
    box.configure({paths.URL: "https://another.example/"})
    assert box.codes == [BOOTSTRAP]
    opening = box.open()
    later = TransferComplete("later", 0, "", DONE.start_time, DONE.complete_time)
    box.ledger = ledgers.owing(box.ledger, DOWNLOADED, later)
    box.acknowledge(opening)
    assert [owed.call for owed in box.ledger.owed] == [later]


def test_what_the_former_hems_is_owed_is_kept_until_the_new_one_has_answered() -> None:
    box = registered()
    former = box.management.url
    box.ledger = ledgers.owing(box.ledger, DOWNLOADED, DONE)
    box.ledger = ledgers.with_event(box.ledger, PERIODIC_EVENT)
    box.configure({paths.URL: "https://another.example/"})
    box.fail()
    box.configure({paths.URL: former})
    assert box.codes == [PERIODIC, "7 TRANSFER COMPLETE", "M Download"]


@pytest.mark.conformance("C072")
def test_connection_request_is_dropped_when_its_session_fails() -> None:
    box = registered()
    box.ledger = ledgers.called(box.ledger)
    assert (box.codes, box.due) == ([CALLED], 0)
    box.fail()
    assert (box.codes, box.due) == ([], None)


@pytest.mark.conformance("C054", "C158")
def test_connection_request_during_a_session_is_served_afterwards() -> None:
    box = registered()
    box.ledger = ledgers.called(box.ledger)
    opening = box.open()
    box.ledger = ledgers.called(box.ledger)
    box.acknowledge(opening)
    box.ledger = openings.succeeded(box.ledger, box.now)
    assert (box.codes, box.due) == ([CALLED], 0)


def test_connection_request_survives_a_session_that_we_gave_up() -> None:
    """An abort is no failed attempt: the HeMS was promised a session."""
    box = registered()
    box.ledger = ledgers.called(box.ledger)
    opening = box.open()
    box.ledger = openings.given_up(box.ledger, opening, informed=False)
    assert (box.codes, box.due) == ([CALLED], 0)


def test_connection_request_that_was_acknowledged_is_over() -> None:
    box = registered()
    box.ledger = ledgers.called(box.ledger)
    opening = box.open()
    box.acknowledge(opening)
    box.ledger = openings.given_up(box.ledger, opening, informed=True)
    assert (box.codes, box.due) == ([], None)


def test_given_up_session_is_no_failed_attempt() -> None:
    box = registered()
    box.report(address="10.99.0.2")
    box.report(address="10.99.0.1")
    opening = box.open()
    box.ledger = openings.given_up(box.ledger, opening, informed=False)
    assert (box.codes, box.due) == ([CHANGE], 0)
    assert box.open().retry_count == 0


@pytest.mark.conformance("C008")
@pytest.mark.parametrize("values", [{paths.ENABLE_CWMP: "false"}, {paths.URL: ""}])
def test_nothing_is_due_without_a_hems(values: dict[str, str]) -> None:
    box = Box()
    box.ledger = ledgers.called(box.ledger)
    box.configure(values)
    assert box.due is None


# Everything together.

ADDRESSES = {"a": "10.99.0.1", "b": "10.99.0.2", "c": "10.99.0.3"}
STEPS = [*ADDRESSES, "call", "good", "bad", "late", "abort"]


@QUICK
@given(st.lists(st.sampled_from(STEPS), max_size=30))
def test_whatever_happens_each_change_is_told_and_the_last_value_known(course: list[str]) -> None:
    box = Box()
    known, changed = "", True
    for step in course:
        match step:
            case "call":
                box.ledger = ledgers.called(box.ledger)
            case "good" | "late":
                opening = box.succeed() if step == "good" else box.fail_after_inform()
                known, changed = told(opening).get(ADDRESS, known), False
            case "bad":
                box.fail()
            case "abort":
                box.ledger = openings.given_up(box.ledger, box.open(), informed=False)
            case _:
                changed |= box.tree.value(ADDRESS) != ADDRESSES[step]
                box.report(address=ADDRESSES[step])
        assert bool({CHANGE, BOOTSTRAP} & set(box.codes)) is changed
        assert changed or known == box.tree.value(ADDRESS)
    known = told(box.succeed()).get(ADDRESS, known)
    assert known == box.tree.value(ADDRESS)
    assert (box.codes, box.due) == ([], None)
