"""What the HeMS asks of files: Download, Upload, and the queue of both (TR-069 A.3.2.8, A.4.1).

A file is transferred after the session, and the HeMS is told of it with TransferComplete: the
response to a request only says that it is in the queue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from henbd.cwmp import ledger as ledgers
from henbd.cwmp import transfers
from henbd.cwmp.rules import Rules, check_key
from henbd.cwmp.state import State
from henbd.cwmp.structs import QueuedTransfer
from henbd.cwmp.transfer_requests import Download, Upload
from henbd.cwmp.transfers import MOST_TRANSFERS, Result, Stage, Transfer
from henbd.errors import CwmpFault, FaultCode
from henbd.values import Moment

if TYPE_CHECKING:
    from henbd.cwmp.requests import CancelTransfer

IMAGE = "1 Firmware Upgrade Image"
CONFIGURATION_DOWNLOAD = "3 Vendor Configuration File"

CONFIGURATIONS = ("1 Vendor Configuration File", "3 Vendor Configuration File 1")
LOGS = ("2 Vendor Log File", "4 Vendor Log File 1")
# TR-196 Annex B.1.
PERFORMANCE = "X 00256D 3GPP Performance File"

SCHEMES = ("http", "https")

# A.3.2.8: URL, Username, Password, TargetFileName.
LONGEST_TEXT = 256

# A.4.1.3: not yet started; in progress.
STATES = {Stage.QUEUED: 1, Stage.RUNNING: 2, Stage.INSTALLING: 2}


def asked(request: Download | Upload, state: State, rules: Rules, now: Moment) -> State:
    """Return the state with a transfer in the queue; raises CwmpFault."""
    check_key(request.command_key, "CommandKey")
    _check_type(request, rules)
    _check_arguments(request)
    if len(state.transfers) >= MOST_TRANSFERS:
        text = f"{MOST_TRANSFERS} transfers are in the queue"
        raise CwmpFault(FaultCode.RESOURCES_EXCEEDED, text)
    return replace(state, transfers=(*state.transfers, transfers.queued(request, now)))


def _check_type(request: Download | Upload, rules: Rules) -> None:
    known = rules.downloads if isinstance(request, Download) else rules.uploads
    if request.file_type in known:
        return
    text = f"FileType {request.file_type!r} is not one of {', '.join(sorted(known))}"
    raise CwmpFault(FaultCode.INVALID_ARGUMENTS, text)


def _check_arguments(request: Download | Upload) -> None:
    texts = {"URL": request.url, "Username": request.username, "Password": request.password}
    if isinstance(request, Download):
        texts["TargetFileName"] = request.target_file_name
    for name, text in texts.items():
        if len(text) > LONGEST_TEXT:
            text = f"{name} is longer than {LONGEST_TEXT} characters"
            raise CwmpFault(FaultCode.INVALID_ARGUMENTS, text)
    try:
        parts = urlsplit(request.url)
        scheme, named = parts.scheme, parts.hostname and "@" not in parts.netloc
    except ValueError:
        scheme, named = "", None
    if scheme and scheme not in SCHEMES:
        raise CwmpFault(FaultCode.PROTOCOL_NOT_SUPPORTED, f"{scheme} is not supported")
    if not scheme or not named:
        raise CwmpFault(FaultCode.INVALID_ARGUMENTS, "URL is no URL of a host without a user")


def listed(state: State) -> tuple[QueuedTransfer, ...]:
    """Return the queue as the HeMS sees it."""
    return tuple(
        QueuedTransfer(
            command_key=t.request.command_key,
            state=STATES[t.stage],
            is_download=isinstance(t.request, Download),
            file_type=t.request.file_type,
            file_size=t.request.file_size if isinstance(t.request, Download) else 0,
            target_file_name=(
                t.request.target_file_name if isinstance(t.request, Download) else ""
            ),
        )
        for t in state.transfers
    )


def cancelled(request: CancelTransfer, state: State) -> State:
    """Return the state without the transfers of a CommandKey; raises CwmpFault.

    9021 where one of them has begun, and then none is cancelled; no TransferComplete follows.
    """
    chosen = [t for t in state.transfers if t.request.command_key == request.command_key]
    if not chosen:
        text = f"no transfer has CommandKey {request.command_key!r}"
        raise CwmpFault(FaultCode.INVALID_ARGUMENTS, text)
    if any(t.stage is not Stage.QUEUED for t in chosen):
        raise CwmpFault(FaultCode.CANCELLATION_REFUSED, "the transfer is in progress")
    return replace(state, transfers=tuple(t for t in state.transfers if t not in chosen))


def disowned(state: State) -> State:
    """Return the state without the transfers of a former HeMS, but for one that has begun.

    TR-069 3.7.1.5 discards what is owed to that one, so that nobody would be told of them.
    """
    return replace(
        state, transfers=tuple(t for t in state.transfers if t.stage is not Stage.QUEUED)
    )


def placed(state: State, now: Moment) -> State:
    """Return the state after a start, with every transfer's time in this process."""
    return replace(state, transfers=tuple(transfers.placed(t, now) for t in state.transfers))


def changed(state: State, transfer: Transfer, change: Callable[[Transfer], Transfer]) -> State:
    """Return the state with one of its transfers changed."""
    position = state.transfers.index(transfer)
    before, after = state.transfers[:position], state.transfers[position + 1 :]
    return replace(state, transfers=(*before, change(transfer), *after))


def finished(state: State, transfer: Transfer, result: Result, now: Moment) -> State:
    """Return the state without a transfer, and with the TransferComplete that is owed for it."""
    left = list(state.transfers)
    left.remove(transfer)
    owed = transfers.owed(transfer, result, now.wall)
    ledger = ledgers.owing(state.ledger, owed.event, owed.call)
    return replace(state, transfers=tuple(left), ledger=ledger)
