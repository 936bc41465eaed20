"""Which of several candidates is tried, and how long one that failed is left alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from henbd.control import trials
from henbd.control.trials import FIRST_WAIT_S, LONGEST_WAIT_S, Trials
from tests.unit.settings import QUICK
from tests.unit.sights import GATEWAY, GATEWAY_2, INNER, NOW

BOTH = (GATEWAY, GATEWAY_2)


def failed(times: int, now: float = NOW, share: float = 0.5) -> tuple[Trials, float]:
    """Return the trials after so many failures in a row, and the time of the last one."""
    tried = Trials()
    for number in range(times):
        now = max(now, trials.until(tried, GATEWAY)) if number else now
        tried = trials.failed(tried, GATEWAY, now, share)
    return tried, now


def test_none_that_may_be_tried_is_chosen_of_none() -> None:
    assert trials.choose((), Trials(), NOW) is None


def test_the_first_is_chosen_while_nobody_has_failed() -> None:
    assert trials.choose(BOTH, Trials(), NOW) == GATEWAY


def test_one_that_failed_lets_the_next_have_its_turn() -> None:
    tried, now = failed(1)
    assert trials.choose(BOTH, tried, now) == GATEWAY_2


def test_one_that_failed_may_be_tried_again_when_its_time_has_come() -> None:
    tried, _ = failed(1)
    until = trials.until(tried, GATEWAY)
    assert trials.choose(BOTH, tried, until - 0.001) == GATEWAY_2
    assert trials.choose(BOTH, tried, until) == GATEWAY


def test_if_all_have_to_wait_the_one_whose_wait_ends_first_is_chosen() -> None:
    tried = trials.failed(Trials(), GATEWAY, NOW, 0.9)
    tried = trials.failed(tried, GATEWAY_2, NOW, 0.1)
    assert trials.choose(BOTH, tried, NOW) == GATEWAY_2


def test_the_wait_doubles_up_to_its_longest() -> None:
    waits = []
    for times in range(1, 12):
        tried, now = failed(times, share=0.5)
        waits.append(trials.until(tried, GATEWAY) - now)
    expected = [min(FIRST_WAIT_S * 2**n, LONGEST_WAIT_S) for n in range(11)]
    assert waits == expected


@QUICK
@given(st.integers(1, 20), st.floats(0, 1, exclude_max=True))
def test_the_wait_is_spread_by_half(times: int, share: float) -> None:
    tried, now = failed(times, now=0.0, share=share)
    longest = min(FIRST_WAIT_S * 2 ** (times - 1), LONGEST_WAIT_S)
    wait = trials.until(tried, GATEWAY) - now
    assert longest * 0.5 - 1e-6 <= wait <= longest * 1.5 + 1e-6


def test_ten_thousand_failures_are_no_more_than_many() -> None:
    tried, now = failed(10_000)
    assert trials.until(tried, GATEWAY) - now <= LONGEST_WAIT_S


def test_a_failure_within_the_wait_is_the_same_failure() -> None:
    tried, now = failed(1)
    assert trials.failed(tried, GATEWAY, now + 0.1, 0.5) == tried


def test_a_wait_that_was_asked_for_is_kept_to() -> None:
    tried = trials.failed(Trials(), GATEWAY, NOW, 0.9, wait_s=60)
    assert trials.until(tried, GATEWAY) == NOW + 60


def test_a_success_makes_good_for_all_failures() -> None:
    tried, now = failed(5)
    tried = trials.succeeded(tried, GATEWAY)
    assert tried == Trials()
    assert trials.until(trials.failed(tried, GATEWAY, now, 0.5), GATEWAY) == now + FIRST_WAIT_S


def test_one_is_not_judged_by_another() -> None:
    tried, now = failed(3)
    assert trials.until(tried, GATEWAY_2) <= now
    assert trials.until(trials.succeeded(tried, GATEWAY_2), GATEWAY) > now


def test_times_are_the_ends_of_waits_that_are_still_to_come() -> None:
    tried, now = failed(1)
    until = trials.until(tried, GATEWAY)
    assert trials.times(tried, now) == [until]
    assert trials.times(tried, until) == []
    assert trials.times(Trials(), now) == []


@QUICK
@given(
    st.lists(
        st.tuples(st.sampled_from([*BOTH, INNER]), st.floats(0, 10), st.booleans()), max_size=20
    )
)
def test_a_candidate_is_chosen_whatever_happened(steps: list[tuple[object, float, bool]]) -> None:
    tried, now = Trials(), NOW
    for candidate, pause, good in steps:
        now += pause
        if good:
            tried = trials.succeeded(tried, candidate)  # type: ignore[arg-type]
        else:
            tried = trials.failed(tried, candidate, now, 0.5)  # type: ignore[arg-type]
        chosen = trials.choose(BOTH, tried, now)
        assert chosen in BOTH
        if any(trials.until(tried, c) <= now for c in BOTH):
            assert trials.until(tried, chosen) <= now
