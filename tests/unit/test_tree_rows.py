"""The tree: rows that come and go (AddObject, DeleteObject, and the agent's own)."""

from __future__ import annotations

import pytest

from henbd.errors import CwmpFault, FaultCode
from henbd.model import paths
from henbd.model.tree import Tree
from tests.unit.settings import factory
from tests.unit.small_table import table_of

TREE = factory()
TUNNELS, COUNT = paths.LTE_TUNNELS, paths.FAP + "CellConfig.LTE.TunnelNumberOfEntries"

# A table of the HeMS's whose rows have a table of their own, and what refers to them.
SMALL = table_of("""
Device.One             string      W strong=Device.T.{i}.|Device.T.{i}.U.{i}. -   -      stored
Device.Many            string      W list;strong=Device.T.{i}.                -   -      stored
Device.Seen            string      R strong=Device.T.{i}.                     -   -      reported
Device.Weak            string      W weak=Device.T.{i}.                       -   -      stored
Device.TCount          unsignedInt R -                                        -   -      derived
Device.ACount          unsignedInt R -                                        -   -      derived
Device.T.{i}.          table       W entries=0..3;counter=TCount              -   -      -
Device.T.{i}.V         string      W -                                        new -      stored
Device.T.{i}.UCount    unsignedInt R -                                        -   -      derived
Device.T.{i}.U.{i}.    table       W entries=1..2;counter=UCount              -   -      -
Device.T.{i}.U.{i}.W   int         W -                                        7   active stored
Device.A.{i}.          table       R entries=0..;counter=ACount               -   -      -
Device.A.{i}.B         string      R -                                        b   -      reported
""")


def small() -> Tree:
    return Tree.factory(SMALL, {}, {})


def added(tree: Tree, path: str, times: int = 1) -> Tree:
    for _ in range(times):
        tree, _ = tree.add(path)
    return tree


def code(work: object) -> FaultCode:
    assert callable(work)
    with pytest.raises(CwmpFault) as refused:
        work()
    return refused.value.code


@pytest.mark.conformance("C125")
def test_new_row_has_its_defaults_and_nothing_else_is_changed() -> None:
    tree, number = TREE.add(TUNNELS)
    row = f"{TUNNELS}{number}."
    assert {p: v for p, v in tree.values.items() if TREE.values.get(p) != v} == {
        COUNT: "1",
        row + "Enable": "false",
        row + "Alias": "cpe-1",
        row + "TunnelRef": "",
        row + "PLMNID": "",
    }
    assert next(p for p in tree.nodes if p.startswith(row)) == row
    assert not [p for p in tree.notified if p.startswith(row)]
    assert row not in TREE.nodes


def test_new_row_is_where_the_document_has_it() -> None:
    tree = added(added(small(), "Device.T.", 2), "Device.T.1.U.")
    below = [p for p in tree.nodes if p.startswith("Device.T.")]
    assert below == [
        "Device.T.",
        *("Device.T.1." + n for n in ("", "V", "UCount", "U.")),
        *("Device.T.1.U." + n for n in ("1.", "1.W", "2.", "2.W")),
        *("Device.T.2." + n for n in ("", "V", "UCount", "U.", "U.1.", "U.1.W")),
    ]


@pytest.mark.conformance("C128")
def test_table_in_a_new_row_has_as_many_rows_as_it_must() -> None:
    tree = added(small(), "Device.T.")
    assert tree.value("Device.T.1.U.1.W") == "7"
    assert tree.value("Device.T.1.UCount") == "1"
    assert tree.notified["Device.T.1.U.1.W"] == 2


@pytest.mark.conformance("C123")
def test_only_to_a_table_that_is_there_a_row_is_added() -> None:
    for path in (
        *("", "Device.", "Nonsense.", paths.S1_PORT, paths.GATEWAY),
        *(TUNNELS[:-1], TUNNELS + "1.", paths.PLMN_LIST + "1.", TUNNELS + "{i}."),
    ):
        assert code(lambda path=path: TREE.add(path)) == FaultCode.INVALID_NAME, path


@pytest.mark.conformance("C123")
def test_to_a_table_of_the_agent_no_row_is_added() -> None:
    """Of tunnels and what belongs to them there is one each, and room for no other."""
    for path in (paths.FILTERS, paths.PROFILES, paths.TUNNELS):
        assert code(lambda path=path: TREE.add(path)) == FaultCode.RESOURCES_EXCEEDED, path
    for path in (paths.IKE_SAS, paths.CURRENT_ALARMS, paths.DATA_MODELS):
        assert code(lambda path=path: TREE.add(path)) == FaultCode.REQUEST_DENIED, path


@pytest.mark.conformance("C128")
def test_table_has_neither_more_rows_nor_fewer_than_it_may() -> None:
    tree = added(TREE, paths.PLMN_LIST, 5)
    assert code(lambda: tree.add(paths.PLMN_LIST)) == FaultCode.RESOURCES_EXCEEDED
    for number in (1, 2, 3, 4, 5):
        tree = tree.delete(f"{paths.PLMN_LIST}{number}.")
    assert tree.instances[paths.PLMN_LIST] == (6,)
    assert code(lambda: tree.delete(paths.PLMN_LIST + "6.")) == FaultCode.REQUEST_DENIED


