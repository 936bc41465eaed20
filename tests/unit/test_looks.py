"""When the world is looked at, and at how much of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.looks import (
    FULL_WITHIN_S,
    LATE_S,
    LONGEST_PAUSE_S,
    PAUSE_S,
    QUIET_S,
    Look,
    Looks,
)
from tests.unit.settings import QUICK
from tests.unit.sights import NOW


def quiet() -> Looks:
    """Return looks of which none is wanted."""
    looks = Looks(NOW)
    assert looks.begin(NOW) is Look.FULL
    looks.end()
    return looks


def _want_hot(looks: Looks, _now: float) -> None:
    looks.want_hot()


def test_the_first_look_is_at_everything() -> None:
    assert Looks(NOW).begin(NOW) is Look.FULL


def test_a_look_holds_until_something_rings_or_is_wanted() -> None:
    assert not Looks(NOW).settled
    looks = quiet()
    assert looks.settled
    looks.want_full(NOW)
    assert not looks.settled
    looks = quiet()
    looks.ring(NOW)
    assert not looks.settled
    assert looks.begin(NOW) is Look.HOT
    assert not looks.settled
    looks.ring(NOW)
    looks.end()
    assert not looks.settled


def test_without_a_wish_there_is_no_look() -> None:
    looks = quiet()
    assert looks.begin(NOW + 1000) is None
    assert looks.wake_at() is None


def test_a_bell_leads_to_a_hot_look_and_when_it_is_quiet_to_a_full_one() -> None:
    looks = quiet()
    looks.ring(NOW)
    assert looks.begin(NOW) is Look.HOT
    assert looks.end() is Look.HOT
    assert looks.begin(NOW + QUIET_S / 2) is None
    assert looks.wake_at() == NOW + QUIET_S
    assert looks.begin(NOW + QUIET_S) is Look.FULL
    looks.end()
    assert looks.begin(NOW + QUIET_S) is None


def test_while_bells_ring_each_has_its_hot_look_and_the_full_one_waits() -> None:
    looks, found = quiet(), []
    for number in range(3):
        at = NOW + number * QUIET_S / 2
        looks.ring(at)
        found.append(looks.begin(at))
        looks.end()
    assert found == [Look.HOT] * 3
    assert looks.wake_at() == at + QUIET_S


def test_a_session_that_is_due_takes_a_hot_look_and_no_more() -> None:
    looks = quiet()
    looks.want_hot()
    assert looks.begin(NOW) is Look.HOT
    looks.end()
    assert looks.begin(NOW) is None
    assert looks.wake_at() is None


def test_an_audit_is_at_everything_and_nobody_waits_for_it() -> None:
    looks = quiet()
    looks.want_audit(NOW)
    assert looks.begin(NOW) is Look.AUDIT
    looks.end()
    assert looks.settled


@pytest.mark.parametrize("wish", [Looks.ring, Looks.want_full, _want_hot])
def test_an_audit_that_somebody_waits_for_is_none(wish: Callable[[Looks, float], None]) -> None:
    looks = quiet()
    looks.want_audit(NOW)
    wish(looks, NOW)
    assert looks.begin(NOW + FULL_WITHIN_S) is Look.FULL
    looks.end()
    looks.want_full(NOW)
    looks.want_audit(NOW)
    assert looks.begin(NOW + FULL_WITHIN_S) is Look.FULL


def test_one_look_goes_on_at_a_time() -> None:
    looks = quiet()
    looks.ring(NOW)
    looks.begin(NOW)
    looks.ring(NOW)
    looks.want_full(NOW)
    assert looks.going_on
    assert looks.begin(NOW) is None
    looks.end()
    assert not looks.going_on


def test_a_bell_during_a_look_leads_to_another_one() -> None:
    looks = Looks(NOW)
    looks.begin(NOW)
    looks.ring(NOW)
    looks.end()
    assert looks.begin(NOW) is Look.HOT


def test_many_bells_are_one_look() -> None:
    looks = quiet()
    for _ in range(1000):
        looks.ring(NOW)
    found = [looks.begin(NOW)]
    while looks.going_on:
        looks.end()
        found.append(looks.begin(NOW + QUIET_S))
    assert found == [Look.HOT, Look.FULL, None]


def test_bells_that_never_stop_do_not_keep_everything_from_being_looked_at() -> None:
    looks, now, full_at = quiet(), NOW, []
    for _ in range(1000):
        now += 0.001
        looks.ring(now)
        if looks.begin(now) is Look.FULL:
            full_at.append(now)
        looks.end()
    assert max(b - a for a, b in pairwise(full_at)) <= FULL_WITHIN_S + 0.01


def test_while_there_is_a_pause_no_look_begins_whatever_rings() -> None:
    looks = quiet()
    looks.want_full(NOW)
    looks.pause(NOW)
    looks.ring(NOW)
    assert looks.begin(NOW + PAUSE_S / 2) is None
    assert looks.wake_at() == NOW + PAUSE_S
    assert looks.begin(NOW + PAUSE_S) is Look.HOT


def test_a_pause_ends_early_where_the_hems_has_answered() -> None:
    looks = quiet()
    looks.ring(NOW)
    looks.pause(NOW)
    looks.resume(NOW + 0.001)
    assert looks.begin(NOW + 0.001) is Look.HOT


def test_pauses_one_in_the_other_do_not_keep_the_world_from_being_looked_at() -> None:
    looks, now, begun_at = quiet(), NOW, []
    for _ in range(1000):
        now += PAUSE_S / 10
        looks.ring(now)
        if looks.begin(now) is not None:
            begun_at.append(now)
            looks.end()
        looks.pause(now)
    assert max(b - a for a, b in pairwise(begun_at)) <= LONGEST_PAUSE_S + PAUSE_S


def test_an_answer_that_comes_as_a_pause_ends_begins_no_other_one() -> None:
    looks, now = quiet(), NOW
    looks.want_full(NOW)
    for _ in range(20):
        looks.pause(now)
        now = max(now, looks.paused_until) + 0.0005
    assert now < NOW + LONGEST_PAUSE_S + PAUSE_S
    assert looks.begin(now) is Look.FULL


def test_a_pause_wakes_nobody_who_wants_nothing() -> None:
    looks = quiet()
    looks.pause(NOW)
    assert looks.wake_at() is None


@QUICK
@given(st.lists(st.sampled_from(["ring", "hot", "full", "begin", "end", "pause", "time"])))
def test_a_wish_is_never_forgotten(steps: list[str]) -> None:
    looks, now, wished = Looks(NOW), NOW, True
    for step in steps:
        now += 0.001
        match step:
            case "ring":
                looks.ring(now)
                wished = True
            case "hot":
                looks.want_hot()
            case "full":
                looks.want_full(now)
                wished = True
            case "begin":
                if looks.begin(now) is Look.FULL:
                    wished = False
            case "end":
                if looks.going_on:
                    looks.end()
            case "pause":
                looks.pause(now)
            case "time":
                now += 0.1
    if looks.going_on:
        looks.end()
    if wished:
        at = looks.wake_at()
        assert at is not None
        found = [looks.begin(max(now, at))]
        looks.end()
        if found[0] is Look.HOT:
            found.append(looks.begin(max(now, at) + FULL_WITHIN_S))
        assert Look.FULL in found


def test_while_a_look_waits_for_its_answer_the_guards_are_seen_to_after_each_bell() -> None:
    looks = quiet()
    assert looks.late_at() is None
    looks.ring(NOW)
    looks.begin(NOW)
    assert looks.late_at() == NOW + LATE_S
    looks.seen(NOW + 1)
    assert looks.late_at() is None
    looks.ring(NOW)
    assert looks.late_at() == NOW + 1 + LATE_S
    looks.end()
    assert looks.late_at() is None
