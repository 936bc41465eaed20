"""The tree: what is there, and that a set is all or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from henbd.errors import CwmpFault, FaultCode, InvalidValueError
from henbd.model import paths, types
from henbd.model.provisioning import Provisioning
from henbd.model.schema import Access, Object, Role
from henbd.model.table import device_table
from henbd.model.tree import Tree
from henbd.values import AddressFamily
from tests.unit.settings import QUICK, factory, ipsec

TREE = factory()
WRITABLE = sorted(p for p, row in TREE.rows.items() if row.access is Access.READ_WRITE)
READ_ONLY = sorted(p for p, row in TREE.rows.items() if row.access is Access.READ_ONLY)
TABLES = sorted(p for p, node in TREE.nodes.items() if isinstance(node, Object) and node.is_table)
BOTH_FAMILIES = factory(ipsec=ipsec(families=(AddressFamily.IPV4, AddressFamily.IPV6)))


def is_value(path: str, text: str) -> bool:
    try:
        types.canonical(TREE.rows[path].type, text)
    except InvalidValueError:
        return False
    return True


# What may be written back, as it was read, and is not kept.
NO_VALUES_YET = {(p, v) for p, v in TREE.values.items() if not is_value(p, v)}

VALID = {
    paths.S1_SERVERS: "mme.example,10.0.0.2",
    paths.S1_PORT: "36500",
    paths.S1_MODE: "All",
    paths.ADMIN_STATE: "true",
    paths.CELL_IDENTITY: "4660",
    paths.PLMN_LIST + "1.PLMNID": "00101",
    paths.PERIODIC_TIME: "2026-01-01T00:00:00Z",
    paths.HNB_NAME: "at home",
}


def refusal(tree: Tree, *pairs: tuple[str, str]) -> CwmpFault:
    with pytest.raises(CwmpFault) as refused:
        tree.set(pairs)
    return refused.value


# What is there.


def test_factory_tree_has_the_rows_of_its_families() -> None:
    assert paths.INNER_IPV4 + "IPAddress" in TREE.rows
    assert paths.INNER_IPV6 + "IPAddress" not in TREE.rows
    assert paths.INNER_IPV6 + "IPAddress" in BOTH_FAMILIES.rows
    assert paths.INNER_IPV4 + "IPAddress" not in factory(ipsec=None).rows


def test_object_comes_before_what_is_in_it() -> None:
    order = list(TREE.nodes)
    for path in order[1:]:
        above = path.removesuffix(".").rpartition(".")[0] + "."
        assert order.index(above) < order.index(path)


def test_counter_has_the_number_of_rows() -> None:
    assert BOTH_FAMILIES.value("Device.IP.InterfaceNumberOfEntries") == "1"
    assert BOTH_FAMILIES.value(paths.INTERFACE + "IPv6AddressNumberOfEntries") == "1"
    assert TREE.value(paths.INTERFACE + "IPv6AddressNumberOfEntries") == "0"
    assert TREE.value(paths.FAP + "CellConfig.LTE.TunnelNumberOfEntries") == "0"
    assert factory(ipsec=None).value("Device.IPsec.TunnelNumberOfEntries") == "0"


def test_rows_of_a_table_bear_their_numbers() -> None:
    tree = Tree.factory(
        device_table("00256D"), {paths.FAP_SERVICES: (1,), paths.PLMN_LIST: (2, 5)}, {}
    )
    rows = [p for p in tree.nodes if p.startswith(paths.PLMN_LIST) and p.endswith(".")]
    assert rows == [paths.PLMN_LIST, paths.PLMN_LIST + "2.", paths.PLMN_LIST + "5."]
    assert tree.value(paths.FAP + "CellConfig.LTE.EPC.PLMNListNumberOfEntries") == "2"


def test_factory_value_is_spelt_canonically() -> None:
    tree = Tree.factory(device_table("00256D"), {}, {paths.PERIODIC_INTERVAL: "0060"})
    assert tree.value(paths.PERIODIC_INTERVAL) == "60"


@pytest.mark.parametrize("tree", [TREE, BOTH_FAMILIES, factory(ipsec=None)])
def test_every_value_is_one_that_its_type_allows(tree: Tree) -> None:
    for path, row in tree.rows.items():
        # A list that must not be empty is so until somebody has set it.
        if tree.value(path) or not row.type.items[0]:
            assert types.canonical(row.type, tree.value(path)) == tree.value(path)


def test_rows_and_values_are_of_the_same_paths() -> None:
    assert TREE.rows.keys() == TREE.values.keys()
    assert TREE.rows.keys() < TREE.nodes.keys()


# SetParameterValues.


def test_set_changes_what_is_named_and_nothing_else() -> None:
    after = TREE.set(VALID.items())
    assert {p: v for p, v in after.values.items() if TREE.value(p) != v} == VALID
    assert after.provisioning.values == VALID


def test_set_leaves_the_tree_before_as_it_was() -> None:
    before = dict(TREE.values)
    TREE.set(VALID.items())
    assert TREE.values == before
    assert not TREE.provisioning.values


def test_set_stores_the_canonical_spelling() -> None:
    after = TREE.set([(paths.ADMIN_STATE, "1"), (paths.S1_SERVERS, " a , b ")])
    assert after.provisioning.values == {paths.ADMIN_STATE: "true", paths.S1_SERVERS: "a,b"}


def test_value_that_was_set_to_what_it_is_is_provisioned_all_the_same() -> None:
    """A newer program may have another default."""
    after = TREE.set([(paths.S1_PORT, TREE.value(paths.S1_PORT))])
    assert after.provisioning.values == {paths.S1_PORT: "36412"}


@pytest.mark.conformance("C113")
def test_whatever_was_read_can_be_written_back() -> None:
    """An unset list that must have an item, an alias of the box's own: nothing is changed by it."""
    shown = [(p, TREE.values[p]) for p in WRITABLE if not TREE.rows[p].hidden]
    assert (paths.S1_SERVERS, "") in shown
    after = TREE.set(shown)
    assert after.values == TREE.values
    again, lost = factory().provision(after.provisioning)
    assert again.values == TREE.values
    assert not lost


