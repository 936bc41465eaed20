"""What the HeMS changes of the tree: values, rows, attributes; all of a request or nothing of it.

Whatever it has changed itself it knows, and is not told of (TR-069 3.7.1.5, 4 VALUE CHANGE).
"""

from __future__ import annotations

from dataclasses import replace

from henbd.cwmp import ledger as ledgers
from henbd.cwmp.requests import AddObject, DeleteObject, SetParameterAttributes, SetParameterValues
from henbd.cwmp.responses import AddObjectResponse, DeleteObjectResponse, SetParameterValuesResponse
from henbd.cwmp.rules import Rules, check_key
from henbd.cwmp.state import State
from henbd.errors import CwmpFault, FaultCode
from henbd.model import paths
from henbd.model.tree import Tree


def values_set(
    request: SetParameterValues, state: State, rules: Rules
) -> tuple[SetParameterValuesResponse, State]:
    """Return what SetParameterValues comes to; raises CwmpFault (A.3.2.1)."""
    check_key(request.parameter_key, "ParameterKey")
    tree = state.tree.set((p.name, p.value) for p in request.parameters)
    named = frozenset(p.name for p in request.parameters)
    culprits = rules.refusals(tree, named)
    if culprits:
        raise CwmpFault(FaultCode.INVALID_ARGUMENTS, "Invalid arguments", culprits)
    after = _changed(state, tree, request.parameter_key, frozenset(map(tree.target, named)))
    return SetParameterValuesResponse(rules.status(state.tree, after.tree)), after


def row_added(request: AddObject, state: State, rules: Rules) -> tuple[AddObjectResponse, State]:
    """Return what AddObject comes to; raises CwmpFault (A.3.2.6)."""
    check_key(request.parameter_key, "ParameterKey")
    tree, number = state.tree.add(request.path)
    _check_rows(state.tree, tree, rules)
    after = _changed(state, tree, request.parameter_key)
    return AddObjectResponse(number, rules.status(state.tree, after.tree)), after


def row_deleted(
    request: DeleteObject, state: State, rules: Rules
) -> tuple[DeleteObjectResponse, State]:
    """Return what DeleteObject comes to; raises CwmpFault (A.3.2.7)."""
    check_key(request.parameter_key, "ParameterKey")
    tree = state.tree.delete(request.path)
    _check_rows(state.tree, tree, rules)
    after = _changed(state, tree, request.parameter_key)
    return DeleteObjectResponse(rules.status(state.tree, after.tree)), after


def attributes_set(request: SetParameterAttributes, state: State) -> State:
    """Return what SetParameterAttributes comes to; raises CwmpFault (A.3.2.4).

    A value that comes under notification now is told from its next change on.
    """
    # Each once, at its last place: a request has room for the same one ten thousand times.
    changes = tuple(reversed(dict.fromkeys(reversed(request.changes))))
    for change in changes:
        # A name is checked even if nothing of it is to change.
        for _ in state.tree.below(change.name):
            break
    tree = state.tree.notify(
        (c.name, c.notification) for c in changes if c.notification is not None
    )
    tree = tree.grant((c.name, c.subscriber) for c in changes if c.subscriber is not None)
    fresh = tree.notified.keys() - state.tree.notified.keys()
    return replace(state, tree=tree, ledger=ledgers.taught(state.ledger, tree, frozenset(fresh)))


def _check_rows(before: Tree, after: Tree, rules: Rules) -> None:
    """Refuse to add or delete a row where that asks for what cannot be done on this box."""
    known = rules.refusals(before, frozenset(before.rows))
    for culprit in rules.refusals(after, frozenset(after.rows)):
        if culprit not in known:
            raise CwmpFault(FaultCode.REQUEST_DENIED, culprit.text)


def _changed(
    state: State, tree: Tree, parameter_key: str, given: frozenset[str] = frozenset()
) -> State:
    """Return the state with a tree that the HeMS has made: what it has set or differs it knows."""
    tree = tree.store({paths.PARAMETER_KEY: parameter_key})
    before = state.tree.values
    differing = frozenset(p for p in tree.notified if before.get(p) != tree.values[p])
    ledger = ledgers.taught(state.ledger, tree, given | differing)
    local = (state.local - given) & tree.rows.keys()
    return replace(state, tree=tree, ledger=ledger, local=local)