@pytest.mark.conformance("C124")
def test_number_of_a_row_is_never_used_again() -> None:
    tree, first = TREE.add(TUNNELS)
    tree = tree.delete(f"{TUNNELS}{first}.")
    kept = tree.provisioning
    tree, second = tree.add(TUNNELS)
    restarted, lost = factory().provision(kept)
    assert (first, second, lost) == (1, 2, ())
    assert restarted.add(TUNNELS)[1] == 2
    assert TREE.add(paths.PLMN_LIST)[1] == 2


@pytest.mark.conformance("C126")
def test_row_goes_with_all_that_was_in_it() -> None:
    tree = added(small(), "Device.T.", 2)
    changed = tree.set([("Device.T.1.V", "x"), ("Device.T.1.U.1.W", "9"), ("Device.T.2.V", "y")])
    after = changed.notify([("Device.T.1.", 1)]).delete("Device.T.1.")
    assert not [p for p in after.nodes if p.startswith("Device.T.1.")]
    assert not [p for p in after.instances if p.startswith("Device.T.1.")]
    assert after.value("Device.TCount") == "1"
    assert after.provisioning.values == {"Device.T.2.V": "y"}
    assert after.provisioning.notifications == {}
    assert after.rows.keys() == after.values.keys()


@pytest.mark.conformance("C126")
def test_only_a_row_that_is_there_is_deleted() -> None:
    for path in ("", "Device.", TUNNELS, TUNNELS + "1.", paths.PLMN_LIST + "1", paths.S1_PORT):
        assert code(lambda path=path: TREE.delete(path)) == FaultCode.INVALID_NAME, path


def test_row_of_the_agent_is_not_deleted() -> None:
    assert code(lambda: TREE.delete(paths.IKE_SA)) == FaultCode.REQUEST_DENIED


@pytest.mark.conformance("C120")
def test_strong_references_to_a_row_become_empty_with_it() -> None:
    tree = added(small(), "Device.T.", 2)
    tree = tree.set(
        [
            ("Device.One", "Device.T.1.U.1"),
            ("Device.Many", "Device.T.2,Device.T.1"),
            ("Device.Weak", "Device.T.1"),
        ]
    ).report({"Device.Seen": "Device.T.1"})
    after = tree.delete("Device.T.1.")
    read = {p: after.value(f"Device.{p}") for p in ("One", "Many", "Seen", "Weak")}
    assert read == {"One": "", "Many": "Device.T.2", "Seen": "", "Weak": "Device.T.1"}
    assert after.provisioning.values["Device.One"] == ""
    assert "Device.Seen" not in after.provisioning.values
    kept = tree.set([("Device.One", "Device.T.2")]).delete("Device.T.1.")
    assert kept.value("Device.One") == "Device.T.2"


def test_rows_are_there_again_after_a_restart() -> None:
    tree = added(added(small(), "Device.T.", 2), "Device.T.2.U.").delete("Device.T.1.")
    tree = tree.set([("Device.T.2.U.2.W", "5")])
    again, lost = small().provision(tree.provisioning)
    assert lost == ()
    assert again.values == tree.values
    assert list(again.nodes) == list(tree.nodes)
    assert again.provisioning == tree.provisioning


def test_rows_that_a_newer_program_does_not_have_are_forgotten() -> None:
    tree = added(added(small(), "Device.T."), "Device.T.1.U.")
    again, lost = TREE.provision(tree.set([("Device.T.1.V", "x")]).provisioning)
    assert again.values == TREE.values
    assert (again.provisioning.rows, again.provisioning.numbers) == ({}, {})
    assert lost == ("Device.T.1.V",)


@pytest.mark.conformance("C096")
def test_notification_chosen_for_a_row_of_the_agent_outlives_a_restart() -> None:
    tree = small().report_rows("Device.A.", (1,)).notify([("Device.A.1.B", 2)])
    again, _ = small().provision(tree.provisioning)
    assert again.provisioning == tree.provisioning
    assert "Device.A.1.B" not in again.notified
    assert again.report_rows("Device.A.", (1,)).notified["Device.A.1.B"] == 2


def test_rows_of_the_agent_come_and_go_in_memory() -> None:
    tree = small().report_rows("Device.A.", (1, 2)).report({"Device.A.2.B": "x"})
    assert tree.report_rows("Device.A.", (1, 2)) is tree
    tree = tree.report_rows("Device.A.", (2, 3))
    assert {p: v for p, v in tree.values.items() if p.startswith("Device.A")} == {
        "Device.ACount": "2",
        "Device.A.2.B": "x",
        "Device.A.3.B": "b",
    }
    assert tree.provisioning == small().provisioning
