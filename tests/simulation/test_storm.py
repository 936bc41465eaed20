"""A fleet behind a gateway that restarts: everybody is registered in the end, and how soon."""

from __future__ import annotations

import pytest

from tests.simulation.fleet import Aftermath, Fleet, Storm
from tests.simulation.storm import drawn, table

BOXES, CAPACITY = 1000, 50

# So long the HeMS needs for them all, if it never has to turn anybody away.
SHORTEST_S = BOXES / CAPACITY


def after(*, answers_503: bool, spread_s: float = 0) -> Aftermath:
    return Fleet(Storm(BOXES, CAPACITY, answers_503, spread_s)).run()


@pytest.mark.parametrize("answers_503", [True, False])
def test_everybody_is_registered_however_the_hems_turns_them_away(answers_503: bool) -> None:
    found = after(answers_503=answers_503)
    assert len(found.registered_at) == BOXES
    assert sum(found.served.values()) == BOXES
    assert sum(found.arrived.values()) == sum(found.tries)
    assert max(found.served.values()) <= CAPACITY
    # Each wait doubles the one before: there is room left while nearly all are waiting.
    assert SHORTEST_S <= found.time_until(0.99) <= 10 * SHORTEST_S


def test_the_standard_spreads_retries_but_not_the_first_attempt() -> None:
    found = after(answers_503=True)
    assert found.arrived[0] + found.arrived[1] >= BOXES
    assert max(count for second, count in found.arrived.items() if second > 1) < BOXES / 2


def test_spreading_the_first_attempt_spares_the_hems_and_the_boxes() -> None:
    at_once, spread = after(answers_503=True), after(answers_503=True, spread_s=1.5 * SHORTEST_S)
    assert max(spread.arrived.values()) < max(at_once.arrived.values()) / 5
    assert spread.retries < at_once.retries / 3
    assert spread.time_until(0.99) < at_once.time_until(0.99)


def test_a_storm_can_be_told_and_drawn() -> None:
    found = [after(answers_503=True, spread_s=SHORTEST_S)]
    assert "spread_s = 20" in table(found)
    assert drawn(found).count("<polyline") == 2
