"""What an operator sets at the box: checked as if the HeMS had set it, and told to the HeMS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from henbd.cwmp import ledger as ledgers
from henbd.cwmp.state import State
from henbd.errors import Culprit, CwmpFault, FaultCode
from henbd.model.tree import Tree

Refusals = Callable[[Tree, frozenset[str]], tuple[Culprit, ...]]


def locally_set(values: Mapping[str, str], state: State, refusals: Refusals) -> State:
    """Return the state with parameters set and marked as local changes.

    The HeMS hears of them as of any other change (TR-069 3.7.1.5, 4 VALUE CHANGE). Raises CwmpFault
    with every culprit, and then nothing is set.
    """
    tree = state.tree.set(values.items())
    named = frozenset(values)
    culprits = refusals(tree, named)
    if culprits:
        raise CwmpFault(FaultCode.INVALID_ARGUMENTS, "Invalid arguments", culprits)
    ledger = ledgers.noticed(state.ledger, state.tree, tree)
    given = frozenset(map(tree.target, named))
    return replace(state, tree=tree, ledger=ledger, local=state.local | given)
