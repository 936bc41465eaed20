"""Carries files for the HeMS, each on a thread of its own.

A file that is fetched is checked here, and handed over: what is done with it is not decided here.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, assert_never

from henbd.errors import ConfigurationError, FaultCode, TransferError
from henbd.system import command, courier
from henbd.system.courier import Server, Trusted
from henbd.system.doorbell import Doorbell
from henbd.system.grip import Grip
from henbd.system.trust import TlsFiles, Trust
from henbd.system.worker import Mailbox, Worker

# A configuration of the whole model has a third of this.
LARGEST_DOCUMENT = 1024 * 1024

# Of a log its end.
LARGEST_LOG = 1024 * 1024

# How an image of ours is called, among the files of others.
BEFORE_NAME, AFTER_NAME = "henbd-fetched-", ".img"


@dataclass(frozen=True, slots=True)
class Security:
    """How a server of https is to be believed: as a HeMS is (see acs.Endpoint for `passed`)."""

    files: TlsFiles
    passed: datetime | None


@dataclass(frozen=True, slots=True)
class FetchImage:
    """Wanted: an image in a file of `directory`, verified and checked by these commands, if any.

    Each command is given the name of the file as its last word. Comes to an Image.
    """

    server: Server
    security: Security
    size: int
    most_bytes: int
    directory: str
    verify: tuple[str, ...]
    check: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Install:
    """Wanted: an image installed by a command, which restarts the box. Comes to an Installed."""

    command: tuple[str, ...]
    file: str


@dataclass(frozen=True, slots=True)
class FetchDocument:
    """Wanted: the JSON object in a file. Comes to a Document."""

    server: Server
    security: Security
    size: int


@dataclass(frozen=True, slots=True)
class Send:
    """Wanted: this content sent as a file. Comes to a Sent."""

    server: Server
    security: Security
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SendLog:
    """Wanted: what a command writes sent as a file, the end of it. Comes to a Sent."""

    server: Server
    security: Security
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """An image that may be installed is in this file."""

    file: str


@dataclass(frozen=True, slots=True)
class Installed:
    """The installer has ended without a complaint, and the box is still up."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file had this JSON object in it."""

    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """The server has taken a file."""


Errand = FetchImage | Install | FetchDocument | Send | SendLog
Outcome = Image | Installed | Document | Sent | TransferError


class Carriage:
    """Does errands, each on a thread of its own."""

    def __init__(self, doorbell: Doorbell) -> None:
        self._mailbox: Mailbox[Outcome] = Mailbox(doorbell, self._end)
        self._waiting: dict[int, Callable[[Outcome], None]] = {}
        self._numbers = count()

    def carry(self, errand: Errand, done: Callable[[Outcome], None]) -> Callable[[], None]:
        """Begin an errand, without waiting; `done` is called with what came of it.

        What is returned gives it up: its connection is ended, and its thread with it. A command
        that works on a file goes on to its own end, which is bounded.
        """
        number, grip = next(self._numbers), Grip()
        self._waiting[number] = done
        worker = Worker("transfer", partial(carry, grip=grip), self._mailbox)
        worker.put(number, errand)
        worker.retire()
        return grip.cut

    def discard(self, file: str) -> None:
        """Remove an image that is not needed any more."""
        with contextlib.suppress(OSError):
            os.unlink(file)

    def clear(self, directory: str) -> None:
        """Remove the images that an earlier process has left there."""
        for file in Path(directory).glob(f"{BEFORE_NAME}*{AFTER_NAME}"):
            self.discard(str(file))

    def close(self) -> None:
        """Hear of no errand any more."""
        self._mailbox.close()

    def _end(self, number: int, outcome: Outcome) -> None:
        self._waiting.pop(number)(outcome)


def carry(errand: Errand, grip: Grip) -> Outcome:
    """Do an errand, and return what came of it. Blocks; `grip` has hold of its connection."""
    try:
        match errand:
            case FetchImage():
                return _image(errand, grip)
            case Install():
                command.run((*errand.command, errand.file), FaultCode.TRANSFER_FAILURE)
                return Installed()
            case FetchDocument():
                return _document(errand, grip)
            case Send():
                courier.send(errand.server, _trusted(errand), grip, errand.content)
                return Sent()
            case SendLog():
                log = command.output(errand.command, LARGEST_LOG, FaultCode.UPLOAD_FAILURE)
                courier.send(errand.server, _trusted(errand), grip, log)
                return Sent()
            case _:
                assert_never(errand)
    except TransferError as error:
        # A new one: the traceback of this one keeps alive what it came through.
        return TransferError(error.code, str(error))
    finally:
        grip.close()


def _image(errand: FetchImage, grip: Grip) -> Image:
    trusted = _trusted(errand)
    try:
        descriptor, file = tempfile.mkstemp(AFTER_NAME, BEFORE_NAME, errand.directory)
    except OSError as error:
        text = f"{errand.directory}: {error.strerror}"
        raise TransferError(FaultCode.TRANSFER_FAILURE, text) from error
    try:
        with os.fdopen(descriptor, "wb") as kept:
            courier.fetch(
                errand.server,
                trusted,
                grip,
                kept.write,
                size=errand.size,
                most_bytes=errand.most_bytes,
            )
        # Whom it is from first: nothing is to look into what a stranger has made.
        if errand.verify:
            command.run((*errand.verify, file), FaultCode.FILE_AUTHENTICATION)
        if errand.check:
            command.run((*errand.check, file), FaultCode.FILE_CORRUPTED)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(file)
        if isinstance(error, OSError):
            text = f"{file}: {error.strerror}"
            raise TransferError(FaultCode.TRANSFER_FAILURE, text) from error
        raise
    return Image(file)


def _document(errand: FetchDocument, grip: Grip) -> Document:
    content = bytearray()
    courier.fetch(
        errand.server,
        _trusted(errand),
        grip,
        content.extend,
        size=errand.size,
        most_bytes=LARGEST_DOCUMENT,
    )
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TransferError(FaultCode.FILE_CORRUPTED, f"the file is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise TransferError(FaultCode.FILE_CORRUPTED, "the file is no JSON object")
    return Document(found)


def _trusted(errand: FetchImage | FetchDocument | Send | SendLog) -> Trusted:
    passed = errand.security.passed
    try:
        context = Trust(errand.security.files).context(check_dates=passed is None)
    except ConfigurationError as error:
        raise TransferError(FaultCode.INTERNAL_ERROR, str(error)) from error
    return Trusted(context, passed)
