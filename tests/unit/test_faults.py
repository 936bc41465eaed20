"""Alarms: which there are, when they are raised, and what is told of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.control import fault_record, faults, report_faults
from henbd.control.alarms import (
    DISABLED,
    EXPEDITED,
    KINDS,
    LOGGED,
    MOST_RAISED,
    QUEUED,
    Finding,
)
from henbd.control.faults import (
    CHANGED,
    CLEARED,
    HOLD_S,
    LONGEST_HOLD_S,
    MOST_HISTORY,
    MOST_TOLD,
    NEW,
    Faults,
    Suspicions,
)
from henbd.cwmp import record
from henbd.model import paths, types
from henbd.values import Unknown
from tests.unit.settings import factory, settings

TUNNEL, S1, S1_PARTLY, STACK = 1, 2, 3, 4
AT = "2026-02-03T04:05:06Z"
NAMES = dict.fromkeys(KINDS, "ManagedElement=1")
SILENT: dict[int, Finding] = dict.fromkeys(KINDS)
DEFAULTS = {number: kind.reporting for number, kind in KINDS.items()}

# The words of X.733 8.1.1 as 3GPP TS 32.111-2 has them.
EVENT_TYPES = {
    "Communications Alarm",
    "Processing Error Alarm",
    "Environmental Alarm",
    "Quality Of Service Alarm",
    "Equipment Alarm",
}


class Watch:
    """Looks one after the other, and what becomes of the alarms."""

    def __init__(self, **mechanisms: str) -> None:
        self.faults = Faults()
        self.mechanisms = {**DEFAULTS, **{int(n[1:]): m for n, m in mechanisms.items()}}
        self.suspicions: Suspicions = faults.suspected(self.faults)
        self.now = 0.0
        self.changes = 0

    def look(self, *there: int, seconds: float = 0.0) -> list[tuple[str, int, int]]:
        """See that these kinds are the case, for so long; return what was told of it."""
        found = {**SILENT, **dict.fromkeys(there, "text")}
        told = []
        for at in (self.now, self.now + seconds):
            self.now = at
            self.suspicions = faults.judged(self.suspicions, found, at, share=0.0)
            wanted = faults.wanted(self.suspicions, self.mechanisms)
            events = faults.happened(self.faults, wanted, {}, NAMES, AT)
            self.faults = faults.after(self.faults, events, self.mechanisms)
            self.changes += bool(events)
            told += [(e.notification, e.kind, e.identifier) for e in events]
        return told


@pytest.mark.conformance("C174")
def test_each_alarm_is_told_in_the_words_of_the_standard() -> None:
    for kind in KINDS.values():
        assert kind.event_type in EVENT_TYPES
        assert kind.severity in ("Critical", "Major", "Minor", "Warning")
        assert kind.probable_cause
    tree = factory()
    for path, value in report_faults.supported().items():
        assert tree.values[path] == value
    assert tree.values[paths.FAULTS + "SupportedAlarmNumberOfEntries"] == str(len(KINDS))


def test_supported_alarms_have_the_keys_of_the_standard() -> None:
    keys = [(k.event_type, k.probable_cause, k.problem, k.severity) for k in KINDS.values()]
    assert len(set(keys)) == len(keys)
    # CurrentAlarm has no severity in its key: one alarm of a problem at a time.
    problems = {(k.event_type, k.probable_cause, k.problem) for k in KINDS.values()}
    assert len(problems) == MOST_RAISED


@pytest.mark.conformance("C174")
@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        ("", "ManagedElement=00256D-0001"),
        ("DC=example,SubNetwork=1", "DC=example,SubNetwork=1,ManagedElement=00256D-0001"),
        ("SubNetwork=1,", "SubNetwork=1,ManagedElement=00256D-0001"),
    ],
)
def test_object_is_named_by_the_prefix_and_its_name_in_the_box(prefix: str, name: str) -> None:
    tree = factory().set([(paths.DN_PREFIX, prefix)])
    device = settings().device
    assert report_faults.instances(tree, device)[TUNNEL] == name
    assert report_faults.instances(tree, device)[S1] == f"{name},ENBFunction=1"
    odd = replace(device, serial_number='a,b+"c"')
    assert report_faults.instances(tree, odd)[TUNNEL].endswith(r"00256D-a\,b\+\"c\"")


def test_alarm_is_raised_when_it_has_been_so_for_a_while_and_cleared_the_same() -> None:
    watch = Watch()
    assert watch.look(S1, seconds=KINDS[S1].patience_s - 1) == []
    assert watch.look(seconds=1) == []
    assert watch.look(S1, seconds=KINDS[S1].patience_s) == [(NEW, S1, 1)]
    assert watch.look(seconds=HOLD_S - 1) == []
    assert watch.look(S1, seconds=1) == []
    assert watch.look(seconds=HOLD_S) == [(CLEARED, S1, 1)]
    assert watch.faults.raised == ()


def test_another_severity_is_a_change_and_never_a_clearance() -> None:
    watch = Watch()
    watch.look(S1, seconds=100)
    assert watch.look(S1_PARTLY, seconds=HOLD_S) == [(CHANGED, S1_PARTLY, 1)]
    assert watch.look(S1, seconds=100) == [(CHANGED, S1, 1)]
    (alarm,) = watch.faults.raised
    assert (alarm.kind, alarm.identifier) == (S1, 1)


def test_about_what_cannot_be_said_nothing_turns() -> None:
    watch = Watch()
    watch.look(S1, seconds=100)
    unknown = {**SILENT, S1: Unknown("nobody answers")}
    for now in (1000.0, 9000.0):
        watch.suspicions = faults.judged(watch.suspicions, unknown, now, share=0.0)
    assert watch.suspicions[S1].counts
    assert not list(faults.times(watch.suspicions, 0.0))


def test_alarm_that_comes_and_goes_for_a_day_is_told_about_once_an_hour() -> None:
    watch = Watch()
    period_s = KINDS[S1].patience_s + HOLD_S
    for _ in range(int(24 * 3600 / (2 * period_s))):
        watch.look(S1, seconds=period_s)
        watch.look(seconds=period_s)
    # Held for 1, 2, 4 … 60 minutes; whatever is shorter than that is one alarm.
    assert watch.changes <= 8
    watch = Watch()
    for _ in range(24):
        watch.look(S1, seconds=1800)
        watch.look(seconds=LONGEST_HOLD_S)
    assert watch.changes <= 48


def test_boxes_do_not_all_tell_at_the_same_moment() -> None:
    begun = faults.suspected(Faults())
    ends = set()
    for share in (0.0, 0.5, 0.9):
        after = faults.judged(begun, {**SILENT, S1: ""}, 0.0, share)
        ends |= set(faults.times(after, 0.0))
    assert ends == {60.0, 90.0, 114.0}


@pytest.mark.parametrize(
    ("mechanism", "expedited", "queued", "history", "raised"),
    [
        (EXPEDITED, 1, 0, 1, 1),
        (QUEUED, 0, 1, 1, 1),
        (LOGGED, 0, 0, 1, 1),
        (DISABLED, 0, 0, 0, 0),
    ],
)
def test_reporting_mechanism_says_where_an_alarm_is_told(
    mechanism: str, expedited: int, queued: int, history: int, raised: int
) -> None:
    watch = Watch(k1=mechanism)
    watch.look(TUNNEL, seconds=100)
    told = watch.faults
    counts = [len(ring.events) for ring in (told.expedited, told.queued, told.history)]
    assert counts == [expedited, queued, history]
    assert len(told.raised) == raised


def test_alarm_that_is_disabled_is_not_raised_any_more_and_nothing_is_told() -> None:
    watch = Watch()
    watch.look(TUNNEL, seconds=100)
    before = watch.faults
    watch.mechanisms[TUNNEL] = DISABLED
    watch.look(TUNNEL)
    assert watch.faults == replace(before, raised=())


def test_history_rolls_and_the_events_of_one_alarm_share_a_row_of_those_told() -> None:
    watch = Watch()
    for number in range(MOST_HISTORY):
        watch.look(TUNNEL, seconds=100)
        watch.look(seconds=2 * LONGEST_HOLD_S)
        told = watch.faults
        assert len(told.history.events) == min(2 * (number + 1), MOST_HISTORY)
        assert len(told.expedited.events) == min(number + 1, MOST_TOLD)
        identifiers = [event.identifier for event in told.expedited.events]
        assert len(set(identifiers)) == len(identifiers)
    last = watch.faults.history.events[watch.faults.history.next - 1]
    assert (last.notification, last.identifier) == (CLEARED, MOST_HISTORY)
    assert len({(e.identifier, e.notification) for e in told.history.events}) == MOST_HISTORY


def test_tree_shows_what_is_raised_and_what_was_told() -> None:
    watch = Watch()
    watch.look(TUNNEL, seconds=100)
    watch.look(TUNNEL, S1, seconds=100)
    watch.look(S1, seconds=100)
    tree = report_faults.reported(factory(), watch.faults)
    assert tree.instances[paths.CURRENT_ALARMS] == (2,)
    row = paths.CURRENT_ALARMS + "2."
    assert tree.values[row + "PerceivedSeverity"] == "Critical"
    assert tree.values[row + "SpecificProblem"] == "S1 is not up"
    assert tree.values[row + "AlarmRaisedTime"] == AT
    told = [
        (
            tree.values[f"{paths.EXPEDITED_EVENTS}{n}.NotificationType"],
            tree.values[f"{paths.EXPEDITED_EVENTS}{n}.PerceivedSeverity"],
        )
        for n in tree.instances[paths.EXPEDITED_EVENTS]
    ]
    assert told == [(CLEARED, "Cleared"), (NEW, "Critical")]
    assert len(tree.instances[paths.ALARM_HISTORY]) == 3
    assert report_faults.reported(tree, watch.faults) is tree


def test_every_value_that_is_told_is_one_of_its_type() -> None:
    watch = Watch()
    watch.look(*KINDS, seconds=400)
    tree = report_faults.reported(factory(), watch.faults)
    for path, value in tree.values.items():
        if path.startswith(paths.FAULTS) and ".SupportedAlarm." not in path:
            assert types.canonical(tree.rows[path].type, value) == value


looks = st.lists(
    st.tuples(st.sets(st.sampled_from(sorted(KINDS))), st.integers(0, 7200)), max_size=12
)


@given(looks)
def test_whatever_happens_it_is_bounded_and_survives_being_written_down(
    seen: list[tuple[set[int], int]],
) -> None:
    watch = Watch()
    for there, seconds in seen:
        watch.look(*there, seconds=seconds)
    told = watch.faults
    assert len({KINDS[alarm.kind].problem for alarm in told.raised}) == len(told.raised)
    assert len(told.raised) <= MOST_RAISED
    assert fault_record.read(json.loads(json.dumps(record.written(told)))) == told


def test_alarms_that_a_newer_program_told_of_are_forgotten_alone() -> None:
    watch = Watch()
    watch.look(S1, seconds=100)
    entry = record.written(watch.faults)
    entry["history"]["events"][0]["kind"] = 99
    assert fault_record.read(entry) == Faults()


@pytest.mark.parametrize(
    "damage",
    [
        {"next": 1},
        {"next": "2"},
        {"raised": [{}]},
        {"raised": None},
        {"history": {"events": [], "next": 1}},
        {"queued": {"events": [], "next": -1}},
        {"expedited": {"events": [7], "next": 0}},
    ],
    ids=str,
)
def test_what_was_never_written_is_refused(damage: dict[str, object]) -> None:
    watch = Watch()
    watch.look(S1, seconds=100)
    with pytest.raises((TypeError, KeyError, ValueError), match=r"."):
        fault_record.read({**record.written(watch.faults), **damage})
