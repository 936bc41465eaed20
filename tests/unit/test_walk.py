"""Every parameter of the shipped tree: read under all its names, set to what it takes and not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from henbd.cwmp.ledger import Ledger
from henbd.cwmp.state import State, document, restored
from henbd.errors import CwmpFault, FaultCode, InvalidValueError
from henbd.model import types
from henbd.model.nodes import ALIAS, is_row
from henbd.model.schema import Base, Parameter, Reference, Role, Type
from henbd.model.tree import Tree
from henbd.values import AddressFamily
from tests.unit.settings import SECRET, factory, ipsec

BOTH = {"ipsec": ipsec(families=(AddressFamily.IPV4, AddressFamily.IPV6))}
SHIPPED = factory(**BOTH)


@cache
def full() -> Tree:
    """Return the shipped tree with a row in every table that takes one, and one within each."""
    tree, before = SHIPPED, -1
    while len(tree.nodes) != before:
        before = len(tree.nodes)
        for table, numbers in tree.instances.items():
            if not numbers and tree.writable(table):
                tree, _ = tree.add(table)
    return tree


WRITABLE = {
    path: row
    for path, row in full().rows.items()
    if full().writable(path) and row.role is Role.STORED
}


def legal(path: str, row: Parameter) -> str:
    """Return a value that a parameter takes, another than it has where there is one."""
    kind = row.type
    if path.endswith(ALIAS):
        return "row" + path.removesuffix(ALIAS).rpartition(".")[2]
    if kind.among:
        return full().value(kind.among).split(",")[-1]
    candidates = [*kind.enumeration]
    candidates += [str(n) for span in kind.ranges for n in span if n is not None]
    candidates += ["true", "false", "1", "2026-05-06T07:08:09Z", "a.example", "10.0.0.9", "00AA"]
    for text in candidates:
        try:
            value = types.canonical(kind, text)
        except InvalidValueError:
            continue
        if value != full().value(path):
            return value
    return full().value(path)


def illegal(row: Parameter) -> Iterator[tuple[str, FaultCode]]:
    """Yield texts that a parameter must refuse, each with the fault; none where any is good."""
    kind = row.type
    textual = kind.base in (Base.STRING, Base.BASE64, Base.HEX_BINARY)
    if not textual:
        yield "perhaps", FaultCode.INVALID_TYPE
    if kind.enumeration or kind.among:
        yield "no such word", FaultCode.INVALID_VALUE
    if kind.patterns:
        yield "\N{SNOWMAN}", FaultCode.INVALID_VALUE
    if kind.reference is Reference.STRONG:
        yield "Device.Nowhere.1", FaultCode.INVALID_VALUE
    for number in outside(kind):
        yield str(number), FaultCode.INVALID_VALUE
    longest = kind.list_size or (kind.size[1] if kind.size else None)
    if longest is not None and textual:
        yield "x" * (longest + 1), FaultCode.INVALID_VALUE
    if kind.items[1] is not None and kind.ranges:
        most = ",".join([str(kind.ranges[0][0])] * (kind.items[1] + 1))
        yield most, FaultCode.INVALID_VALUE


def outside(kind: Type) -> set[int]:
    """Return the numbers just outside of what a type has room for."""
    lowest = 0 if kind.base in (Base.UNSIGNED_INT, Base.UNSIGNED_LONG) else None
    beside = {n - 1 for n, _ in kind.ranges if n is not None}
    beside |= {n + 1 for _, n in kind.ranges if n is not None}

    def within(number: int) -> bool:
        return any(
            (low is None or low <= number) and (high is None or number <= high)
            for low, high in kind.ranges
        )

    return {n for n in beside if not within(n) and (lowest is None or n >= lowest)}


@pytest.mark.conformance("C103")
@pytest.mark.conformance("C105")
@pytest.mark.conformance("C107")
@pytest.mark.conformance("C110")
def test_names_values_and_attributes_are_of_the_same_parameters() -> None:
    tree = full()
    named = [name for name, _ in tree.names("", next_level=False)]
    parameters = [name for name in named if not name.endswith(".")]
    assert parameters == list(tree.below("")) == [path for path, _ in tree.attributes("")]
    for path in named:
        is_object = path.endswith(".")
        below = [n for n in parameters if n.startswith(path)] if is_object else [path]
        assert list(tree.below(path)) == below
        assert [name for name, _ in tree.attributes(path)] == below


@pytest.mark.conformance("C118")
def test_each_writable_parameter_takes_a_legal_value_and_refuses_an_illegal_one() -> None:
    tree = full()
    for path, row in WRITABLE.items():
        value = legal(path, row)
        assert tree.set([(path, value)]).value(path) == value, path
        for text, code in illegal(row):
            with pytest.raises(CwmpFault) as refused:
                tree.set([(path, text)])
            assert [(c.path, c.code) for c in refused.value.culprits] == [(path, code)]


@pytest.mark.conformance("C119")
def test_all_that_was_set_is_there_after_a_restart() -> None:
    values = {path: legal(path, row) for path, row in WRITABLE.items()}
    tree = full().set(values.items())
    kept = document(State(tree, Ledger(), SECRET))
    again, lost = restored(factory(**BOTH), kept, "boot")
    assert lost == ()
    assert again.tree.values == tree.values
    assert list(again.tree.nodes) == list(tree.nodes)
    assert document(again) == kept


def test_number_of_parameters_is_the_one_that_the_readme_tells() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    told = re.search(r"(\d+) parameters", text)
    assert told
    assert int(told[1]) == len(factory().rows)


def test_every_table_of_the_hems_can_have_its_row() -> None:
    tree = full()
    for table in tree.instances:
        assert not tree.writable(table) or tree.instances[table], table
    assert sum(map(is_row, tree.nodes)) > sum(map(is_row, SHIPPED.nodes))


def test_lists_are_judged_item_by_item() -> None:
    bands = Type(Base.UNSIGNED_INT, ranges=((1, 21), (33, 40)), is_list=True, items=(1, None))
    assert types.canonical(bands, "7, 40,1") == "7,40,1"
    for text in ("7,22", "7,,8", "7;8", ""):
        with pytest.raises(InvalidValueError):
            types.canonical(bands, text)
