"""What values must keep to beyond their types: references, lists that are parameters, keys."""

from __future__ import annotations

import pytest

from henbd.errors import CwmpFault, FaultCode
from henbd.model import paths
from henbd.model.tree import Tree
from tests.unit.settings import factory
from tests.unit.small_table import table_of

SMALL = table_of("""
Device.One           string      W strong=Device.T.{i}.          -   -  stored
Device.Any           string      W strong=                       -   -  stored
Device.Many          string      W list;strong=Device.T.{i}.     -   -  stored
Device.Weak          string      W weak=Device.T.{i}.            -   -  stored
Device.Known         string      R list                          a,b -  constant
Device.Chosen        string      W list;among=Device.Known       -   -  stored
Device.Fixed         int         W -                             7   -  constant
Device.Seen          string      W -                             x   -  reported
Device.TCount        unsignedInt R -                             -   -  derived
Device.KCount        unsignedInt R -                             -   -  derived
Device.T.{i}. table W entries=0..;counter=TCount;enable=Enable;identity=Alias;unique=A+B - - -
Device.T.{i}.Enable  boolean     W -                             -   -  stored
Device.T.{i}.Alias   string      O size=0..64                    -   -  stored
Device.T.{i}.A       string      W -                             -   -  stored
Device.T.{i}.B       string      W -                             -   -  stored
Device.K.{i}.        table       W entries=0..;counter=KCount;unique=A - - -
Device.K.{i}.A       string      W -                             -   -  stored
""")


def rows(table: str, count: int = 2) -> Tree:
    tree = Tree.factory(SMALL, {}, {})
    for _ in range(count):
        tree, _ = tree.add(table)
    return tree


TREE = rows("Device.T.")


def culprits(tree: Tree, **values: str) -> dict[str, FaultCode]:
    """Return who is to blame for a set; names are below Device., with `_` for the dot."""
    try:
        tree.set((f"Device.{name.replace('_', '.')}", text) for name, text in values.items())
    except CwmpFault as fault:
        return {c.path.removeprefix("Device.").replace(".", "_"): c.code for c in fault.culprits}
    return {}


WRONG = FaultCode.INVALID_VALUE


@pytest.mark.conformance("C120")
def test_strong_reference_names_a_row_that_is_there_with_or_without_the_last_dot() -> None:
    for text in ("Device.T.1", "Device.T.1.", ""):
        assert TREE.set([("Device.One", text)]).value("Device.One") == text.removesuffix(".")
        assert culprits(TREE, Any=text) == {}
    for text in ("Device.T.3", "Device.T.", "Device.T", "Device.T.1.A", "Device.K.1", "x"):
        assert culprits(TREE, One=text) == {"One": WRONG}, text
    assert TREE.set([("Device.Many", "Device.T.2., Device.T.1")]).value("Device.Many") == (
        "Device.T.2,Device.T.1"
    )
    assert culprits(TREE, Many="Device.T.1,Device.T.9") == {"Many": WRONG}


@pytest.mark.conformance("C113")
def test_culprit_is_named_once_whatever_is_wrong_with_it() -> None:
    with pytest.raises(CwmpFault) as refused:
        TREE.set([("Device.Many", "Device.T.8,Device.T.9"), ("Device.Chosen", "x,y")])
    assert [c.path for c in refused.value.culprits] == ["Device.Many", "Device.Chosen"]


def test_weak_reference_may_name_what_is_not_there() -> None:
    assert TREE.set([("Device.Weak", "Device.T.9.")]).value("Device.Weak") == "Device.T.9"


def test_entries_are_among_those_of_the_list_that_is_named() -> None:
    assert culprits(TREE, Chosen="b, a") == {}
    assert culprits(TREE, Chosen="") == {}
    assert culprits(TREE, Chosen="a,c") == {"Chosen": WRONG}


def test_what_is_not_stored_takes_only_the_value_that_it_has() -> None:
    same = TREE.set([("Device.Fixed", "07"), ("Device.Seen", "x")])
    assert same.provisioning.values == {}
    assert culprits(TREE, Fixed="8", Seen="y") == {"Fixed": WRONG, "Seen": WRONG}


@pytest.mark.conformance("C125")
def test_key_is_unique_among_the_rows_that_are_turned_on() -> None:
    same = {"T_1_A": "x", "T_2_A": "x", "T_1_B": "y", "T_2_B": "y"}
    assert culprits(TREE, **same) == {}
    assert culprits(TREE, **same, T_1_Enable="1") == {}
    both = {**same, "T_1_Enable": "1", "T_2_Enable": "1"}
    assert culprits(TREE, **both) == dict.fromkeys(both, WRONG)
    assert culprits(TREE, **{**both, "T_2_B": "z"}) == {}
    on = TREE.set([("Device.T.1.Enable", "1"), ("Device.T.1.A", "x"), ("Device.T.2.A", "x")])
    assert culprits(on, T_2_Enable="1") == {"T_2_Enable": WRONG}
    assert culprits(on, T_2_Enable="1", T_1_Enable="0") == {}
    assert culprits(on, T_2_Enable="1", T_2_A="w") == {}


@pytest.mark.conformance("C112")
def test_keys_may_be_exchanged_in_one_set() -> None:
    tree = rows("Device.K.").set([("Device.K.1.A", "x"), ("Device.K.2.A", "y")])
    assert culprits(tree, K_1_A="y") == {"K_1_A": WRONG}
    assert culprits(tree, K_1_A="y", K_2_A="x") == {}


def test_rows_without_a_switch_have_no_key_until_it_is_set() -> None:
    tree = rows("Device.K.", 3)
    assert culprits(tree, K_1_A="x") == {}
    assert culprits(tree, K_1_A="x", K_2_A="x") == {"K_1_A": WRONG, "K_2_A": WRONG}


@pytest.mark.conformance("C121")
def test_alias_is_ours_until_the_hems_has_given_another_once() -> None:
    assert [TREE.value(f"Device.T.{n}.Alias") for n in (1, 2)] == ["cpe-1", "cpe-2"]
    for text in ("1st", "", "-x", "cpe-3"):
        assert culprits(TREE, T_1_Alias=text) == {"T_1_Alias": WRONG}, text
    assert culprits(TREE, T_1_Alias="one", T_2_Alias="one") == {
        "T_1_Alias": WRONG,
        "T_2_Alias": WRONG,
    }
    named = TREE.set([("Device.T.1.Alias", "one")])
    assert culprits(named, T_2_Alias="one") == {"T_2_Alias": WRONG}
    assert TREE.writable("Device.T.1.Alias")
    assert not named.writable("Device.T.1.Alias")
    assert culprits(named, T_1_Alias="other") == {"T_1_Alias": FaultCode.NOT_WRITABLE}
    again, _ = Tree.factory(SMALL, {}, {}).provision(named.provisioning)
    assert not again.writable("Device.T.1.Alias")


def test_plmns_are_different_where_they_are_used() -> None:
    tree, number = factory().add(paths.PLMN_LIST)
    row = f"{paths.PLMN_LIST}{number}."
    tree = tree.set([(paths.PLMN_LIST + "1.PLMNID", "00101"), (row + "PLMNID", "00101")])
    with pytest.raises(CwmpFault) as refused:
        tree.set([(row + "Enable", "true")])
    assert [c.path for c in refused.value.culprits] == [row + "Enable"]
