"""Performance files: what is in one, when they are sent, and when the HeMS hears of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from henbd.control import performance
from henbd.control.performance import Counts, Policy
from henbd.cwmp.files import PERFORMANCE
from henbd.cwmp.transfers import LONGEST_S
from henbd.errors import TransferError
from henbd.measuring import MOST_OWED, MOST_UNSENT
from henbd.model import paths
from henbd.values import Moment
from tests.unit.box import WALL
from tests.unit.fakes.hems import command
from tests.unit.settings import device
from tests.unit.world import World

URL = "http://files.lab/pm/"
ROW = paths.PERFORMANCE_CONFIGS + "1."
NS = {"m": performance.NAMESPACE}
BEFORE = Counts(Moment(100.0, WALL), {"SCTP": {"a": 10, "b": 4294967290}, "S1=again": {"c": 5}})
AFTER = Counts(
    Moment(1000.0, WALL + timedelta(minutes=15)),
    {"SCTP": {"a": 17, "b": 5}, 'S1=<&"': {"c": 3}, "S1=again": {"c": 2}},
)


def counted(content: bytes) -> dict[str | None, dict[str | None, str | None]]:
    """Return the results in a file, by what was measured and the name of the counter."""
    return {
        value.get("measObjLdn"): dict(
            zip(
                [kind.text for kind in group.iterfind("m:measType", NS)],
                [result.text for result in value.iterfind("m:r", NS)],
                strict=True,
            )
        )
        for group in etree.fromstring(content).iterfind("m:measData/m:measInfo", NS)
        for value in group.iterfind("m:measValue", NS)
    }


def test_a_file_has_what_was_counted_in_its_period() -> None:
    box = device(manufacturer="A & B", oui="00256D", product_class="HeNB", serial_number="1 2")
    content = performance.file(box, BEFORE, AFTER)
    root = etree.fromstring(content)
    assert root.tag == f"{{{performance.NAMESPACE}}}measCollecFile"
    (header,) = root.iterfind("m:fileHeader", NS)
    assert header.get("vendorName") == "A & B"
    (sender,) = root.iterfind("m:fileHeader/m:fileSender", NS)
    assert sender.get("localDn") == "00256D-HeNB-1-2"
    times = [element.attrib.values() for element in root.iterfind(".//m:measCollec", NS)]
    assert times == [["2026-02-03T12:00:00+00:00"], ["2026-02-03T12:15:00+00:00"]]
    # A counter of 32 bits wraps, and who is new, or new again, has counted from nothing.
    assert counted(content) == {
        "SCTP": {"a": "7", "b": "11"},
        'S1=<&"': {"c": "3"},
        "S1=again": {"c": "2"},
    }
    periods = {e.get("duration") for e in root.iterfind(".//m:granPeriod", NS)}
    assert periods == {"PT900S"}


def test_a_file_has_a_name_of_its_period() -> None:
    box = device(oui="00256D", product_class="HeNB", serial_number="1")
    assert performance.file_name(box, BEFORE, AFTER) == (
        "A20260203.1200+0000-1215+0000_00256D-HeNB-1.xml"
    )
    later = replace(AFTER, at=Moment(86500.0, WALL + timedelta(days=1)))
    assert performance.file_name(box, BEFORE, later) == (
        "A20260203.1200+0000-20260204.1200+0000_00256D-HeNB-1.xml"
    )


BOTH = Policy(True, "Both", "Both", ("1 Firmware Upgrade Image", PERFORMANCE))


@pytest.mark.conformance("C076")
@pytest.mark.parametrize(
    ("policy", "failed", "wanted"),
    [
        (BOTH, False, True),
        (BOTH, True, True),
        (replace(BOTH, enabled=False), False, False),
        (replace(BOTH, transfers="Upload"), False, True),
        (replace(BOTH, transfers="Download"), False, False),
        (replace(BOTH, transfers=""), False, False),
        (replace(BOTH, results="Success"), False, True),
        (replace(BOTH, results="Success"), True, False),
        (replace(BOTH, results="Failure"), False, False),
        (replace(BOTH, results="Failure"), True, True),
        (replace(BOTH, file_types=()), False, False),
        (replace(BOTH, file_types=("1 Firmware Upgrade Image",)), False, False),
    ],
)
def test_the_hems_hears_of_what_it_wants_to_hear(
    policy: Policy, failed: bool, wanted: bool
) -> None:
    assert performance.wanted(policy, PERFORMANCE, failed=failed) is wanted


def measured(world: World, interval_s: int = 900, **policy: str) -> None:
    """Have the HeMS configure an upload each so often, and when it is told of one."""
    world.register()
    world.hems.will_ask(
        command("AddObject", ObjectName=paths.PERFORMANCE_CONFIGS, ParameterKey=""),
    )
    world.listener.call()
    world.run(1)
    chosen = {"Enable": "true", "TransferTypeFilter": "Both", "FileTypeFilter": PERFORMANCE}
    chosen = {**chosen, "ResultTypeFilter": "Both", **policy}
    world.provision(
        {
            ROW + "URL": URL,
            ROW + "Enable": "true",
            ROW + "PeriodicUploadInterval": str(interval_s),
            ROW + "PeriodicUploadTime": "2026-01-01T00:05:00Z",
            **{paths.AUTONOMOUS_TRANSFERS + name: value for name, value in chosen.items()},
        }
    )
    world.run(1)
    assert "Fault" not in world.hems.responses


@pytest.mark.conformance("C142", "C076")
def test_a_file_is_sent_at_the_end_of_each_period_and_told_of(world: World) -> None:
    measured(world)
    world.run(3600)
    # The world begins at noon, and the phase is five minutes past.
    names = [url.removeprefix(URL) for url in world.file_server.received]
    assert [name[:20] for name in names] == ["A20260601.1200+0000-"] + [
        f"A20260601.{hour}+0000-" for hour in ("1205", "1220", "1235")
    ]
    told = [r for r in world.hems.responses if r == "AutonomousTransferComplete"]
    assert len(told) == 4
    assert ("10 AUTONOMOUS TRANSFER COMPLETE",) in [i.events for i in world.informs]
    content = world.file_server.received[URL + names[1]]
    assert isinstance(content, bytes)
    etree.fromstring(content)


@pytest.mark.conformance("C142")
def test_a_file_has_what_the_kernel_has_counted_though_no_hems_has_asked(world: World) -> None:
    """The world's counts one each second."""
    measured(world, Enable="false")
    world.run(1260)
    content = world.file_server.received[URL + "A20260601.1205+0000-1220+0000_00256D-HeNB-0001.xml"]
    assert isinstance(content, bytes)
    assert counted(content)["SCTP"]["VS.SCTP.OutOfBlues"] == "900"


