"""The tree: notification attributes (GetParameterAttributes, SetParameterAttributes)."""

from __future__ import annotations

import pytest

from henbd.errors import CwmpFault, FaultCode
from henbd.model import paths
from henbd.model.tree import Tree
from tests.unit.settings import factory
from tests.unit.small_table import table_of

TREE = factory()
COUNTERS = Tree.factory(
    table_of("""
Device.Count unsignedInt R - - deny reported
Device.Mode  string      W - - deny stored
Device.Plain string      W - - -    stored
"""),
    {},
    {},
)


def code(tree: Tree, *changes: tuple[str, int]) -> FaultCode:
    with pytest.raises(CwmpFault) as refused:
        tree.notify(changes)
    return refused.value.code


@pytest.mark.conformance("C107")
def test_attributes_are_those_of_every_parameter_below_in_order() -> None:
    assert list(TREE.attributes(paths.S1_PORT)) == [(paths.S1_PORT, 0)]
    assert dict(TREE.attributes(paths.FAP + "FAPControl."))[paths.OP_STATE] == 2
    assert [p for p, _ in TREE.attributes("")] == list(TREE.rows)
    assert list(TREE.attributes(paths.LTE_TUNNELS)) == []
    for path in ("Device", "Device.Nonsense", paths.LTE_TUNNELS + "1."):
        with pytest.raises(CwmpFault, match="9005"):
            list(TREE.attributes(path))


@pytest.mark.conformance("C094")
@pytest.mark.conformance("C096")
def test_chosen_attributes_are_read_back_and_kept() -> None:
    tree = TREE.notify([(paths.S1_PORT, 1), (paths.ADMIN_STATE, 2), (paths.OP_STATE, 0)])
    wanted = {paths.S1_PORT: 1, paths.ADMIN_STATE: 2, paths.OP_STATE: 0}
    assert {p: n for p, n in tree.attributes("") if p in wanted} == wanted
    assert tree.notified.items() >= {paths.S1_PORT: 1, paths.ADMIN_STATE: 2}.items()
    assert paths.OP_STATE not in tree.notified
    again, _ = factory().provision(tree.provisioning)
    assert again.notified == tree.notified
    assert tree.values is TREE.values


def test_last_choice_of_one_request_counts() -> None:
    tree = TREE.notify([(paths.GATEWAY, 2), (paths.S1_PORT, 1)])
    assert dict(tree.attributes(paths.GATEWAY)) | {paths.S1_PORT: 1} == dict(
        tree.attributes(paths.GATEWAY)
    )
    assert dict(tree.attributes(paths.GATEWAY))[paths.S1_SERVERS] == 2


@pytest.mark.conformance("C101")
def test_attribute_of_a_partial_path_is_not_that_of_later_rows() -> None:
    tree, _ = TREE.notify([(paths.PLMN_LIST, 1)]).add(paths.PLMN_LIST)
    attributes = dict(tree.attributes(paths.PLMN_LIST))
    assert attributes[paths.PLMN_LIST + "1.PLMNID"] == 1
    assert attributes[paths.PLMN_LIST + "2.PLMNID"] == 0


@pytest.mark.conformance("C093")
def test_what_is_always_active_stays_so() -> None:
    tree = TREE.notify([(paths.SOFTWARE_VERSION, 0)])
    assert dict(tree.attributes(paths.SOFTWARE_VERSION)) == {paths.SOFTWARE_VERSION: 2}
    assert tree.provisioning.notifications == {}


@pytest.mark.conformance("C095")
def test_active_notification_of_a_counter_is_refused() -> None:
    for path in ("Device.Count", "Device.", ""):
        assert code(COUNTERS, ("Device.Plain", 1), (path, 2)) == FaultCode.NOTIFICATION_REJECTED
    tree = COUNTERS.notify([("Device.Count", 1), ("Device.Mode", 2), ("Device.Plain", 2)])
    assert tree.notified == {"Device.Count": 1, "Device.Mode": 2, "Device.Plain": 2}


@pytest.mark.conformance("C092")
def test_lightweight_notification_and_nonsense_are_9003() -> None:
    for number in (-1, 3, 4, 5, 6, 7):
        assert code(TREE, (paths.S1_PORT, number)) == FaultCode.INVALID_ARGUMENTS


def test_unknown_name_is_9005_and_changes_nothing() -> None:
    assert code(TREE, (paths.S1_PORT, 1), ("Device.Nonsense", 1)) == FaultCode.INVALID_NAME
    assert paths.S1_PORT not in TREE.notified
