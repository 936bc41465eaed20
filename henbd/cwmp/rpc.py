"""The answer to each RPC of the HeMS: a pure function of the request and the state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from henbd.cwmp import ledger as ledgers
from henbd.cwmp.messages import (
    Fault,
    GetParameterNames,
    GetParameterNamesResponse,
    GetParameterValues,
    GetParameterValuesResponse,
    GetRPCMethods,
    GetRPCMethodsResponse,
    MalformedRequest,
    MustUnderstand,
    ParameterFault,
    ParameterValue,
    Request,
    Response,
    SetParameterValues,
    SetParameterValuesResponse,
    UnknownHeader,
    UnknownMethod,
)
from henbd.cwmp.state import State
from henbd.errors import Culprit, CwmpFault, FaultCode
from henbd.model import paths
from henbd.model.tree import Tree
from henbd.values import Moment

METHODS = ("GetRPCMethods", "GetParameterNames", "GetParameterValues", "SetParameterValues")

# TR-069 A.3.2.1.
LONGEST_PARAMETER_KEY = 32


@dataclass(frozen=True, slots=True)
class Rules:
    """What a set must keep to, beyond the types of the table.

    `refusals` names what of the changed paths cannot be done on this box; `status` is the Status of
    the answer, from the tree before and after.
    """

    refusals: Callable[[Tree, frozenset[str]], tuple[Culprit, ...]]
    status: Callable[[Tree, Tree], int]


def answer(
    request: Request,
    state: State,
    rules: Rules,
    now: Moment,  # noqa: ARG001 used by ScheduleInform
) -> tuple[Response, State]:
    """Return the answer, and the state after it: the same one where the request changed nothing.

    A refused request changes nothing, and is answered with a Fault that names every culprit.
    """
    try:
        match request:
            case GetRPCMethods():
                return GetRPCMethodsResponse(METHODS), state
            case GetParameterNames(path, next_level):
                names = state.tree.names(path, next_level=next_level)
                return GetParameterNamesResponse(tuple(names)), state
            case GetParameterValues(names):
                return GetParameterValuesResponse(_values(state.tree, names)), state
            case SetParameterValues():
                return _set(request, state, rules)
            case UnknownMethod(name):
                raise CwmpFault(FaultCode.METHOD_NOT_SUPPORTED, f"{name!r} is not supported")
            case UnknownHeader(name):
                return MustUnderstand(name), state
            case MalformedRequest(text):
                raise CwmpFault(FaultCode.INVALID_ARGUMENTS, text)
            case _:
                assert_never(request)
    except CwmpFault as fault:
        return as_message(fault), state


def as_message(fault: CwmpFault) -> Fault:
    """Return a fault as it goes over the wire."""
    culprits = tuple(ParameterFault(c.path, c.code, c.text) for c in fault.culprits)
    return Fault(fault.code, fault.text, culprits)


def _values(tree: Tree, names: tuple[str, ...]) -> tuple[ParameterValue, ...]:
    """Return the parameters that these names stand for, each once; secrets read as empty."""
    wanted = dict.fromkeys(path for name in names for path in tree.below(name))
    return tuple(
        ParameterValue(
            path, "" if tree.rows[path].hidden else tree.values[path], row.type.base.value
        )
        for path in wanted
        for row in (tree.rows[path],)
    )


def _set(request: SetParameterValues, state: State, rules: Rules) -> tuple[Response, State]:
    if len(request.parameter_key) > LONGEST_PARAMETER_KEY:
        raise CwmpFault(
            FaultCode.INVALID_ARGUMENTS,
            f"ParameterKey is longer than {LONGEST_PARAMETER_KEY} characters",
        )
    tree = state.tree.set((p.name, p.value) for p in request.parameters)
    changed = frozenset(p.name for p in request.parameters)
    culprits = rules.refusals(tree, changed)
    if culprits:
        raise CwmpFault(FaultCode.INVALID_ARGUMENTS, "Invalid arguments", culprits)
    tree = tree.store({paths.PARAMETER_KEY: request.parameter_key})
    ledger = ledgers.taught(state.ledger, tree, changed | {paths.PARAMETER_KEY})
    response = SetParameterValuesResponse(rules.status(state.tree, tree))
    return response, replace(state, tree=tree, ledger=ledger)
