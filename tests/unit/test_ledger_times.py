"""When the HeMS is called: throttle, retries and periodic Informs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.cwmp import events
from henbd.cwmp import ledger as ledgers
from henbd.cwmp.structs import Event
from henbd.model import paths
from tests.unit.box import CALLED, PASSIVE, PERIODIC, WALL, Box, registered, told
from tests.unit.settings import QUICK

# Throttle.


@pytest.mark.conformance("C097")
def test_throttle_holds_back_what_is_only_a_notification() -> None:
    box = registered()
    box.configure({paths.THROTTLE: "60"})
    box.now += 10
    box.report(address="10.99.0.2")
    assert box.due == 50
    box.now += 50
    assert box.due == 0


def test_throttle_holds_back_nothing_else() -> None:
    box = registered()
    box.configure({paths.THROTTLE: "60"})
    box.report(address="10.99.0.2")
    box.ledger = ledgers.called(box.ledger)
    assert box.due == 0


@pytest.mark.conformance("C063")
def test_throttle_does_not_delay_a_retry() -> None:
    box = registered()
    box.configure({paths.THROTTLE: "600"})
    box.now += 600
    box.report(address="10.99.0.2")
    box.fail()
    assert box.due == 5


def test_throttle_counts_from_the_end_of_the_last_session_that_went_well() -> None:
    box = registered()
    box.configure({paths.THROTTLE: "60"})
    box.now += 30
    box.succeed()
    box.report(address="10.99.0.2")
    assert box.due == 60


# Retries.


@pytest.mark.conformance("C058")
@pytest.mark.parametrize(
    ("failures", "shortest", "longest"),
    [
        (1, 5, 10),
        (2, 10, 20),
        (3, 20, 40),
        (4, 40, 80),
        (5, 80, 160),
        (6, 160, 320),
        (7, 320, 640),
        (8, 640, 1280),
        (9, 1280, 2560),
        (10, 2560, 5120),
        (11, 2560, 5120),
        (50, 2560, 5120),
    ],
)
def test_wait_before_a_retry_is_that_of_the_table(
    failures: int, shortest: int, longest: int
) -> None:
    """For the factory values of CWMPRetryMinimumWaitInterval and -Multiplier."""
    for share, wanted in ((0.0, shortest), (0.5, (shortest + longest) / 2)):
        box = Box()
        for _ in range(failures - 1):
            box.fail()
        box.fail(share=share)
        assert box.due == wanted


@pytest.mark.conformance("C058", "C059")
@QUICK
@given(
    st.integers(1, 65535), st.integers(1000, 65535), st.integers(1, 30), st.floats(0, 1 - 2**-53)
)
def test_wait_lies_within_the_bounds_of_the_standard(
    least: int, multiplier: int, failures: int, share: float
) -> None:
    box = Box()
    box.configure({paths.RETRY_MINIMUM: str(least), paths.RETRY_MULTIPLIER: str(multiplier)})
    box.ledger = replace(box.ledger, failures=failures - 1)
    box.now = 0.0
    box.fail(share=share)
    attempt = min(failures, 10)
    factor = multiplier / 1000
    assert box.due is not None
    assert least * factor ** (attempt - 1) <= box.due <= least * factor**attempt * (1 + 1e-12)


@pytest.mark.conformance("C061")
def test_retry_count_is_that_of_the_failures_since_the_last_success() -> None:
    box = Box()
    counts = [box.fail().retry_count for _ in range(3)]
    counts += [box.succeed().retry_count, box.open().retry_count]
    assert counts == [0, 1, 2, 3, 0]


@pytest.mark.conformance("C051")
def test_session_that_fails_late_counts_as_failed() -> None:
    box = Box()
    box.fail_after_inform()
    box.report(address="10.99.0.2")
    assert box.open().retry_count == 1


@pytest.mark.conformance("C062")
def test_retry_is_never_given_up() -> None:
    box = Box()
    for _ in range(200):
        box.fail()
        assert box.due is not None
        box.now += box.due
        assert box.due <= 0


@pytest.mark.conformance("C060")
@pytest.mark.parametrize("cause", ["address", "event", "same event", "call", "way"])
def test_new_event_ends_the_wait(cause: str) -> None:
    box = registered()
    box.ledger = ledgers.with_event(box.ledger, events.PERIODIC)
    box.fail()
    assert box.due == 5
    match cause:
        case "address":
            box.report(address="10.99.0.2")
        case "event":
            box.ledger = ledgers.with_event(box.ledger, Event("M Reboot"))
        case "same event":
            box.ledger = ledgers.with_event(box.ledger, events.PERIODIC)
        case "call":
            box.ledger = ledgers.called(box.ledger)
        case "way":
            box.ledger = ledgers.without_wait(box.ledger)
    assert box.due == 0
    assert box.open().retry_count == 1


def test_passive_change_does_not_end_the_wait() -> None:
    box = Box()
    box.notify(paths.OP_STATE, PASSIVE)
    box.fail()
    box.report(up="true")
    assert box.due == 5


def test_change_without_notification_does_not_end_the_wait() -> None:
    box = Box()
    box.fail()
    tree = box.tree.report({paths.INTERFACE + "Name": "tun0"})
    assert ledgers.noticed(box.ledger, box.tree, tree) == box.ledger


@pytest.mark.conformance("C157")
def test_connection_request_during_a_session_that_fails_is_not_put_off() -> None:
    """It was answered; the session that it was promised begins within 30 s."""
    box = registered()
    box.ledger = replace(box.ledger, failures=9)
    opening = box.open()
    box.ledger = ledgers.called(box.ledger)
    box.fail(opening)
    assert box.codes == [CALLED]
    assert box.due == 0


@pytest.mark.conformance("C060")
def test_new_address_during_a_session_that_fails_is_not_put_off() -> None:
    """TS 32.593 5.2.4: as soon as possible. The wait is for what has been tried (C060)."""
    box = Box()
    opening = box.open()
    box.report(address="10.99.0.2")
    box.fail(opening)
    assert box.due == 0


# Periodic Informs.


@pytest.mark.conformance("C066")
def test_periodic_inform_comes_after_its_interval_in_a_free_phase() -> None:
    box = registered()
    box.configure({paths.PERIODIC_INTERVAL: "60"})
    box.advance(WALL + timedelta(seconds=7))
    assert box.due == 60
    box.now += 59.9
    box.advance()
    assert box.codes == []
    box.now += 0.1
    box.advance()
    assert (box.codes, box.due) == ([PERIODIC], 0)
    assert told(box.succeed()).keys() == {p for p, row in box.tree.rows.items() if row.forced}
    assert (box.codes, box.due) == ([], 60)


@pytest.mark.conformance("C066")
@pytest.mark.parametrize(
    ("reference", "interval", "wanted"),
    [
        ("2026-02-03T12:00:00Z", 60, 60),
        ("2026-02-03T11:59:45Z", 60, 45),
        ("2026-02-03T12:00:15Z", 60, 15),
        ("2020-01-01T00:00:30Z", 60, 30),
        ("2036-01-01T00:00:30Z", 60, 30),
        ("2026-02-03T03:00:00Z", 86400, 15 * 3600),
        ("2026-02-03T15:00:00Z", 86400, 3 * 3600),
    ],
)
def test_periodic_inform_keeps_the_phase_of_its_reference(
    reference: str, interval: int, wanted: int
) -> None:
    """PeriodicInformTime may be past or to come."""
    box = registered()
    box.configure({paths.PERIODIC_TIME: reference, paths.PERIODIC_INTERVAL: str(interval)})
    box.advance(WALL)
    assert box.due == wanted


@pytest.mark.parametrize("lag", [0.001, 0.5, 20])
def test_wall_clock_that_lags_gives_no_second_periodic_inform(lag: float) -> None:
    """Monotonic time and the wall clock drift apart, and each period has one Inform."""
    box = registered()
    box.configure({paths.PERIODIC_TIME: "2026-02-03T12:00:00Z"})
    box.advance(WALL)
    assert box.due == 86400
    box.now += 86400
    box.advance(WALL + timedelta(seconds=86400 - lag))
    box.succeed()
    assert box.due == pytest.approx(86400, abs=60)


@pytest.mark.conformance("C066")
@pytest.mark.parametrize(
    ("passed_s", "jump_s", "due_s"),
    [
        # From 1970, or from what a battery had kept: the hour is that of the clock as it is now.
        (7, 12 * 3600 + 600, 50 * 60 - 7),
        (7, -600, 600 - 7),
        # To just before the hour that has struck: it is not told of twice.
        (3600, -2, 3602),
        (3601, -5, 3604),
        # Past an hour that has not struck: the next one counts.
        (3000, 1200, 3000),
        # What a clock drifts by is no matter.
        (1800, 0.5, 1800),
    ],
)
def test_periodic_inform_keeps_its_phase_when_the_wall_clock_is_set(
    passed_s: float, jump_s: float, due_s: float
) -> None:
    box = registered()
    box.configure({paths.PERIODIC_TIME: "2026-02-03T12:00:00Z", paths.PERIODIC_INTERVAL: "3600"})
    box.advance(WALL)
    box.now += passed_s
    box.advance(WALL + timedelta(seconds=passed_s))
    if passed_s >= 3600:
        assert box.codes == [PERIODIC]
        box.succeed()
    box.advance(WALL + timedelta(seconds=passed_s + jump_s))
    assert (box.codes, box.due) == ([], pytest.approx(due_s))


def test_late_look_at_the_clock_makes_up_for_one_period_only() -> None:
    box = registered()
    box.configure({paths.PERIODIC_INTERVAL: "60"})
    box.advance()
    box.now += 1000
    box.advance()
    assert box.codes == [PERIODIC]
    box.succeed()
    box.advance()
    assert (box.codes, box.due) == ([], 60)


def test_periodic_informs_can_be_turned_off() -> None:
    box = registered()
    box.advance()
    box.configure({paths.PERIODIC_ENABLE: "false"})
    box.advance()
    box.now += 10**6
    box.advance()
    assert (box.codes, box.due) == ([], None)


def test_new_interval_counts_from_now() -> None:
    box = registered()
    box.advance()
    box.now += 100
    box.configure({paths.PERIODIC_INTERVAL: "60"})
    box.advance()
    assert box.due == 60


@pytest.mark.conformance("C067")
def test_periodic_inform_is_not_told_twice_while_the_first_waits() -> None:
    box = registered()
    box.configure({paths.PERIODIC_INTERVAL: "1"})
    for _ in range(3):
        box.now += 2
        box.advance()
    assert box.codes == [PERIODIC]


@pytest.mark.conformance("C067")
def test_periodic_inform_that_failed_is_kept() -> None:
    box = registered()
    box.ledger = ledgers.with_event(box.ledger, events.PERIODIC)
    box.fail()
    assert box.codes == [PERIODIC]
