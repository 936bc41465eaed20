"""What an Inform carries beside the forced parameters and what has changed."""

from __future__ import annotations

import pytest

from henbd.control.inform_parameters import informed
from henbd.control.refusal import refusals
from henbd.errors import FaultCode
from henbd.model import paths
from henbd.model.tree import Tree
from tests.unit.box import ADDRESS, BOOT, BOOTSTRAP, CALLED, CHANGE, PERIODIC
from tests.unit.settings import factory, settings

ROW = paths.INFORM_PARAMETERS + "{}."
OP_STATE = paths.OP_STATE.replace("FAPService.1.", "FAPService.*.")


def with_row(name: str, events: str = "", *, enabled: bool = True) -> tuple[Tree, frozenset[str]]:
    """Return a tree with a row of the HeMS's, and what it set for that."""
    tree, number = factory().report({ADDRESS: "10.99.0.1"}).add(paths.INFORM_PARAMETERS)
    row = ROW.format(number)
    values = {"Enable": str(enabled), "ParameterName": name, "EventList": events}
    tree = tree.set((row + key, value) for key, value in values.items())
    return tree, frozenset(row + key for key in values)


@pytest.mark.conformance("C087", "C090")
@pytest.mark.parametrize(
    ("events", "codes", "carried"),
    [
        ("", (BOOT,), True),
        ("", (PERIODIC,), True),
        ("", (CHANGE,), False),
        ("", (CHANGE, PERIODIC), True),
        (f"{BOOTSTRAP},{BOOT}", (BOOT,), True),
        (f"{BOOTSTRAP},{BOOT}", (BOOTSTRAP, BOOT), True),
        (f"{BOOTSTRAP},{BOOT}", (PERIODIC, CHANGE), False),
        ("M Reboot", (BOOT, "M Reboot"), True),
    ],
)
def test_row_adds_its_parameter_to_informs_with_its_events(
    events: str, codes: tuple[str, ...], carried: bool
) -> None:
    tree, _ = with_row(paths.TAC, events)
    assert (paths.TAC in informed(tree, codes)) is carried
    disabled, _ = with_row(paths.TAC, events, enabled=False)
    assert paths.TAC not in informed(disabled, codes)


@pytest.mark.conformance("C087")
def test_wildcard_and_partial_path_stand_for_all_that_is_there() -> None:
    tree, _ = with_row(paths.PLMN_LIST + "*.PLMNID")
    tree, _ = tree.add(paths.PLMN_LIST)
    names = {f"{paths.PLMN_LIST}{number}.PLMNID" for number in (1, 2)}
    assert informed(tree, (CALLED,)) == names
    tree, _ = with_row(paths.PLMN_LIST)
    assert informed(tree, (CALLED,)) == {p for p in tree.rows if p.startswith(paths.PLMN_LIST)}
    tree, _ = with_row("Device.Nonsense.*.Foo")
    assert informed(tree, (CALLED,)) == frozenset()


@pytest.mark.conformance("C087")
@pytest.mark.parametrize(
    ("name", "events", "culprit"),
    [
        (paths.SOFTWARE_VERSION, "", "ParameterName"),
        (paths.OP_STATE, "", "ParameterName"),
        (OP_STATE, "", "ParameterName"),
        ("Device.Foo*", "", "ParameterName"),
        ("*", "", "ParameterName"),
        ("Device.IP.Interface.[1].Name", "", "ParameterName"),
        (paths.TAC, f"{BOOT},{CHANGE}", "EventList"),
    ],
)
def test_row_that_asks_for_what_must_not_be_is_9007(name: str, events: str, culprit: str) -> None:
    tree, changed = with_row(name, events)
    (found,) = refusals(tree, changed, settings())
    assert found.path.endswith(culprit)
    assert found.code == FaultCode.INVALID_VALUE


def test_row_that_is_right_is_taken() -> None:
    tree, changed = with_row(paths.PLMN_LIST + "*.PLMNID", f"{BOOTSTRAP},{BOOT}")
    assert refusals(tree, changed, settings()) == ()


@pytest.mark.conformance("C090")
def test_registration_tells_where_the_box_is_to_be_found() -> None:
    """TS 32.593 5.1.3 (1.1)."""
    tree = factory().report({ADDRESS: "10.99.0.1"})
    assert informed(tree, (BOOT,)) == informed(tree, (BOOTSTRAP, BOOT)) == {ADDRESS}
    assert informed(tree, (PERIODIC, CHANGE)) == frozenset()
    assert informed(factory(), (BOOT,)) == frozenset()
