"""Has performance files sent when they are due, and the HeMS told if it wants to hear of that."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from henbd.carrier import Files
from henbd.clock import Clock
from henbd.control import performance
from henbd.control.performance import Counts, Job
from henbd.cwmp import ledger as ledgers
from henbd.cwmp import schedule
from henbd.cwmp.events import AUTONOMOUS_TRANSFER_COMPLETE
from henbd.cwmp.files import PERFORMANCE
from henbd.cwmp.messages import AutonomousTransferComplete
from henbd.cwmp.schedule import Recurring
from henbd.cwmp.transfers import LONGEST_S
from henbd.errands import security
from henbd.errors import FaultCode, TransferError
from henbd.memory import Memory
from henbd.model.types import date_time
from henbd.settings import Settings
from henbd.system.carriage import Outcome, Send
from henbd.system.courier import Server
from henbd.values import Moment, Vitals

logger = logging.getLogger(__name__)

# A file server that is down for some hours gets all that it has missed.
MOST_UNSENT = 16

# Each AutonomousTransferComplete that the HeMS is owed is on flash, and of none it is untold: after
# eight hours of files each quarter the next one is sent when it has answered.
MOST_OWED = 32


@dataclass(frozen=True, slots=True)
class File:
    """A measurement file and its name."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Period:
    """The period of a job that goes on: what was counted at its begin, and when it ends.

    `due` are the files of those before that are to be sent, in their order; `unsent` those that
    could not be, which go with the next.
    """

    begin: Counts
    end: Recurring
    due: tuple[File, ...] = ()
    unsent: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Sending:
    """A file on its way to `url` since `start` (dateTime); it is given up at a monotonic time."""

    file: File
    url: str
    start: str
    until: float


class Measuring:
    """The performance files of the box. `settings` are those of the moment, as are `vitals`."""

    def __init__(
        self,
        memory: Memory,
        shell: Files,
        clock: Clock,
        settings: Callable[[], Settings],
        vitals: Callable[[], Vitals],
    ) -> None:
        self._memory = memory
        self._shell = shell
        self._clock = clock
        self._settings = settings
        self._vitals = vitals
        self._start = self._counts()
        self._periods: dict[Job, Period] = {}
        # One file of a job at a time: what never ends must not pile up.
        self._sending: dict[Job, Sending] = {}
        self._give_up: dict[Job, Callable[[], None]] = {}

    def turn(self) -> None:
        """Begin the periods of new jobs, and have the files of those sent that are over."""
        wanted, now = performance.jobs(self._memory.tree), self._clock.moment()
        for job, sending in list(self._sending.items()):
            if sending.until <= now.monotonic:
                self._give_up[job]()
                text = f"it took longer than {LONGEST_S:g} s"
                self._sent(job, sending, TransferError(FaultCode.UPLOAD_FAILURE, text))
        self._periods = {job: self._period(job, now) for job in wanted}
        for job, period in self._periods.items():
            if period.due and job not in self._sending and self._may_be_told():
                self._periods[job] = replace(period, due=period.due[1:])
                self._send(job, period.due[0], now)

    def _period(self, job: Job, now: Moment) -> Period:
        """Return the period of a job as time has moved it."""
        period = self._periods.get(job)
        if period is None:
            end = schedule.recurring(None, job.interval_s, job.reference, now)
            return Period(self._counts(), end)
        end = schedule.recurring(period.end, job.interval_s, job.reference, now)
        if end.at > now.monotonic:
            return period if end is period.end else replace(period, end=end)
        counts = self._counts()
        files = (*period.unsent, *period.due, self._file(period.begin, counts))
        return Period(counts, schedule.repeated(end, now), due=files[-MOST_UNSENT:])

    def wake_at(self) -> float | None:
        """Return when the next period is over, or a file is given up."""
        times = [period.end.at for period in self._periods.values()]
        times += [sending.until for sending in self._sending.values()]
        return min(times, default=None)

    def file(self) -> bytes:
        """Return a file of all that was counted since the start, for a HeMS that asks for one."""
        return self._file(self._start, self._counts()).content

    def _counts(self) -> Counts:
        oui = self._settings().device.oui
        sctp = self._vitals().sctp
        return performance.counts(self._memory.tree, oui, sctp, self._clock.moment())

    def _file(self, begin: Counts, end: Counts) -> File:
        device = self._settings().device
        return File(performance.file_name(device, begin, end), performance.file(device, begin, end))

    def _may_be_told(self) -> bool:
        """Return whether there is room to tell the HeMS of one more file, if it wants to hear."""
        policy = performance.policy(self._memory.tree)
        if not any(performance.wanted(policy, PERFORMANCE, failed=f) for f in (False, True)):
            return True
        calls = (owed.call for owed in self._memory.ledger.owed)
        untold = sum(isinstance(call, AutonomousTransferComplete) for call in calls)
        return untold + len(self._sending) < MOST_OWED

    def _send(self, job: Job, file: File, now: Moment) -> None:
        url = job.url + file.name if job.url.endswith("/") else job.url
        errand = Send(
            Server(url, job.username, job.password),
            security(self._settings(), self._clock.passed()),
            file.content,
        )
        sending = Sending(file, url, date_time(now.wall), now.monotonic + LONGEST_S)
        self._sending[job] = sending
        self._give_up[job] = self._shell.carry(errand, partial(self._sent, job, sending))

    def _sent(self, job: Job, sending: Sending, outcome: Outcome) -> None:
        """Take what came of a file, unless it was given up meanwhile."""
        if self._sending.get(job) is not sending:
            return
        del self._sending[job], self._give_up[job]
        code, text, file = 0, "", sending.file
        if isinstance(outcome, TransferError):
            code, text = int(outcome.code), str(outcome)
            logger.warning("performance file: %s: %s", file.name, text)
            if job in self._periods:
                period = self._periods[job]
                self._periods[job] = replace(period, unsent=(*period.unsent, file))
        else:
            logger.info("performance file: %s: done", file.name)
        self._tell(sending, code, text)

    def _tell(self, sending: Sending, code: int, text: str) -> None:
        tree, ledger = self._memory.tree, self._memory.ledger
        if not performance.wanted(performance.policy(tree), PERFORMANCE, failed=code != 0):
            return
        call = AutonomousTransferComplete(
            announce_url="",
            transfer_url=sending.url,
            is_download=False,
            file_type=PERFORMANCE,
            file_size=len(sending.file.content),
            target_file_name=sending.file.name,
            fault_code=code,
            fault_text=text[:256],
            start_time=sending.start,
            complete_time=date_time(self._clock.wall()),
        )
        self._memory.record(ledgers.owing(ledger, AUTONOMOUS_TRANSFER_COMPLETE, call))