def test_a_policy_that_is_off_is_kept_to(world: World) -> None:
    measured(world, Enable="false")
    world.run(3600)
    assert len(world.file_server.received) == 4
    assert "AutonomousTransferComplete" not in world.hems.responses


@pytest.mark.conformance("C142")
@pytest.mark.parametrize("lag_s", [0.05, 0.9, 20])
def test_a_period_has_one_file_though_the_wall_clock_lags(world: World, lag_s: float) -> None:
    measured(world)
    world.time.wall_at_start -= timedelta(seconds=lag_s)
    world.run(600)
    assert len(world.file_server.asked) == 1


@pytest.mark.conformance("C142")
def test_a_period_in_which_the_clock_is_set_is_as_long_as_it_was(world: World) -> None:
    """The box has no clock of its own, and learns after a minute that it is no more 1970."""
    measured(world)
    true = world.time.wall_at_start
    world.time.wall_at_start = datetime(1970, 1, 1, tzinfo=UTC)
    world.power_cycle("boot-2")
    world.run(60)
    world.time.wall_at_start = true
    world.run(600)
    ((url, content),) = world.file_server.received.items()
    # The phase is five minutes past, and the box was switched on two seconds past noon.
    assert url.removeprefix(URL)[:19] == "A20260601.1200+0000"
    assert isinstance(content, bytes)
    root = etree.fromstring(content)
    begin, end = (str(e.attrib.values()[0]) for e in root.iterfind(".//m:measCollec", NS))
    lasted = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
    assert {e.get("duration") for e in root.iterfind(".//m:granPeriod", NS)} == {
        f"PT{lasted.seconds}S"
    }
    assert 290 < lasted.seconds < 310


