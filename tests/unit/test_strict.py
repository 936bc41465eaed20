"""What we send is right by the letter, whatever the model holds."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from henbd.control.alarms import MOST_RAISED
from henbd.control.faults import MOST_HISTORY, MOST_TOLD
from henbd.cwmp.requests import GetParameterNames, GetParameterValues
from henbd.cwmp.responses import GetParameterNamesResponse, GetParameterValuesResponse
from henbd.cwmp.rpc import answer
from henbd.cwmp.soap import envelope
from henbd.cwmp.state import State
from henbd.model import paths, types
from henbd.model.schema import Object
from henbd.model.tree import Tree
from tests.unit.box import registered
from tests.unit.dialogue import NOW, RULES, violations
from tests.unit.settings import SECRET, factory

# The tables of the agent's own that grow.
OURS = {
    paths.ALARM_HISTORY: MOST_HISTORY,
    paths.EXPEDITED_EVENTS: MOST_TOLD,
    paths.QUEUED_EVENTS: MOST_TOLD,
    paths.CURRENT_ALARMS: MOST_RAISED,
    paths.FILTERS: 32,
    paths.CHILD_SAS: 4,
}

BOX = registered()
STATE = State(BOX.tree, BOX.ledger, SECRET)


def everything() -> GetParameterValuesResponse:
    response, _ = answer(GetParameterValues(("",)), STATE, RULES, NOW)
    assert isinstance(response, GetParameterValuesResponse)
    return response


@pytest.mark.conformance("C046", "C089", "C109")
def test_whole_model_is_sent_with_its_own_types_in_their_one_form() -> None:
    response = everything()
    assert [name for name, _, _ in response.parameters] == list(BOX.tree.rows)
    for name, value, kind in response.parameters:
        row = BOX.tree.rows[name]
        assert kind == row.type.wire
        if row.hidden:
            assert value == ""
        elif value:
            assert types.canonical(row.type, value) == value
    for version in ("1-0", "1-1", "1-2"):
        assert violations(envelope(response, "1", version)) == []


@pytest.mark.conformance("C109")
def test_fullest_model_is_sent_in_memory_that_the_board_has() -> None:
    """Every table that somebody can fill has a most of rows, so no answer is ever too large."""
    tree, before = factory(), 0
    while len(tree.nodes) != before:
        before, rows = len(tree.nodes), {}
        for path, numbers in tree.instances.items():
            table = tree.nodes[path]
            assert isinstance(table, Object)
            assert table.maximum is not None or not tree.writable(path), path
            most = table.maximum or OURS.get(path, len(numbers))
            rows[path] = tuple(range(1, most + 1))
        tree = Tree.factory(tree.table, rows, {})
    state = replace(STATE, tree=tree)
    tracemalloc.start()
    response, _ = answer(GetParameterValues(("",)), state, RULES, NOW)
    data = envelope(response, "1", "1-2")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(tree.rows) > 1500
    assert len(data) < 4 * 2**20
    assert peak < 8 * len(data)


@pytest.mark.conformance("C105", "C106", "C110")
def test_names_and_values_never_disagree() -> None:
    tree = BOX.tree
    for path, node in [("", None), *tree.nodes.items()]:
        if path and not isinstance(node, Object):
            continue
        listed, _ = answer(GetParameterNames(path, next_level=False), STATE, RULES, NOW)
        valued, _ = answer(GetParameterValues((path,)), STATE, RULES, NOW)
        assert isinstance(listed, GetParameterNamesResponse)
        assert isinstance(valued, GetParameterValuesResponse)
        names = [name for name, _ in listed.names if not name.endswith(".")]
        assert names == [name for name, _, _ in valued.parameters], path
