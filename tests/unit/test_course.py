"""What one look cannot show: since when something has been the case, and who failed lately."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from henbd.control import course as courses
from henbd.control import trials
from henbd.control.tunnel import Condition, Tunnel, judge
from henbd.values import Hold, PeerState, Stack, Unknown
from tests.unit.settings import QUICK
from tests.unit.sights import (
    CORE,
    INNER,
    INNER6,
    INNER_2,
    MME,
    MME6,
    NOBODY,
    NOW,
    charon,
    child_sa,
    course,
    desired,
    host,
    ike_sa,
    kernel,
    link,
    observed,
    stack,
)

UP = judge(charon(ike_sa()), kernel())
DOWN = Tunnel(Condition.DOWN)


def noted(
    before: courses.Course, seen: Stack | Unknown, now: float, tunnel: Tunnel = UP
) -> courses.Course:
    """Return the course after a look at a stack, with the tunnel as it was."""
    return courses.noted(before, observed(stack=seen), tunnel, tunnel, now, 0.5)


def test_the_tunnel_is_as_it_is_since_it_changed() -> None:
    before = course(tunnel_since=1.0)
    same = courses.noted(before, observed(), UP, UP, NOW, 0.5)
    assert same.tunnel_since == 1.0
    changed = courses.noted(before, observed(), UP, DOWN, NOW, 0.5)
    assert changed.tunnel_since == NOW


def test_another_inner_address_is_another_tunnel() -> None:
    other = judge(charon(ike_sa(inner=(INNER_2,))), kernel(inner=(INNER_2,)))
    assert courses.noted(course(), observed(), other, UP, NOW, 0.5).tunnel_since == NOW


def test_the_stack_is_lost_since_the_first_look_without_it() -> None:
    first = noted(course(), NOBODY, NOW)
    assert first.stack_lost_since == NOW
    assert noted(first, NOBODY, NOW + 5).stack_lost_since == NOW
    assert noted(first, stack(link()), NOW + 6).stack_lost_since is None


def test_the_stack_is_lost_for_good_after_the_hold_time() -> None:
    lost = noted(course(), NOBODY, NOW)
    assert not courses.stack_lost(lost, 10, NOW + 9.9)
    assert courses.stack_lost(lost, 10, NOW + 10)
    assert not courses.stack_lost(course(), 10, NOW)


def test_a_path_is_missed_since_the_first_look_without_it() -> None:
    first = courses.wanted(course(), desired(link=Hold.HOLD), NOW)
    assert first.pathless_since == NOW
    assert courses.wanted(first, desired(link=None), NOW + 5).pathless_since == NOW
    assert courses.wanted(first, desired(link=link()), NOW + 6).pathless_since is None


def test_a_far_end_that_failed_is_left_alone_for_time_to_wait() -> None:
    seen = stack(link(), PeerState.FAILED)
    waiting = replace(seen.peers[0], time_to_wait_s=20)
    after = noted(course(), replace(seen, peers=(waiting,)), NOW)
    assert trials.until(after.far_ends, MME) == NOW + 20


def test_a_far_end_that_works_has_never_failed() -> None:
    failed = noted(course(), stack(link(), PeerState.FAILED), NOW)
    assert trials.until(failed.far_ends, MME) > NOW
    assert noted(failed, stack(link()), NOW + 0.1).far_ends == trials.Trials()


def test_one_failure_that_is_seen_in_many_looks_is_one_failure() -> None:
    seen, after = stack(link(), PeerState.FAILED), course()
    for step in range(10):
        after = noted(after, seen, NOW + step / 100)
    assert after.far_ends.failures[MME].count == 1


def test_a_stack_that_says_nothing_clears_no_far_end() -> None:
    failed = noted(course(), stack(link(), PeerState.FAILED), NOW)
    assert noted(failed, NOBODY, NOW + 0.1).far_ends == failed.far_ends


def test_what_is_under_way_is_neither_failure_nor_success() -> None:
    for state in (PeerState.DOWN, PeerState.CONNECTING, PeerState.SETUP):
        assert noted(course(), stack(link(), state), NOW).far_ends == trials.Trials()


def test_times_are_those_at_which_time_alone_changes_something() -> None:
    before = course(
        pathless_since=NOW,
        stack_lost_since=NOW + 1,
        charon_lost_since=NOW + 2,
        far_ends=trials.failed(trials.Trials(), MME, NOW, 0.5, wait_s=20),
    )
    assert sorted(courses.times(before, 10, NOW)) == [
        *(NOW + 10, NOW + 11, NOW + 20),
        NOW + 2 + courses.CHARON_LOST_S,
    ]
    assert min(courses.times(before, 10, NOW + 10)) == NOW + 11
    assert list(courses.times(course(), 10, NOW)) == []


@QUICK
@given(st.floats(0, 1e7), st.integers(0, 3600))
@example(since=131069.05713513617, hold_s=10)
def test_what_times_promises_has_come_by_then(since: float, hold_s: int) -> None:
    """Else the loop would wake, find nothing to do, and not wake again."""
    lost = course(stack_lost_since=since)
    for at in courses.times(lost, hold_s, since - 1):
        assert courses.stack_lost(lost, hold_s, at)
    for at in courses.times(course(charon_lost_since=since), hold_s, since - 1):
        assert courses.charon_lost(course(charon_lost_since=since), at)


def test_policies_are_missing_when_one_family_of_a_child_has_none() -> None:
    both = (INNER, INNER6)
    sa = ike_sa(child_sa(CORE, host(MME6)), inner=both)
    only_4 = ike_sa(child_sa(CORE), inner=both)
    for of_sa, policies, missing in (
        (sa, set(both), set()),
        (sa, {INNER}, {INNER6}),
        (sa, {INNER6}, {INNER}),
        (sa, set(), set(both)),
        (only_4, {INNER}, set()),
        (only_4, set(), {INNER}),
    ):
        policed = kernel(inner=both, protected=frozenset(policies))
        tunnel = judge(charon(of_sa), policed)
        assert courses.bare(tunnel, frozenset(policies)) == missing
        seen = observed(charon=charon(of_sa), kernel=policed)
        after = courses.noted(course(protected=True), seen, tunnel, tunnel, NOW, 0.5)
        assert after.unprotected_since == (NOW if missing else None)
        assert not courses.flushed(after, NOW)
        assert courses.flushed(after, NOW + courses.LOST_S) is bool(missing)