def test_every_culprit_is_named_with_its_reason() -> None:
    fault = refusal(
        TREE,
        (paths.S1_PORT, "36500"),
        ("Device.Nonsense", "1"),
        (paths.S1_MODE, "Some"),
        (paths.ADMIN_STATE, "perhaps"),
        (paths.OP_STATE, "true"),
        (paths.GATEWAY, "x"),
        (paths.S1_PORT, "36501"),
    )
    assert fault.code == FaultCode.INVALID_ARGUMENTS
    assert [(c.path, c.code) for c in fault.culprits] == [
        ("Device.Nonsense", FaultCode.INVALID_NAME),
        (paths.S1_MODE, FaultCode.INVALID_VALUE),
        (paths.ADMIN_STATE, FaultCode.INVALID_TYPE),
        (paths.OP_STATE, FaultCode.NOT_WRITABLE),
        (paths.GATEWAY, FaultCode.INVALID_NAME),
        (paths.S1_PORT, FaultCode.INVALID_ARGUMENTS),
    ]
    assert all(c.text for c in fault.culprits)


@pytest.mark.conformance("C115")
@pytest.mark.parametrize("path", ["", "Device.", paths.GATEWAY, paths.PLMN_LIST, "Device.Nonsense"])
def test_only_parameters_can_be_set(path: str) -> None:
    assert [c.code for c in refusal(TREE, (path, "1")).culprits] == [FaultCode.INVALID_NAME]


@pytest.mark.conformance("C114")
def test_name_that_comes_twice_is_9003_whatever_the_values() -> None:
    fault = refusal(TREE, (paths.S1_PORT, "1"), (paths.S1_PORT, "1"))
    assert fault.code == FaultCode.INVALID_ARGUMENTS
    assert [c.path for c in fault.culprits] == [paths.S1_PORT]


def test_refusal_does_not_repeat_a_secret() -> None:
    secret = "geheim" * 100
    assert "geheim" not in str(refusal(TREE, (paths.PASSWORD, secret)).culprits)


anything: Any = st.one_of(
    st.tuples(st.sampled_from(WRITABLE), st.text(max_size=20)),
    st.tuples(st.sampled_from(READ_ONLY), st.just("1")),
    st.tuples(st.sampled_from(TABLES), st.just("1")),
    st.sampled_from(list(VALID.items())),
)


@QUICK
@given(st.lists(anything, max_size=6))
@example([next(pair for pair in sorted(NO_VALUES_YET) if pair[0] in WRITABLE)])
def test_set_is_all_or_nothing(pairs: list[tuple[str, str]]) -> None:
    before = (dict(TREE.values), TREE.provisioning)
    try:
        after = TREE.set(pairs)
    except CwmpFault as fault:
        bad = [c.path for c in fault.culprits]
        assert bad
        assert set(bad) <= {path for path, _ in pairs}
    else:
        kept = {path: text for path, text in pairs if (path, text) not in NO_VALUES_YET}
        assert after.provisioning.values.keys() == kept.keys()
        for path, text in kept.items():
            assert after.value(path) == types.canonical(TREE.rows[path].type, text)
    assert (dict(TREE.values), TREE.provisioning) == before


