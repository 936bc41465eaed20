"""What is known of the time while the clock of the wall shows less than it must."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from henbd.clock import Clock
from henbd.model.types import CLOCK_IS_SET, date_time
from henbd.system.build import built_at

BUILT = datetime(2027, 3, 1, tzinfo=UTC)
KEPT = datetime(2028, 9, 1, tzinfo=UTC)
UNKNOWN = "0001-01-01T00:00:00Z"


def clock(shown: datetime, *, kept: datetime = KEPT) -> Clock:
    return Clock(lambda: 40.0, lambda: shown, BUILT, kept)


@pytest.mark.conformance("C013", "C088")
@pytest.mark.parametrize(
    ("shown", "kept", "read", "passed"),
    [
        # Nobody has set it since the power came: what was kept last is over.
        (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), KEPT, UNKNOWN, KEPT),
        # The first start of a box that comes from the factory.
        (datetime(2000, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), UNKNOWN, BUILT),
        # The box's own floor, or a clock that was wrong when something was kept: who knows?
        (datetime(2027, 6, 1, tzinfo=UTC), KEPT, UNKNOWN, BUILT),
        (KEPT, KEPT, "2028-09-01T00:00:00Z", None),
        (datetime(2030, 1, 1, tzinfo=UTC), KEPT, "2030-01-01T00:00:00Z", None),
    ],
)
def test_a_clock_is_set_when_it_shows_no_less_than_build_and_what_was_kept_last(
    shown: datetime, kept: datetime, read: str, passed: datetime | None
) -> None:
    found = clock(shown, kept=kept)
    assert found.floor == max(BUILT, kept)
    assert found.is_set is (passed is None)
    assert date_time(found.wall()) == read
    assert found.passed() == passed


def test_a_clock_that_is_not_set_goes_on_all_the_same() -> None:
    elapsed = iter((10.0, 13.5))
    found = Clock(lambda: next(elapsed), lambda: datetime(2026, 6, 1, tzinfo=UTC), BUILT)
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
