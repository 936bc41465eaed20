"""What only the box and its stack know → the read-only parameters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from henbd.control.report_box import addressing, stack_parameters, state_origin, vitals
from henbd.model import paths
from henbd.values import InterfaceAddress, Unknown, Vitals
from tests.unit.settings import factory
from tests.unit.sights import kernel
from tests.unit.world import World

TREE = factory()
SEEN = Vitals(77, 65536, 1024, {"OutOfBlues": 2**32 + 5, "CurrEstab": 1})
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PASSIVE = (
    "<cwmp:SetParameterAttributes><ParameterList><SetParameterAttributesStruct>"
    f"<Name>{paths.UP_TIME}</Name><NotificationChange>1</NotificationChange>"
    "<Notification>1</Notification><AccessListChange>0</AccessListChange><AccessList/>"
    "</SetParameterAttributesStruct></ParameterList></cwmp:SetParameterAttributes>"
)
CELL, NEIGHBOUR = "REM.LTE.Cell.", "CellConfig.LTE.RAN.NeighborListInUse.LTECell."


def test_vitals_are_told() -> None:
    tree = vitals(TREE, SEEN, NOW)
    assert tree.value(paths.UP_TIME) == "77"
    assert tree.value(paths.MEMORY + "Total") == "65536"
    assert tree.value(paths.MEMORY + "Free") == "1024"
    assert tree.value(paths.LOCAL_TIME) == "2026-03-04T05:06:07Z"
    assert tree.value(paths.TIME_STATUS) == "Synchronized"
    assert tree.value(paths.SCTP + "OutOfBlues") == "5", "a counter of 32 bits"


def test_counters_of_the_kernel_began_with_it() -> None:
    tree = vitals(TREE, SEEN, NOW)
    assert tree.value(paths.SCTP + "Discontinuity") == "2026-03-04T05:04:50Z"
    later = vitals(tree, replace(SEEN, up_time_s=87), NOW + timedelta(seconds=10.9))
    assert later.value(paths.SCTP + "Discontinuity") == "2026-03-04T05:04:50Z"


def test_box_says_whether_its_kernel_does_ipv6() -> None:
    ipv6, none = kernel(), kernel(addresses=())
    assert addressing(TREE, none).value(paths.IPV6_CAPABLE) == "false"
    held = InterfaceAddress(ip_address("::1"), 1, usable=True)
    there = addressing(TREE, replace(ipv6, addresses=(held,)))
    assert there.value(paths.IPV6_CAPABLE) == "true"
    assert there.value(paths.IPV6_STATUS) == "Enabled"
    assert addressing(there, Unknown("no dump")) is there


def test_clock_that_is_not_set_shows_no_time() -> None:
    tree = vitals(vitals(TREE, SEEN, NOW), SEEN, NOW.replace(year=1970))
    assert tree.value(paths.LOCAL_TIME) == "0001-01-01T00:00:00Z"
    assert tree.value(paths.TIME_STATUS) == "Unsynchronized"


def test_hems_reads_vitals_of_this_moment() -> None:
    world = World()
    world.register()
    world.run(100)
    world.provision({paths.S1_PORT: "36412"})
    world.run(1)
    assert abs(int(world.values[paths.UP_TIME]) - world.time.now) < 3


def test_vitals_under_notification_are_told_of_a_hems_that_asks_for_nothing() -> None:
    world = World()
    world.register()
    world.run(100)
    for asked in (0, 1):
        before = world.values[paths.UP_TIME]
        world.listener.call()
        world.run(1)
        assert (world.values[paths.UP_TIME] != before) == asked
        world.hems.will_ask(PASSIVE)
        world.listener.call()
        world.run(10)


def test_hems_is_told_at_once_that_kept_state_was_damaged() -> None:
    path = paths.state_origin("00256D")
    assert TREE.notified[path] == 2
    for damaged, previous, word in (
        (False, True, "Current"),
        (False, False, "Current"),
        (True, True, "Previous"),
        (True, False, "Factory"),
    ):
        tree = state_origin(TREE, "00256D", damaged=damaged, previous=previous)
        assert tree.value(path) == word


def test_stack_that_says_nothing_changes_nothing() -> None:
    assert stack_parameters(TREE, ()) is TREE


def test_what_the_stack_says_is_taken_with_its_rows() -> None:
    told = (
        ("Capabilities.LTE.BandsSupported", "7, 3"),
        (CELL + "1.RF.PhyCellID", "11"),
        (CELL + "2.BCCH.PLMNList.1.PLMNID", "00101"),
        (NEIGHBOUR + "1.CID", "5"),
    )
    tree = stack_parameters(TREE, told)
    assert tree.value(paths.FAP + "Capabilities.LTE.BandsSupported") == "7,3"
    assert tree.value(paths.FAP + "REM.LTE.CellNumberOfEntries") == "2"
    assert tree.value(paths.REM_CELLS + "1.RF.PhyCellID") == "11"
    assert tree.value(paths.REM_CELLS + "2.BCCH.PLMNListNumberOfEntries") == "1"
    assert tree.value(paths.REM_CELLS + "2.BCCH.PLMNList.1.PLMNID") == "00101"
    assert tree.value(paths.NEIGHBOURS_IN_USE + "1.CID") == "5"
    assert tree.provisioning == TREE.provisioning
    fewer = stack_parameters(tree, told[:2])
    assert fewer.instances[paths.REM_CELLS] == (1,)
    assert fewer.instances[paths.NEIGHBOURS_IN_USE] == ()
    assert fewer.value(paths.REM_CELLS + "1.RF.PhyCellID") == "11"
    assert stack_parameters(fewer, told[:2]) is fewer


def test_of_the_stack_only_legal_values_of_its_own_parameters_are_taken() -> None:
    told = (
        ("Capabilities.MaxTxPower", "20"),
        ("Capabilities.LTE.DuplexMode", "Both"),
        ("Capabilities.LTE.BandsSupported", "22"),
        ("FAPControl.LTE.Gateway.S1SigLinkPort", "1"),
        ("Nonsense", "1"),
        ("CellConfig.LTE.RAN.NeighborList.LTECell.1.CID", "1"),
        (CELL + "33.RF.PhyCellID", "1"),
        (CELL + "x.RF.PhyCellID", "1"),
    )
    tree = stack_parameters(TREE, told)
    changed = {p: v for p, v in tree.values.items() if TREE.values.get(p) != v}
    assert changed.pop(paths.FAP + "Capabilities.MaxTxPower") == "20"
    assert all(p.startswith((paths.REM_CELLS, paths.FAP + "REM.LTE.CellNumber")) for p in changed)


@pytest.mark.parametrize("number", ["0", "01", "9" * 10, "1" * 5000])
def test_what_is_no_number_of_a_row_names_none(number: str) -> None:
    told = ((f"{CELL}{number}.RF.PhyCellID", "1"), (f"{CELL}3.RF.PhyCellID", "1"))
    tree = stack_parameters(TREE, told)
    assert tree.instances[paths.REM_CELLS] == (3,)
    assert tree.value(paths.REM_CELLS + "3.RF.PhyCellID") == "1"


def test_no_more_rows_than_the_table_takes() -> None:
    told = tuple((f"{CELL}{n}.RF.PhyCellID", "1") for n in range(1, 99))
    assert len(stack_parameters(TREE, told).instances[paths.REM_CELLS]) == 32
