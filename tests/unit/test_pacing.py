"""How often an action without effect is done again."""

from __future__ import annotations

from henbd.actions import Action, Initiate, Tell, TerminateChild, UnloadConnection
from henbd.control.pacing import FIRST_PAUSE_S, LONGEST_PAUSE_S, Pace, ended, paced, times
from tests.unit.sights import NOW, link

TELL, UNLOAD = Tell(link()), UnloadConnection("henbd-a")
INITIATE, UNDER_WAY = Initiate("henbd-a", "henbd-b"), frozenset({"henbd-a"})
BOTH: list[Action] = [TELL, UNLOAD]


def done_at(planned: list[Action], until_s: float, step_s: float = 0.25) -> list[float]:
    """Return when an action is done that is planned at each look and never has any effect."""
    pace, at, moments = Pace(), NOW, []
    while at < NOW + until_s:
        chosen, pace = paced(pace, planned, at)
        if chosen:
            moments.append(at - NOW)
        at += step_s
    return moments


def test_what_is_planned_first_is_done_at_once() -> None:
    chosen, _ = paced(Pace(), BOTH, NOW)
    assert chosen == BOTH


def test_what_had_no_effect_is_done_again_after_pauses_that_grow() -> None:
    assert done_at([TELL], 16) == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5]


def test_pauses_do_not_grow_for_ever() -> None:
    moments = done_at([TELL], 600)
    assert moments[-1] - moments[-2] == LONGEST_PAUSE_S


def test_two_days_of_no_effect_are_no_more_than_many_pauses() -> None:
    moments = done_at([TELL], 48 * 3600, step_s=LONGEST_PAUSE_S)
    assert moments[-1] - moments[-2] == LONGEST_PAUSE_S


def test_what_is_new_does_not_wait_for_what_is_old() -> None:
    _, pace = paced(Pace(), [TELL], NOW)
    chosen, _ = paced(pace, BOTH, NOW + 0.1)
    assert chosen == [UNLOAD]


def test_what_is_no_longer_wanted_is_forgotten() -> None:
    _, pace = paced(Pace(), [TELL], NOW)
    _, pace = paced(pace, [], NOW + 0.1)
    chosen, _ = paced(pace, [TELL], NOW + 0.2)
    assert chosen == [TELL]


def test_what_takes_long_rests_from_its_end() -> None:
    """A gateway that takes back at once what it grants is asked less and less often."""
    pace, at, moments = Pace(), NOW, []
    while at < NOW + 60:
        chosen, pace = paced(pace, [INITIATE], at)
        if not chosen:
            (at,) = times(pace, at)
            continue
        moments.append(at - NOW)
        # While it is under way it is not planned.
        _, pace = paced(pace, [], at + 0.6, UNDER_WAY)
        at += 0.75
        pace = ended(pace, INITIATE.connection, at)
        _, pace = paced(pace, [], at)
    assert moments == [0.0, 1.25, 3.0, 5.75, 10.5, 19.25, 36.0]


def test_what_was_granted_and_lasts_is_asked_for_anew_at_once_when_it_goes() -> None:
    _, pace = paced(Pace(), [INITIATE], NOW)
    pace = ended(pace, INITIATE.connection, NOW + 3)
    _, pace = paced(pace, [], NOW + 3 + FIRST_PAUSE_S)
    assert pace == Pace()


def test_a_child_that_was_refused_is_asked_for_at_once_when_the_one_beside_it_is_ended() -> None:
    """Once: a gateway that refuses it alone too is not asked again and again for that."""
    pace, at = Pace(), NOW
    for number, expected in enumerate(([INITIATE], [INITIATE], [])):
        chosen, pace = paced(pace, [INITIATE], at)
        assert chosen == expected
        pace = ended(pace, INITIATE.connection, at)
        _, pace = paced(pace, [TerminateChild(number)], at)
        at += 0.01


def test_order_is_kept() -> None:
    planned: list[Action] = [UnloadConnection(f"henbd-{n}") for n in range(20)]
    assert paced(Pace(), planned, NOW)[0] == planned


def test_times_are_when_something_may_be_done_again() -> None:
    _, pace = paced(Pace(), [TELL], NOW)
    assert times(pace, NOW) == [NOW + FIRST_PAUSE_S]
    assert times(pace, NOW + FIRST_PAUSE_S) == []
    chosen, _ = paced(pace, [TELL], times(pace, NOW)[0])
    assert chosen == [TELL]
