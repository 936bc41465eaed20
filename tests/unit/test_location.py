"""Where the box is: when its receiver is asked, and what the HeMS is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from lxml import etree

from henbd.control.location import Scan, advanced, data_object, first, obeyed, wake_at, watching
from henbd.model import paths
from henbd.model.tree import Tree
from henbd.settings import LocationSettings
from henbd.values import Coordinates, Fix, Moment
from tests.unit.settings import factory
from tests.unit.world import World, lab_settings

HOME, AWAY = Coordinates(52_520_000, 13_405_000), Coordinates(-33_868_820, -151_209_300)
GPSD = LocationSettings(coordinates=None, gpsd=(ip_address("127.0.0.1"), 2947))
MEASURED = LocationSettings(coordinates=HOME, gpsd=None)
TREE = factory(location=GPSD)
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FIX = Fix(HOME, 7, "2026-01-02T03:04:05Z")
UNKNOWN = "0001-01-01T00:00:00Z"


def at(seconds: float) -> Moment:
    return Moment(seconds, START + timedelta(seconds=seconds))


def gps(tree: Tree) -> dict[str, str]:
    return {p.removeprefix(paths.GPS): v for p, v in tree.values.items() if p.startswith(paths.GPS)}


def scanned(tree: Tree = TREE, fix: Fix | None = FIX, when: float = 1.0) -> tuple[Scan, Tree]:
    """Return a scan that began with the process and has ended, and what it found."""
    scan, tree = advanced(first(tree), tree, None, at(0))
    return advanced(scan, tree, fix, at(when))


def test_scan_begins_with_the_process_and_ends_with_a_position() -> None:
    scan, tree = advanced(first(TREE), TREE, None, at(0))
    assert watching(scan, tree)
    assert gps(tree)["ScanStatus"] == "InProgress"
    assert gps(tree)["LastScanTime"] == UNKNOWN
    scan, tree = advanced(scan, tree, FIX, at(7))
    found = gps(tree)
    assert (found["LockedLatitude"], found["LockedLongitude"]) == ("52520000", "13405000")
    assert (found["ScanStatus"], found["NumberOfSatellites"]) == ("Success", "7")
    assert found["LastScanTime"] == found["LastSuccessfulScanTime"] == "2026-01-02T03:04:12Z"
    assert "52.520000 13.405000" in tree.value(paths.OWN_LOCATION + "DataObject")
    assert tree.value(paths.OWN_LOCATION + "AcquiredTime") == FIX.time
    assert not watching(scan, tree)
    assert wake_at(scan, tree) is None
    assert advanced(scan, tree, None, at(1000)) == (scan, tree)


def test_scan_that_finds_nothing_ends_after_its_time() -> None:
    scan, tree = advanced(first(TREE), TREE, None, at(0))
    assert wake_at(scan, tree) == 120
    scan, tree = advanced(scan, tree, None, at(119))
    assert watching(scan, tree)
    scan, tree = advanced(scan, tree, None, at(120))
    found = gps(tree)
    assert not watching(scan, tree)
    assert (found["ScanStatus"], found["ErrorDetails"]) == (
        "Error_TIMEOUT",
        "no position within 120 s",
    )
    assert (found["LastScanTime"], found["LastSuccessfulScanTime"]) == (
        "2026-01-02T03:06:05Z",
        UNKNOWN,
    )
    for_ever = TREE.set([(paths.GPS_SCAN_TIMEOUT, "0")])
    scan, _ = scanned(for_ever, fix=None, when=1e6)
    assert scan.began_at is not None


def test_scan_on_boot_is_the_hems_s_to_choose() -> None:
    never = TREE.set([(paths.GPS_SCAN_ON_BOOT, "false")])
    assert advanced(first(never), never, FIX, at(0))[1] is never


def test_periodic_scans_come_in_the_phase_that_is_set() -> None:
    scan, tree = scanned()
    tree = tree.set(
        [
            (paths.GPS_SCAN_PERIODICALLY, "true"),
            (paths.GPS_PERIODIC_INTERVAL, "3600"),
            (paths.GPS_PERIODIC_TIME, "2026-01-02T00:00:00Z"),
        ]
    )
    scan, tree = advanced(scan, tree, None, at(10))
    assert wake_at(scan, tree) == pytest.approx(55 * 60 + 55)
    scan, tree = advanced(scan, tree, None, at(3355))
    assert watching(scan, tree)
    scan, tree = advanced(scan, tree, Fix(AWAY, 4, FIX.time), at(3360))
    assert gps(tree)["LockedLatitude"] == "-33868820"
    assert wake_at(scan, tree) == pytest.approx(3355 + 3600)
    off = tree.set([(paths.GPS_SCAN_PERIODICALLY, "false")])
    assert wake_at(advanced(scan, off, None, at(3400))[0], off) is None


def test_continuous_gps_keeps_the_position_up_to_date_without_an_inform() -> None:
    scan, tree = scanned()
    tree = tree.set([(paths.GPS_CONTINUOUS, "true")])
    assert watching(scan, tree)
    moved = Fix(AWAY, 4, FIX.time)
    assert advanced(scan, tree, moved, at(30))[1] is tree
    scan, later = advanced(scan, tree, moved, at(62))
    assert gps(later)["LockedLatitude"] == "-33868820"
    assert gps(later)["LastScanTime"] == gps(tree)["LastScanTime"]
    assert later.notified.keys().isdisjoint(
        p for p, v in later.values.items() if tree.values[p] != v
    )
    status = {p.removeprefix(paths.GPS_STATUS): v for p, v in later.values.items()}
    assert (status["CurrentFix"], status["GotFix"]) == ("true", "true")
    assert (status["Latitude"], status["Longitude"]) == ("-33868820", str(AWAY.longitude))
    assert (status["SatellitesTracked"], status["LastFixTime"]) == ("4", FIX.time)
    _, lost = advanced(scan, later, None, at(63))
    assert lost.values[paths.GPS_STATUS + "CurrentFix"] == "false"
    assert lost.values[paths.GPS_STATUS + "GotFix"] == "true"


def test_scans_begin_and_end_when_it_is_time_though_no_bell_rings() -> None:
    chosen = lab_settings(location=GPSD)
    assert chosen.ipsec is not None
    world = World(configuration=replace(chosen, ipsec=replace(chosen.ipsec, audit_s=3600)))
    world.register()
    each = {paths.GPS_SCAN_TIMEOUT: "30", paths.GPS_SCAN_PERIODICALLY: "true"}
    phase = {paths.GPS_PERIODIC_INTERVAL: "600", paths.GPS_PERIODIC_TIME: "2026-01-01T00:00:00Z"}
    world.provision({**each, **phase, paths.GPS_RESET: "true"})
    world.run(10)
    assert world.values[paths.GPS_SCAN_STATUS] == "InProgress"
    world.run(30)
    assert world.values[paths.GPS_SCAN_STATUS] == "Error_TIMEOUT"
    # A wall clock that lags does not make two scans of the one at ten minutes past noon.
    world.time.wall_at_start -= timedelta(milliseconds=900)
    told = len(world.informs)
    world.run(559)
    assert world.values[paths.GPS_SCAN_STATUS] == "InProgress"
    world.run(40)
    assert world.values[paths.GPS_SCAN_STATUS] == "Error_TIMEOUT"
    assert len(world.informs) == told + 1
    world.kill()


@pytest.mark.conformance("C119")
def test_reset_has_a_new_scan_begin_and_reads_as_false() -> None:
    scan, tree = scanned()
    ordered = tree.set([(paths.GPS_RESET, "1")])
    assert ordered.value(paths.GPS_RESET) == "false"
    assert ordered.provisioning == tree.provisioning
    scan, tree = obeyed(scan, ordered)
    scan, tree = advanced(scan, tree, None, at(500))
    assert watching(scan, tree)
    assert obeyed(scan, tree) == (scan, tree)
    assert not tree.set([(paths.GPS_RESET, "0")]).commands
    grown, _ = ordered.add(paths.PLMN_LIST)
    assert grown.commands == ordered.commands


def test_reset_that_the_hems_orders_is_carried_out_once() -> None:
    world = World(configuration=lab_settings(location=GPSD))
    world.register()
    world.receiver.place = HOME
    world.run(10)
    before = world.values[paths.GPS_LAST_SCAN]
    world.provision({paths.GPS_RESET: "true"})
    world.run(10)
    after = world.values[paths.GPS_LAST_SCAN]
    assert after != before
    assert world.values[paths.GPS_RESET] == "false"
    world.run(100)
    assert world.values[paths.GPS_LAST_SCAN] == after


def test_what_the_hems_has_put_in_its_place_stays() -> None:
    written = TREE.set([(paths.OWN_LOCATION + "DataObject", "upstairs")])
    _, tree = scanned(written)
    assert tree.value(paths.OWN_LOCATION + "DataObject") == "upstairs"
    gone = TREE.delete(paths.OWN_LOCATION)
    assert gps(scanned(gone)[1])["ScanStatus"] == "Success"


def test_location_object_is_one_of_rfc_5491() -> None:
    for place, wanted in ((HOME, "52.520000 13.405000"), (AWAY, "-33.868820 -151.209300")):
        text = data_object(place)
        assert len(text) <= 1200
        found = etree.fromstring(text)
        assert found.tag == "{urn:ietf:params:xml:ns:pidf}presence"
        assert found.findtext(".//{http://www.opengis.net/gml}pos") == wanted


# In the registration Inform.


@pytest.mark.conformance("C090")
def test_measured_coordinates_are_in_the_registration_inform() -> None:
    world = World(configuration=lab_settings(location=MEASURED))
    world.register()
    told = world.informs[0].values
    assert told[paths.GPS_LATITUDE] == "52520000"
    assert told[paths.GPS_LONGITUDE] == "13405000"
    assert "52.520000 13.405000" in told[paths.OWN_LOCATION + "DataObject"]
    assert world.values[paths.OWN_LOCATION + "Source"] == "Manual"
    assert world.values[paths.GPS_EQUIPPED] == "false"


@pytest.mark.conformance("C090")
def test_position_of_the_receiver_is_told_when_it_is_found() -> None:
    world = World(configuration=lab_settings(location=GPSD))
    world.register()
    assert world.informs[0].values[paths.GPS_LAST_SUCCESS] == UNKNOWN
    assert world.receiver.looking
    world.receiver.place = HOME
    world.run(200)
    assert not world.receiver.looking
    assert paths.GPS_LAST_SCAN in world.informs[-1].values
    assert world.values[paths.GPS_LATITUDE] == "52520000"
    assert world.values[paths.GPS_EQUIPPED] == "true"
    known, informs = world.values[paths.GPS_LAST_SCAN], len(world.informs)
    world.restart()
    world.run(200)
    assert world.values[paths.GPS_LATITUDE] == "52520000", "found again"
    assert world.values[paths.GPS_LAST_SCAN] == known
    assert len(world.informs) == informs, "a restart is no news"


def test_box_that_does_not_know_where_it_is_says_nothing_of_it() -> None:
    world = World()
    world.register()
    assert not [p for p in world.informs[0].values if "Location" in p or ".GPS." in p]
    assert world.daemon.memory.tree.instances[paths.LOCATIONS] == ()