@pytest.mark.conformance("C112")
@QUICK
@given(st.permutations(list(VALID.items())))
def test_order_of_a_set_does_not_matter(pairs: list[tuple[str, str]]) -> None:
    assert TREE.set(pairs).values == TREE.set(VALID.items()).values


# What is kept.


def test_provisioning_makes_the_same_tree_of_a_factory_tree() -> None:
    after = TREE.set(VALID.items())
    again, lost = factory().provision(after.provisioning)
    assert again.values == after.values
    assert again.provisioning == after.provisioning
    assert lost == ()


def test_what_no_longer_fits_is_left_out_and_named() -> None:
    kept = {
        paths.S1_PORT: "36500",
        "Device.Former": "1",
        paths.S1_MODE: "Some",
        paths.OP_STATE: "true",
        paths.SERIAL_NUMBER: "0002",
    }
    tree, lost = TREE.provision(Provisioning(kept))
    assert set(lost) == {"Device.Former", paths.S1_MODE, paths.OP_STATE, paths.SERIAL_NUMBER}
    assert tree.provisioning.values == {paths.S1_PORT: "36500"}
    assert tree.value(paths.S1_MODE) == "One"
    assert tree.value(paths.SERIAL_NUMBER) == "0001"


def test_kept_parameter_key_is_restored() -> None:
    """It is read-only to the HeMS, and yet its to keep."""
    tree, lost = TREE.provision(TREE.store({paths.PARAMETER_KEY: "k"}).provisioning)
    assert (tree.value(paths.PARAMETER_KEY), lost) == ("k", ())


# What was read of the world.


def test_report_changes_memory_and_not_what_is_kept() -> None:
    after = TREE.report({paths.OP_STATE: "true"})
    assert after.value(paths.OP_STATE) == "true"
    assert after.provisioning is TREE.provisioning


def test_report_of_what_is_known_is_the_same_tree() -> None:
    assert TREE.report({paths.OP_STATE: "false"}) is TREE
    assert TREE.report({}) is TREE


@pytest.mark.parametrize("role", [Role.CONSTANT, Role.DERIVED])
def test_only_what_is_reported_can_be_reported(role: Role) -> None:
    path = next(p for p, row in TREE.rows.items() if row.role is role)
    with pytest.raises(AssertionError):
        TREE.report({path: "another"})


# Notification.


def test_what_is_under_notification_by_default() -> None:
    assert set(TREE.notified) == {
        paths.SOFTWARE_VERSION,
        "Device.DeviceInfo.ProvisioningCode",
        paths.CONNECTION_REQUEST_URL,
        paths.INNER_IPV4 + "IPAddress",
        paths.OP_STATE,
        paths.RF_TX_STATUS,
        paths.state_origin("00256D"),
        paths.FAP + "REM.LTE.LastScanTime",
        "Device.FAP.GPS.LastScanTime",
    }
    assert set(TREE.notified.values()) == {2}


@pytest.mark.conformance("C093", "C094", "C095", "C096")
@pytest.mark.parametrize(
    ("path", "chosen", "attribute"),
    [
        (paths.S1_PORT, 1, 1),
        (paths.S1_PORT, 2, 2),
        (paths.S1_PORT, 0, None),
        (paths.OP_STATE, 0, None),
        (paths.OP_STATE, 1, 1),
        (paths.PARAMETER_KEY, 2, 2),
        (paths.SOFTWARE_VERSION, 0, 2),
        (paths.SOFTWARE_VERSION, 1, 2),
    ],
)
def test_chosen_notification_counts_where_the_row_lets_it(
    path: str, chosen: int, attribute: int | None
) -> None:
    tree, _ = TREE.provision(Provisioning({}, {path: chosen}))
    assert tree.notified.get(path) == attribute
    assert tree.set(VALID.items()).notified.get(path) == attribute


def test_notification_of_a_row_that_is_gone_is_forgotten() -> None:
    tree, _ = TREE.provision(Provisioning({}, {"Device.Former": 2}))
    assert tree.notified == TREE.notified
    assert tree.provisioning.notifications == {}
