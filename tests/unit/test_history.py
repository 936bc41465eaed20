"""What is kept of S1 with each far end, and when S1 cannot be had at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from henbd.control import history as histories
from henbd.control.history import History
from henbd.values import FarEnd, Peer, PeerState, Stack, Unknown
from tests.unit.sights import MME, MME_2, NOBODY, link, stack

WALL = datetime(2026, 6, 1, tzinfo=UTC)
FIRST, SECOND = FarEnd(MME, 36412), FarEnd(MME_2, 36412)
D, C, S, U, F = (
    PeerState.DOWN,
    PeerState.CONNECTING,
    PeerState.SETUP,
    PeerState.UP,
    PeerState.FAILED,
)


def said(*states: PeerState) -> Stack:
    """Return a stack that says this of the first far end, and of the second."""
    ends = (FIRST, SECOND)[: len(states)]
    found = stack(link(*(end.address for end in ends)))
    peers = tuple(Peer(end, state) for end, state in zip(ends, states, strict=True))
    return stack(found.told, peers=peers)


def after(*looks: Stack | Unknown, has_path: bool = True) -> History:
    """Return the history after these looks, an hour between them."""
    history: History = {}
    for hours, seen in enumerate(looks):
        wall = WALL + timedelta(hours=hours)
        history = histories.noted(history, (FIRST, SECOND), seen, wall, has_path=has_path)
    return history


def test_attempts_and_failures_are_counted_once_however_often_they_are_seen() -> None:
    for states, attempts, failures in (
        ((D,), 0, 0),
        ((C,), 1, 0),
        ((C, C, S, S, U, U), 1, 0),
        ((C, F, F, F), 1, 1),
        ((C, F, C, S, F), 2, 2),
        # What happened between two looks is known by its end.
        ((F,), 1, 1),
        ((U,), 1, 0),
        ((F, U), 2, 1),
        # An association that is lost is no attempt.
        ((U, D, C, U), 2, 0),
        ((U, F), 1, 1),
        ((U, C, U), 2, 0),
    ):
        past = after(*(said(state) for state in states))[FIRST]
        assert (past.attempts, past.failures) == (attempts, failures), states


def test_since_is_when_the_state_became_what_it_is() -> None:
    assert after(said(C), said(U), said(U))[FIRST].since == WALL + timedelta(hours=1)


def test_the_last_failure_is_kept_while_s1_is_up() -> None:
    refused = Peer(FIRST, F, cause="misc/unknown-PLMN", time_to_wait_s=20)
    past = after(stack(link(MME), peers=(refused,)), said(U))[FIRST]
    assert (past.cause, past.time_to_wait_s) == ("misc/unknown-PLMN", 20)
    assert past.peer.cause is None


def test_a_silent_stack_changes_nothing() -> None:
    assert after(said(C, F), NOBODY) == after(said(C, F))


def test_s1_cannot_be_had_when_each_far_end_has_failed_since_it_was_up() -> None:
    for looks, refused in (
        ([said(F, U)], False),
        ([said(F, C)], False),
        ([said(F, F)], True),
        # One after the other (S1ConnectionMode One): the first is no longer told.
        ([said(F), stack(link(MME_2), peers=(Peer(SECOND, F),))], True),
        ([said(F, F), said(C, C)], True),
        ([said(F, F), said(U, F)], False),
        ([said(F, F), NOBODY], True),
    ):
        assert histories.all_refused(after(*looks)) is refused
    assert not histories.all_refused({})


def test_a_failure_without_a_path_says_nothing_of_the_far_end() -> None:
    """Nor does it when the path is back, until it is tried again."""
    without = after(said(F, F), has_path=False)
    assert not histories.all_refused(without)
    for looks, refused in (([said(F, F)], False), ([said(C, C), said(F, F)], True)):
        history = without
        for seen in looks:
            history = histories.noted(history, (FIRST, SECOND), seen, WALL, has_path=True)
        assert histories.all_refused(history) is refused


def test_a_far_end_that_does_not_matter_any_more_is_forgotten() -> None:
    other = FarEnd(ip_address("10.40.0.9"), 36412)
    history = histories.noted(after(said(F, F)), (SECOND, other), said(F, F), WALL, has_path=True)
    assert list(history) == [SECOND, other]
    assert not histories.all_refused(history)