@pytest.mark.conformance("C142")
def test_files_that_could_not_be_sent_go_with_the_next(world: World) -> None:
    measured(world, interval_s=60)
    world.files.takes_s = 0.5
    world.file_server.fails = TransferError(9015, "nobody there")  # type: ignore[arg-type]
    world.run(5 * 60)
    assert not world.file_server.received
    world.file_server.fails = None
    world.run(60)
    assert len(world.file_server.received) == 6
    world.file_server.fails = TransferError(9015, "nobody there")  # type: ignore[arg-type]
    world.run(2 * MOST_UNSENT * 60)
    world.file_server.fails = None
    world.file_server.received.clear()
    # They go one after the other.
    world.run(60)
    assert len(world.file_server.received) == MOST_UNSENT


@pytest.mark.conformance("C076")
def test_the_hems_hears_of_each_file_after_an_outage_of_its_server(world: World) -> None:
    measured(world, ResultTypeFilter="Success")
    world.file_server.fails = TransferError(9011, "down")  # type: ignore[arg-type]
    world.run(12 * 900)
    assert not world.file_server.received
    world.file_server.fails = None
    world.run(900)
    assert len(world.file_server.received) == 13
    assert world.hems.responses.count("AutonomousTransferComplete") == 13


def test_a_file_that_never_arrives_is_given_up_and_nothing_piles_up(world: World) -> None:
    measured(world, interval_s=60, ResultTypeFilter="Failure")
    world.files.takes_s = 10 * LONGEST_S
    world.run(LONGEST_S + 120)
    assert world.hems.responses.count("AutonomousTransferComplete") == 1
    assert (world.files.began, world.files.given_up) == (2, 1)
    world.files.takes_s = 1
    world.run(LONGEST_S)
    assert world.hems.responses.count("AutonomousTransferComplete") == 2
    assert MOST_UNSENT <= len(world.file_server.received) <= MOST_UNSENT + 2


@pytest.mark.conformance("C076")
def test_no_file_is_sent_that_the_hems_cannot_be_told_of(world: World) -> None:
    measured(world, interval_s=60)
    world.files.takes_s = 0.5
    world.hems.answers_no_call = True
    world.run(3600)
    owed = world.daemon.memory.ledger.owed
    assert len(owed) == len(world.file_server.received) == MOST_OWED
    world.hems.answers_no_call = False
    before = len(world.hems.responses)
    world.listener.call()
    world.run(60)
    assert len(world.file_server.received) >= MOST_OWED + MOST_UNSENT
    told = world.hems.responses[before:].count("AutonomousTransferComplete")
    assert told == len(world.file_server.received)


def test_a_job_that_is_disabled_sends_nothing_any_more(world: World) -> None:
    measured(world)
    world.provision({ROW + "Enable": "false"})
    world.run(3600)
    assert not world.file_server.received


@pytest.mark.conformance("C131")
def test_a_hems_that_asks_for_a_file_gets_one_of_all_since_the_start(world: World) -> None:
    world.register()
    world.run(600)
    arguments = {"CommandKey": "pm", "FileType": PERFORMANCE, "URL": "http://files.lab/pm.xml"}
    world.hems.will_ask(command("Upload", **arguments))
    world.listener.call()
    world.run(10)
    content = world.file_server.received["http://files.lab/pm.xml"]
    assert isinstance(content, bytes)
    (period,) = {
        e.get("duration") for e in etree.fromstring(content).iterfind(".//m:granPeriod", NS)
    }
    assert 600 <= int(str(period)[2:-1]) < 620
    assert [c["FaultCode"] for c in world.hems.completions] == ["0"]
