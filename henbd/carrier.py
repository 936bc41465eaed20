"""Has the queued transfers carried out, one at a time, and the HeMS told what became of each.

Whatever can end this process is on flash before it is begun.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, assert_never

from henbd.clock import Clock
from henbd.control import backup
from henbd.cwmp import files, transfers
from henbd.cwmp.state import State, reconfigured
from henbd.cwmp.transfers import Result, Stage, Transfer
from henbd.errands import Measured, errand, origin
from henbd.errors import FaultCode, TransferError
from henbd.memory import Memory
from henbd.model.tree import Tree
from henbd.settings import Settings
from henbd.system.carriage import Document, Errand, Image, Install, Installed, Outcome, Sent

logger = logging.getLogger(__name__)


class Files(Protocol):
    """See henbd.system.carriage."""

    def carry(self, errand: Errand, done: Callable[[Outcome], None]) -> Callable[[], None]:
        """Begin an errand; `done` is called with what came of it. Return what gives it up."""

    def discard(self, file: str) -> None:
        """Remove an image that is not needed any more."""

    def clear(self, directory: str) -> None:
        """Remove the images that an earlier process has left there."""


def nothing() -> None:
    """Give up nothing: no errand has been begun."""


class Carrier:
    """The transfer that is carried out, if there is one. `changed` is called with another tree.

    `settings` are those of the moment, `fresh` makes the tree of the factory, `measured` a
    performance file.
    """

    def __init__(
        self,
        memory: Memory,
        shell: Files,
        clock: Clock,
        boot_id: str,
        settings: Callable[[], Settings],
        fresh: Callable[[], Tree],
        changed: Callable[[], None],
        measured: Measured,
    ) -> None:
        self._memory = memory
        self._shell = shell
        self._clock = clock
        self._boot_id = boot_id
        self._settings = settings
        self._fresh = fresh
        self._changed = changed
        self._measured = measured
        self._image: str | None = None
        self._installed: Transfer | None = None
        self._give_up: Callable[[], None] = nothing
        memory.state = files.placed(memory.state, clock.moment())
        # An installer of an earlier process may still be reading its image.
        if all(t.stage is not Stage.INSTALLING for t in memory.state.transfers):
            shell.clear(settings().transfers.directory)

    def turn(self, *, free: bool) -> None:
        """Do what is due. `free`: no session goes on, and there is a way to the HeMS."""
        settings = self._settings()
        now, version = self._clock.monotonic(), settings.device.software_version
        for transfer in self._memory.state.transfers:
            result = transfers.verdict(transfer, self._boot_id, version, now)
            if result is not None:
                self._finish(transfer, result)
        current = self._current()
        if current is None:
            # A factory reset has forgotten whose it was.
            self._discard()
            self._abandon()
        if not free:
            return
        if current is not None and self._waits_for_installer(current):
            self._install(current, settings)
        if current is None:
            due = [t for t in self._memory.state.transfers if t.at is not None and t.at <= now]
            if due:
                self._begin(min(due, key=lambda t: t.at or 0.0), settings)

    @property
    def writing(self) -> bool:
        """Whether an image may be being written; its installer has INSTALL_S for that."""
        current = self._current()
        installing = current is not None and current.stage is Stage.INSTALLING
        return installing and current is not self._installed

    def wake_at(self, *, free: bool) -> float | None:
        """Return when something is due by time."""
        current = self._current()
        if current is not None:
            ready = free and self._waits_for_installer(current)
            return self._clock.monotonic() if ready else current.at
        times = (t.at for t in self._memory.state.transfers)
        return min((at for at in times if at is not None), default=None) if free else None

    def _carried(self, transfer: Transfer, outcome: Outcome) -> None:
        """Go on with what came of an errand, unless its transfer was given up meanwhile."""
        if transfer not in self._memory.state.transfers:
            if isinstance(outcome, Image):
                self._shell.discard(outcome.file)
            return
        match outcome:
            case TransferError():
                self._finish(transfer, Result(outcome.code, str(outcome)))
            case Sent():
                self._finish(transfer, Result())
            case Document(content):
                self._restore(transfer, content, self._settings())
            case Image(file):
                self._image = file
            case Installed():
                logger.info("the image is installed; the box is to restart")
                self._installed = self._current()
            case _:
                assert_never(outcome)

    def _current(self) -> Transfer | None:
        started = (t for t in self._memory.state.transfers if t.stage is not Stage.QUEUED)
        return next(started, None)

    def _waits_for_installer(self, transfer: Transfer) -> bool:
        return self._image is not None and transfer.stage is Stage.RUNNING

    def _discard(self) -> None:
        if self._image is not None:
            self._shell.discard(self._image)
            self._image = None

    def _begin(self, transfer: Transfer, settings: Settings) -> None:
        request, moment = transfer.request, self._clock.moment()
        logger.info("transfer: %s with %s", request.file_type, origin(request.url))
        begun = partial(transfers.begun, now=moment)
        problem = self._memory.commit(files.changed(self._memory.state, transfer, begun))
        if problem is not None:
            self._finish(transfer, Result(FaultCode.INTERNAL_ERROR, f"not stored: {problem}"))
            return
        wanted = errand(transfer, self._memory.tree, settings, self._clock.passed(), self._measured)
        self._carry(wanted)

    def _carry(self, wanted: Errand) -> None:
        transfer = self._current()
        assert transfer is not None
        self._give_up = self._shell.carry(wanted, partial(self._carried, transfer))

    def _abandon(self) -> None:
        """Give up the errand that there is, if it is not done: nobody waits for it any more."""
        self._give_up()
        self._give_up = nothing

    def _install(self, transfer: Transfer, settings: Settings) -> None:
        """Have an image installed; what may restart the box at any moment is written down first."""
        assert self._image is not None
        installing = partial(
            transfers.installing,
            boot_id=self._boot_id,
            version=settings.device.software_version,
            now=self._clock.moment(),
        )
        problem = self._memory.commit(files.changed(self._memory.state, transfer, installing))
        if problem is not None:
            self._finish(transfer, Result(FaultCode.INTERNAL_ERROR, f"not stored: {problem}"))
            return
        logger.warning("installing the image of the HeMS over %s", settings.device.software_version)
        install = Install(settings.transfers.firmware_install, self._image)
        self._carry(install)

    def _restore(self, transfer: Transfer, document: Mapping[str, Any], settings: Settings) -> None:
        """Take a configuration, in one write together with what the HeMS is told of it."""
        state, fresh = self._memory.state, self._fresh()
        try:
            kept = backup.restored(document, state.tree, fresh, settings)
        except ValueError as error:
            self._finish(transfer, Result(FaultCode.FILE_CORRUPTED, str(error)))
            return
        tree = replace(state.tree, provisioning=kept)
        state, _ = reconfigured(fresh, replace(state, tree=tree))
        if self._finish(transfer, Result(), state):
            self._changed()

    def _finish(self, transfer: Transfer, result: Result, state: State | None = None) -> bool:
        """Take a transfer out of the queue, and owe the HeMS word of it.

        `state` is what the transfer has made of the state, which is taken with that or not at all;
        return whether it was.
        """
        self._abandon()
        kind = transfer.request.file_type
        if result.code:
            logger.warning("transfer: %s: %d %s", kind, result.code, result.text)
        else:
            logger.info("transfer: %s: done", kind)
        if self._image is not None:
            self._discard()
        elif transfer.stage is Stage.INSTALLING:
            self._shell.clear(self._settings().transfers.directory)
        moment = self._clock.moment()
        if state is not None:
            problem = self._memory.commit(files.finished(state, transfer, result, moment))
            if problem is None:
                return True
            result = Result(FaultCode.INTERNAL_ERROR, f"not stored: {problem}")
        self._memory.keep(files.finished(self._memory.state, transfer, result, moment))
        return False
