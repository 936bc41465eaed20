"""How far the clock of the wall is believed, and what is known of the time where it is not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from henbd.clock import Clock
from henbd.model.types import CLOCK_IS_SET, date_time
from henbd.system.timekeeping import built_at

BUILT = datetime(2027, 3, 1, tzinfo=UTC)
KEPT = datetime(2028, 9, 1, tzinfo=UTC)
UNKNOWN = "0001-01-01T00:00:00Z"


LOST = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.conformance("C013", "C088")
@pytest.mark.parametrize(
    ("shown", "synchronised", "kept", "read", "passed"),
    [
        (LATER, True, KEPT, "2030-01-01T00:00:00Z", None),
        # It has been put to the last time that somebody knew, or goes on without power.
        (LATER, False, KEPT, "2030-01-01T00:00:00Z", LATER),
        # What was kept by a clock that was wrong does not stand against one that was put right.
        (KEPT, True, LATER, "2028-09-01T00:00:00Z", None),
        (KEPT, False, LATER, "2028-09-01T00:00:00Z", KEPT),
        (BUILT, False, KEPT, "2027-03-01T00:00:00Z", BUILT),
        # Nobody has set it since the power came.
        (LOST, False, KEPT, UNKNOWN, KEPT),
        (LOST, True, KEPT, UNKNOWN, KEPT),
        (datetime(2027, 2, 28, tzinfo=UTC), False, KEPT, UNKNOWN, KEPT),
        # The first start of a box that comes from the factory.
        (LOST, False, datetime(1970, 1, 1, tzinfo=UTC), UNKNOWN, BUILT),
    ],
)
def test_a_clock_is_believed_as_far_as_it_can_be(
    shown: datetime, synchronised: bool, kept: datetime, read: str, passed: datetime | None
) -> None:
    clock = Clock(lambda: 40.0, lambda: shown, BUILT, kept, lambda: synchronised)
    assert date_time(clock.wall()) == read
    assert clock.is_set is (read != UNKNOWN)
    assert clock.passed() == passed
    assert clock.floor == max(BUILT, kept)


def test_a_clock_that_was_never_set_goes_on_all_the_same() -> None:
    elapsed = iter((10.0, 13.5))
    found = Clock(lambda: next(elapsed), lambda: LOST, BUILT)
    before, after = found.wall(), found.wall()
    assert (after - before).total_seconds() == 3.5


def test_a_build_without_a_date_is_taken_for_the_first_there_was(tmp_path: Path) -> None:
    record = tmp_path / "built"
    record.write_text("0\n")
    assert built_at(record) == CLOCK_IS_SET
    record.write_text("1803859200\n")
    assert built_at(record) == BUILT


def test_a_checkout_is_as_old_as_its_source(tmp_path: Path) -> None:
    assert CLOCK_IS_SET <= built_at(tmp_path / "none") <= datetime.now(UTC)
