"""The tree: its names and what they stand for (GetParameterNames, GetParameterValues)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.errors import CwmpFault, FaultCode
from henbd.model import paths
from henbd.model.schema import Object
from henbd.model.table import device_table
from henbd.model.tree import Tree
from tests.unit.settings import QUICK, factory

TREE = factory()


@pytest.mark.conformance("C105")
@pytest.mark.parametrize("path", ["", "Device.", paths.GATEWAY, paths.LTE_TUNNELS, paths.S1_PORT])
def test_names_without_next_level_are_the_object_and_all_below(path: str) -> None:
    names = [name for name, _ in TREE.names(path, next_level=False)]
    assert names == [node for node in TREE.nodes if node.startswith(path)]
    assert not path or names[0] == path


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", ["Device."]),
        ("Device.IPsec.IKEv2SA.", ["Device.IPsec.IKEv2SA.1."]),
        (
            "Device.IPsec.Tunnel.1.",
            [f"Device.IPsec.Tunnel.1.{n}" for n in ("Alias", "TunnelInterface")]
            + [f"Device.IPsec.Tunnel.1.{n}" for n in ("TunneledInterface", "Filters")],
        ),
        (
            "Device.",
            ["Device.RootDataModelVersion"]
            + [f"Device.{n}." for n in ("Services", "DeviceInfo", "ManagementServer", "Time")]
            + [f"Device.{n}." for n in ("IP", "IPsec", "FaultMgmt", "FAP")],
        ),
        (paths.LTE_TUNNELS, []),
    ],
)
def test_next_level_is_one_level_without_the_object_itself(path: str, names: list[str]) -> None:
    assert [name for name, _ in TREE.names(path, next_level=True)] == names


def test_next_level_of_a_parameter_is_9003() -> None:
    with pytest.raises(CwmpFault) as refused:
        TREE.names(paths.S1_PORT, next_level=True)
    assert refused.value.code == FaultCode.INVALID_ARGUMENTS


UNKNOWN = [
    "Device",
    "device.",
    "Device.Nonsense",
    "Device.Nonsense.",
    "Device.DeviceInf",
    "Device.DeviceInfo.Manufacturer.",
    "Device.DeviceInfo",
    "Device.IP.Interface.2.",
    "Device.IP.Interface.01.",
    "Device.IP.Interface.{i}.",
    "Device.IP.Interface.*.",
    "Device.IP.Interface.1.Name ",
    ".",
    " ",
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_unknown_name_is_9005(path: str) -> None:
    with pytest.raises(CwmpFault) as refused:
        list(TREE.below(path))
    assert refused.value.code == FaultCode.INVALID_NAME
    for next_level in (True, False):
        with pytest.raises(CwmpFault) as refused:
            TREE.names(path, next_level=next_level)
        assert refused.value.code == FaultCode.INVALID_NAME


@pytest.mark.conformance("C104")
def test_values_of_an_empty_table_are_none() -> None:
    assert list(TREE.below(paths.LTE_TUNNELS)) == []


def test_row_ten_is_not_below_row_one() -> None:
    tree = Tree.factory(
        device_table("00256D"), {paths.FAP_SERVICES: (1,), paths.PLMN_LIST: (1, 10)}, {}
    )
    assert all(p.startswith(paths.PLMN_LIST + "1.") for p in tree.below(paths.PLMN_LIST + "1."))
    assert len(list(tree.below(paths.PLMN_LIST + "1."))) == 5


@pytest.mark.conformance("C110")
@QUICK
@given(st.sampled_from([*TREE.nodes, ""]))
def test_names_and_values_agree(path: str) -> None:
    """Each parameter that has a value has a name, and the other way round."""
    names = [name for name, _ in TREE.names(path, next_level=False)]
    assert [n for n in names if not n.endswith(".")] == list(TREE.below(path))


@QUICK
@given(st.sampled_from([path for path, node in TREE.nodes.items() if isinstance(node, Object)]))
def test_levels_add_up_to_the_whole(path: str) -> None:
    level = [name for name, _ in TREE.names(path, next_level=True)]
    below = [n for name in level for n, _ in TREE.names(name, next_level=False)]
    assert [path, *below] == [n for n, _ in TREE.names(path, next_level=False)]


@pytest.mark.conformance("C106")
def test_writable_is_what_can_be_set() -> None:
    for path, row in TREE.rows.items():
        writable = TREE.writable(path)
        assert dict(TREE.names(path, next_level=False)) == {path: writable}
        if not writable:
            with pytest.raises(CwmpFault) as refused:
                TREE.set([(path, TREE.value(path))])
            assert [c.code for c in refused.value.culprits] == [FaultCode.NOT_WRITABLE], path
        # A list that nobody has set is not to be set to nothing, nor an alias to one of ours.
        elif TREE.value(path) or not row.type.items[0]:
            TREE.set([(path, "mine" if path.endswith(".Alias") else TREE.value(path))])
