"""The transfers that the HeMS has asked for: from Download or Upload to TransferComplete.

A value and functions. What is kept on flash is enough to repeat a transfer that the power has cut
short, and to say after a reboot what became of an image that was being installed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from henbd.cwmp.events import DOWNLOAD, UPLOAD
from henbd.cwmp.ledger import Owed
from henbd.cwmp.messages import TransferComplete
from henbd.cwmp.structs import Event
from henbd.cwmp.transfer_requests import Download, Upload
from henbd.errors import FaultCode
from henbd.model.types import UNKNOWN_TIME, date_time
from henbd.values import Moment

# TR-069 A.3.2.8 asks for three; nobody has been seen to queue more.
MOST_TRANSFERS = 8

# A transfer that takes henbd down with it is not tried for ever.
MOST_ATTEMPTS = 3

# The largest image over the slowest line that a HeNB has any use for; a server that sends a byte
# now and then holds nobody up for longer.
LONGEST_S = 7200.0

# An installer has the box restarted within this time, or it has failed.
INSTALL_S = 900.0

# TR-069 A.5.1: FaultString.
LONGEST_TEXT = 256


class Stage(Enum):
    """How far a transfer is. INSTALLING: an image is being written, and the box will restart."""

    QUEUED = "queued"
    RUNNING = "running"
    INSTALLING = "installing"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer.

    `due` is when it may start, in whole seconds of the wall clock since 1970; `at` the same in this
    process, None before it is known; once it has started, until when it must be done. `started` is
    ISO 8601 text. `boot_id` and `version` are those of the box when it began to install.
    """

    request: Download | Upload
    due: int
    stage: Stage = Stage.QUEUED
    attempts: int = 0
    started: str = UNKNOWN_TIME
    boot_id: str = ""
    version: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a transfer; `code` 0: it went well."""

    code: int = 0
    text: str = ""


def queued(request: Download | Upload, now: Moment) -> Transfer:
    """Return a transfer that may start after the delay of its request."""
    due = int(now.wall.timestamp()) + request.delay_s
    return Transfer(request, due, at=now.monotonic + request.delay_s)


def placed(transfer: Transfer, now: Moment) -> Transfer:
    """Return a transfer that an earlier process has left, with its time in this one.

    Never later than its delay from now: the wall clock may have been wrong, then or now. One that
    was running is repeated.
    """
    if transfer.at is not None:
        return transfer
    left_s = min(max(transfer.due - now.wall.timestamp(), 0.0), transfer.request.delay_s)
    if transfer.stage is Stage.INSTALLING:
        left_s = INSTALL_S
    stage = Stage.QUEUED if transfer.stage is Stage.RUNNING else transfer.stage
    return replace(transfer, stage=stage, at=now.monotonic + left_s)


def begun(transfer: Transfer, now: Moment) -> Transfer:
    """Return a transfer that starts now."""
    return replace(
        transfer,
        stage=Stage.RUNNING,
        attempts=transfer.attempts + 1,
        at=now.monotonic + LONGEST_S,
        started=date_time(now.wall),
    )


def installing(transfer: Transfer, boot_id: str, version: str, now: Moment) -> Transfer:
    """Return a transfer whose image is being written from now on."""
    return replace(
        transfer,
        stage=Stage.INSTALLING,
        boot_id=boot_id,
        version=version,
        at=now.monotonic + INSTALL_S,
    )


def verdict(transfer: Transfer, boot_id: str, version: str, now: float) -> Result | None:
    """Return what became of a transfer without our doing, None where that is not known yet.

    An image is in place when the box has restarted and is another version. The same version again
    is the old image: a box that falls back to it looks like that.
    """
    late = transfer.at is not None and now >= transfer.at
    if transfer.stage is Stage.INSTALLING:
        if transfer.boot_id != boot_id:
            if transfer.version != version:
                return Result()
            text = f"the box has restarted, and runs version {version} as before"
            return Result(FaultCode.TRANSFER_FAILURE, text)
        if late:
            text = "the box was not restarted by its installer"
            return Result(FaultCode.TRANSFER_FAILURE, text)
        return None
    if transfer.stage is Stage.RUNNING and late:
        return Result(failure(transfer), f"it took longer than {LONGEST_S:g} s")
    if transfer.stage is Stage.QUEUED and transfer.attempts >= MOST_ATTEMPTS:
        return Result(failure(transfer), f"cut short {transfer.attempts} times")
    return None


def failure(transfer: Transfer) -> FaultCode:
    """Return the fault for whatever no other tells better (TR-069 table 64)."""
    if isinstance(transfer.request, Upload):
        return FaultCode.UPLOAD_FAILURE
    return FaultCode.TRANSFER_FAILURE


def owed(transfer: Transfer, result: Result, wall: datetime) -> Owed:
    """Return the TransferComplete that the HeMS is owed, and the event that announces it."""
    upload = isinstance(transfer.request, Upload)
    key = transfer.request.command_key
    return Owed(
        Event(UPLOAD if upload else DOWNLOAD, key),
        TransferComplete(
            command_key=key,
            fault_code=result.code,
            fault_text=result.text[:LONGEST_TEXT],
            start_time=transfer.started,
            complete_time=date_time(wall),
        ),
    )
