"""Has performance files sent when they are due, and the HeMS told if it wants to hear of that."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from henbd.carrier import Files, security
from henbd.clock import Clock
from henbd.control import performance
from henbd.control.performance import Counts, Job
from henbd.cwmp import ledger as ledgers
from henbd.cwmp import schedule
from henbd.cwmp.events import AUTONOMOUS_TRANSFER_COMPLETE
from henbd.cwmp.files import PERFORMANCE
from henbd.cwmp.messages import AutonomousTransferComplete
from henbd.cwmp.schedule import Recurring
from henbd.errors import TransferError
from henbd.memory import Memory
from henbd.model.types import date_time
from henbd.settings import Settings
from henbd.system.carriage import Outcome, Send
from henbd.system.courier import Server

logger = logging.getLogger(__name__)

# A file server that is down for some hours gets all that it has missed.
MOST_UNSENT = 16

# A HeMS that answers no AutonomousTransferComplete is not owed ever more of them.
MOST_OWED = 8


@dataclass(frozen=True, slots=True)
class File:
    """A measurement file and its name."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Period:
    """The period of a job that goes on: what was counted at its begin, and when it ends."""

    begin: Counts
    end: Recurring
    unsent: tuple[File, ...] = ()


class Measuring:
    """The performance files of the box. `settings` are those of the moment."""

    def __init__(
        self, memory: Memory, shell: Files, clock: Clock, settings: Callable[[], Settings]
    ) -> None:
        self._memory = memory
        self._shell = shell
        self._clock = clock
        self._settings = settings
        self._start = self._counts()
        self._periods: dict[Job, Period] = {}

    def turn(self) -> None:
        """Begin the periods of new jobs, and have the files of those sent that are over."""
        wanted = performance.jobs(self._memory.tree)
        self._periods = {job: p for job, p in self._periods.items() if job in wanted}
        now = self._clock.moment()
        for job in wanted:
            period = self._periods.get(job)
            former = None if period is None else period.end
            end = schedule.recurring(former, job.interval_s, job.reference, now)
            if period is None:
                self._periods[job] = Period(self._counts(), end)
            elif end.at <= now.monotonic:
                counts = self._counts()
                files = (*period.unsent, self._file(period.begin, counts))
                self._periods[job] = Period(counts, schedule.repeated(end, now))
                for file in files[-MOST_UNSENT:]:
                    self._send(job, file)
            elif end is not former:
                self._periods[job] = replace(period, end=end)

    def wake_at(self) -> float | None:
        """Return when the next period is over."""
        return min((period.end.at for period in self._periods.values()), default=None)

    def file(self) -> bytes:
        """Return a file of all that was counted since the start, for a HeMS that asks for one."""
        return self._file(self._start, self._counts()).content

    def _counts(self) -> Counts:
        oui = self._settings().device.oui
        return performance.counts(self._memory.tree, oui, self._clock.moment())

    def _file(self, begin: Counts, end: Counts) -> File:
        device = self._settings().device
        return File(performance.file_name(device, begin, end), performance.file(device, begin, end))

    def _send(self, job: Job, file: File) -> None:
        url = job.url + file.name if job.url.endswith("/") else job.url
        errand = Send(
            Server(url, job.username, job.password),
            security(self._settings(), self._clock.wall()),
            file.content,
        )
        start = date_time(self._clock.wall())
        self._shell.carry(errand, partial(self._sent, job, file, url, start))

    def _sent(self, job: Job, file: File, url: str, start: str, outcome: Outcome) -> None:
        code, text = 0, ""
        if isinstance(outcome, TransferError):
            code, text = int(outcome.code), str(outcome)
            logger.warning("performance file: %s: %s", file.name, text)
            if job in self._periods:
                period = self._periods[job]
                self._periods[job] = replace(period, unsent=(*period.unsent, file))
        else:
            logger.info("performance file: %s: done", file.name)
        self._tell(url, file, start, code, text)

    def _tell(self, url: str, file: File, start: str, code: int, text: str) -> None:
        tree, ledger = self._memory.tree, self._memory.ledger
        if not performance.wanted(performance.policy(tree), PERFORMANCE, failed=code != 0):
            return
        calls = (owed.call for owed in ledger.owed)
        if sum(isinstance(call, AutonomousTransferComplete) for call in calls) >= MOST_OWED:
            logger.warning("the HeMS is told of no more files before it has answered")
            return
        call = AutonomousTransferComplete(
            announce_url="",
            transfer_url=url,
            is_download=False,
            file_type=PERFORMANCE,
            file_size=len(file.content),
            target_file_name=file.name,
            fault_code=code,
            fault_text=text[:256],
            start_time=start,
            complete_time=date_time(self._clock.wall()),
        )
        self._memory.record(ledgers.owing(ledger, AUTONOMOUS_TRANSFER_COMPLETE, call))
