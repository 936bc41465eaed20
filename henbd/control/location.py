"""Where the box is: scans of its GPS receiver → Device.FAP.GPS and Device.DeviceInfo.Location.

A scan begins at the start (ScanOnBoot), by time (ScanPeriodically), and ends with a fix or after
ScanTimeout. LastScanTime is told to the HeMS at once, so it changes with a scan and never between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from henbd.cwmp.schedule import Recurring, recurring, repeated
from henbd.model import paths, types
from henbd.model.tree import Tree
from henbd.values import Coordinates, Fix, Moment

# With ContinuousGPS the position is brought up to date this often.
CONTINUOUS_S = 60.0

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Scan:
    """Since when a scan goes on, and when the next one begins; times are monotonic.

    `ordered`: one is to begin at once. `quiet`: this process has only to find again what the HeMS
    knows already.
    """

    began_at: float | None = None
    ordered: bool = False
    quiet: bool = False
    periodic: Recurring | None = None
    refreshed_at: float | None = None


def first(tree: Tree) -> Scan:
    """Return the scan of a process that has just started."""
    known = tree.values[paths.GPS_LAST_SCAN] != types.UNKNOWN_TIME
    on_boot = tree.values[paths.GPS_SCAN_ON_BOOT] == "true"
    return Scan(ordered=on_boot or known, quiet=known)


def advanced(scan: Scan, tree: Tree, fix: Fix | None, moment: Moment) -> tuple[Scan, Tree]:
    """Return the scan as time and the receiver have moved it, and the tree with what it found."""
    now = moment.monotonic
    periodic = _periodic(scan.periodic, tree, moment)
    scan = scan if periodic is scan.periodic else replace(scan, periodic=periodic)
    if scan.began_at is None:
        due = periodic is not None and periodic.at <= now
        if not scan.ordered and not due:
            return _refreshed(scan, tree, fix, now)
        if periodic is not None and due:
            periodic = repeated(periodic, moment)
        scan = replace(scan, began_at=now, ordered=False, periodic=periodic)
        tree = tree.report({paths.GPS_SCAN_STATUS: "InProgress"})
    assert scan.began_at is not None
    limit_s = int(tree.values[paths.GPS_SCAN_TIMEOUT])
    if fix is not None:
        found = {
            paths.GPS_SCAN_STATUS: "Success",
            paths.GPS_ERROR: "",
            paths.GPS_LAST_SUCCESS: types.date_time(moment.wall),
        }
        tree = _located(tree, fix).report(found)
    elif limit_s and now - scan.began_at >= limit_s:
        text = f"no position within {limit_s} s"
        tree = tree.report({paths.GPS_SCAN_STATUS: "Error_TIMEOUT", paths.GPS_ERROR: text})
    else:
        return scan, tree
    if not scan.quiet:
        tree = tree.report({paths.GPS_LAST_SCAN: types.date_time(moment.wall)})
    return replace(scan, began_at=None, quiet=False, refreshed_at=now), tree


def obeyed(scan: Scan, tree: Tree) -> tuple[Scan, Tree]:
    """Return the scan after GPSReset, if the HeMS has ordered that: a new one begins at once."""
    after = tree.obeyed(paths.GPS_RESET)
    if after is tree:
        return scan, tree
    return replace(scan, began_at=None, ordered=True, quiet=False), after


def watching(scan: Scan, tree: Tree) -> bool:
    """Return whether the receiver is needed now."""
    return scan.began_at is not None or tree.values[paths.GPS_CONTINUOUS] == "true"


def wake_at(scan: Scan, tree: Tree) -> float | None:
    """Return when a scan begins or has lasted too long, None: not by time."""
    if scan.began_at is None:
        return None if scan.periodic is None else scan.periodic.at
    limit_s = int(tree.values[paths.GPS_SCAN_TIMEOUT])
    return scan.began_at + limit_s if limit_s else None


def data_object(place: Coordinates) -> str:
    """Return a position as the location object of RFC 5491 (TR-181 DeviceInfo.Location)."""
    latitude, longitude = (f"{n / MICRO:.6f}" for n in (place.latitude, place.longitude))
    return (
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:henb"><tuple id="henb"><status>'
        '<geopriv xmlns="urn:ietf:params:xml:ns:pidf:geopriv10"><location-info>'
        '<Point xmlns="http://www.opengis.net/gml" srsName="urn:ogc:def:crs:EPSG::4326">'
        f"<pos>{latitude} {longitude}</pos></Point></location-info><usage-rules/></geopriv>"
        "</status></tuple></presence>"
    )


def _periodic(former: Recurring | None, tree: Tree, moment: Moment) -> Recurring | None:
    value = tree.values
    interval_s = int(value[paths.GPS_PERIODIC_INTERVAL])
    if value[paths.GPS_SCAN_PERIODICALLY] != "true" or not interval_s:
        return None
    return recurring(former, interval_s, value[paths.GPS_PERIODIC_TIME], moment)


def _refreshed(scan: Scan, tree: Tree, fix: Fix | None, now: float) -> tuple[Scan, Tree]:
    """Take a position between two scans, now and then, where that is wanted."""
    due = scan.refreshed_at is None or now >= scan.refreshed_at + CONTINUOUS_S
    if tree.values[paths.GPS_CONTINUOUS] != "true":
        return scan, tree
    if fix is None:
        return scan, tree.report({paths.GPS_STATUS + "CurrentFix": "false"})
    if not due:
        return scan, tree
    return replace(scan, refreshed_at=now), _tracked(_located(tree, fix), fix)


def _tracked(tree: Tree, fix: Fix) -> Tree:
    """Return the tree with a position of the continuous watch (TR-181 ContinuousGPSStatus)."""
    values = {
        "CurrentFix": "true",
        "GotFix": "true",
        "Latitude": str(fix.place.latitude),
        "Longitude": str(fix.place.longitude),
        "LastFixTime": fix.time,
        "SatellitesTracked": str(fix.satellites),
    }
    return tree.report({paths.GPS_STATUS + name: value for name, value in values.items()})


def _located(tree: Tree, fix: Fix) -> Tree:
    place = fix.place
    values = {
        paths.GPS_LATITUDE: str(place.latitude),
        paths.GPS_LONGITUDE: str(place.longitude),
        paths.GPS_SATELLITES: str(fix.satellites),
    }
    row = paths.OWN_LOCATION
    ours = row + "DataObject" not in tree.provisioning.values
    if tree.values.get(row + "Source") == "GPS" and ours:
        values[row + "DataObject"] = data_object(place)
        values[row + "AcquiredTime"] = fix.time
    return tree.report(values)
