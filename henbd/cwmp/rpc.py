"""The answer to each RPC of the HeMS: a pure function of the request, the state and the time."""

from __future__ import annotations

from typing import assert_never

from henbd.cwmp import commands, files, provision
from henbd.cwmp.requests import (
    AddObject,
    CancelTransfer,
    DeleteObject,
    FactoryReset,
    GetAllQueuedTransfers,
    GetParameterAttributes,
    GetParameterNames,
    GetParameterValues,
    GetQueuedTransfers,
    GetRPCMethods,
    MalformedRequest,
    Reboot,
    Request,
    ScheduleInform,
    SetParameterAttributes,
    SetParameterValues,
    UnknownHeader,
    UnknownMethod,
)
from henbd.cwmp.responses import (
    CancelTransferResponse,
    DownloadResponse,
    FactoryResetResponse,
    GetAllQueuedTransfersResponse,
    GetParameterAttributesResponse,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    GetQueuedTransfersResponse,
    GetRPCMethodsResponse,
    MustUnderstand,
    RebootResponse,
    Response,
    ScheduleInformResponse,
    SetParameterAttributesResponse,
    UploadResponse,
)
from henbd.cwmp.rules import Rules
from henbd.cwmp.state import State
from henbd.cwmp.structs import Fault, ParameterFault
from henbd.cwmp.transfer_requests import Download, Upload
from henbd.errors import CwmpFault, FaultCode
from henbd.model.tree import Tree
from henbd.values import Moment

METHODS = (
    "GetRPCMethods",
    "SetParameterValues",
    "GetParameterValues",
    "GetParameterNames",
    "SetParameterAttributes",
    "GetParameterAttributes",
    "AddObject",
    "DeleteObject",
    "Reboot",
    "FactoryReset",
    "ScheduleInform",
    "Download",
    "Upload",
    "GetQueuedTransfers",
    "GetAllQueuedTransfers",
    "CancelTransfer",
)


def answer(request: Request, state: State, rules: Rules, now: Moment) -> tuple[Response, State]:
    """Return the answer, and the state after it: the same one where the request changed nothing.

    A refused request changes nothing, and is answered with a Fault that names every culprit.
    """
    try:
        return _granted(request, state, rules, now)
    except CwmpFault as fault:
        return as_message(fault), state


def _granted(request: Request, state: State, rules: Rules, now: Moment) -> tuple[Response, State]:
    """Return the answer, and the state after it; raises CwmpFault."""
    match request:
        case GetRPCMethods():
            return GetRPCMethodsResponse(METHODS), state
        case GetParameterNames(path, next_level):
            names = state.tree.names(path, next_level=next_level)
            return GetParameterNamesResponse(tuple(names)), state
        case GetParameterValues(names):
            return GetParameterValuesResponse(_values(state.tree, names)), state
        case GetParameterAttributes(names):
            found, closed = _attributes(state.tree, names), state.tree.provisioning.closed
            named = frozenset(name for name, _ in found if state.tree.target(name) in closed)
            return GetParameterAttributesResponse(found, named), state
        case SetParameterValues():
            return provision.values_set(request, state, rules)
        case SetParameterAttributes():
            return SetParameterAttributesResponse(), provision.attributes_set(request, state)
        case AddObject():
            return provision.row_added(request, state, rules)
        case DeleteObject():
            return provision.row_deleted(request, state, rules)
        case Reboot():
            return RebootResponse(), commands.reboot(request, state, rules.boot_id)
        case FactoryReset():
            return FactoryResetResponse(), commands.factory_reset(state)
        case ScheduleInform():
            return ScheduleInformResponse(), commands.schedule_inform(request, state, now)
        case Download():
            return DownloadResponse(), files.asked(request, state, rules, now)
        case Upload():
            return UploadResponse(), files.asked(request, state, rules, now)
        case GetQueuedTransfers():
            return GetQueuedTransfersResponse(files.listed(state)), state
        case GetAllQueuedTransfers():
            return GetAllQueuedTransfersResponse(files.listed(state)), state
        case CancelTransfer():
            return CancelTransferResponse(), files.cancelled(request, state)
        case UnknownMethod(name):
            raise CwmpFault(FaultCode.METHOD_NOT_SUPPORTED, f"{name!r} is not supported")
        case UnknownHeader(name):
            return MustUnderstand(name), state
        case MalformedRequest(text):
            raise CwmpFault(FaultCode.INVALID_ARGUMENTS, text)
        case _:
            assert_never(request)


def as_message(fault: CwmpFault) -> Fault:
    """Return a fault as it goes over the wire."""
    culprits = tuple(ParameterFault(c.path, c.code, c.text) for c in fault.culprits)
    return Fault(fault.code, fault.text, culprits)


def _values(tree: Tree, names: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """Return the parameters that these names stand for, each once: name, value, type on the wire.

    Secrets read as empty.
    """
    rows, values = tree.rows, tree.values
    wanted = dict.fromkeys(names)
    if not wanted.keys() <= rows.keys():
        wanted = dict.fromkeys(path for name in wanted for path in tree.below(name))
    found = [
        (path, "" if row.hidden else values[path], row.type.wire)
        for path in wanted
        for row in (rows[path],)
    ]
    return tuple(found)


def _attributes(tree: Tree, names: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """Return the parameters that these names stand for, each once, with their notification."""
    wanted = dict(pair for name in dict.fromkeys(names) for pair in tree.attributes(name))
    return tuple(wanted.items())
