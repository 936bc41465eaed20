"""What we send is right by the letter, whatever the model holds."""

from __future__ import annotations

import pytest

from henbd.cwmp.requests import GetParameterNames, GetParameterValues
from henbd.cwmp.responses import GetParameterNamesResponse, GetParameterValuesResponse
from henbd.cwmp.rpc import answer
from henbd.cwmp.soap import envelope
from henbd.cwmp.state import State
from henbd.model import types
from henbd.model.schema import Object
from tests.unit.box import registered
from tests.unit.dialogue import NOW, RULES, violations
from tests.unit.settings import SECRET

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
