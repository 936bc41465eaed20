"""Where log lines go: to the journal or syslog with their level, or to standard error.

To write a line costs more than to have something to say, and a dozen of them come before an Inform
that tells a new address. So those of the loop wait until it calls `flush`.
"""

from __future__ import annotations

import logging
import os
import sys
import syslog
import threading

from henbd.printable import printable
from henbd.settings import LogTarget

PRIORITIES = {
    logging.CRITICAL: syslog.LOG_CRIT,
    logging.ERROR: syslog.LOG_ERR,
    logging.WARNING: syslog.LOG_WARNING,
    logging.INFO: syslog.LOG_INFO,
    logging.DEBUG: syslog.LOG_DEBUG,
}


def begin() -> None:
    """Log to standard error, or the journal, until the configuration says where."""
    # What no line of ours shows need not be found out for each (the logging module's own advice).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - as the HOWTO of logging has it, "Optimization"
    # Of the libraries only what an operator must see; pyroute2 sets its own level when imported.
    logging.getLogger().setLevel(logging.WARNING)
    # A HeMS that answers amiss is told of by its session, in one line and not in a traceback.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    configure("info", LogTarget.AUTO)


def configure(level: str, target: LogTarget) -> None:
    """Log from this level on ("error" to "debug") to this target."""
    logging.getLogger("henbd").setLevel(level.upper())
    flush()
    logging.getLogger().handlers = [_Patient(_handler(target))]


def flush() -> None:
    """Write the lines that wait."""
    for handler in logging.getLogger().handlers:
        handler.flush()


# More lines than that do not wait, whoever has so much to say.
MOST_WAITING = 100


class _Patient(logging.Handler):
    """Has lines of the main thread wait for `flush`, unless something is amiss.

    Other threads do not know when it is called: theirs are written at once, like all before them.
    """

    def __init__(self, writer: logging.Handler) -> None:
        super().__init__()
        self._writer = writer
        self._waiting: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._waiting.append(record)
        patient = record.levelno <= logging.INFO and len(self._waiting) < MOST_WAITING
        if not patient or threading.current_thread() is not threading.main_thread():
            self.flush()

    def flush(self) -> None:
        self.acquire()
        try:
            waiting, self._waiting = self._waiting, []
            for record in waiting:
                self._writer.handle(record)
        finally:
            self.release()


def _handler(target: LogTarget) -> logging.Handler:
    if target is LogTarget.SYSLOG:
        syslog.openlog("henbd", syslog.LOG_PID, syslog.LOG_DAEMON)
        return _Syslog()
    handler = logging.StreamHandler(sys.stderr)
    in_journal = target is LogTarget.AUTO and _journal_listens()
    handler.setFormatter(_Journal() if in_journal else _OneLine(PLAIN))
    return handler


PLAIN = "%(levelname)s %(name)s: %(message)s"

# With time and program a line fits into the 1024 bytes of a syslog packet (RFC 3164 4.1).
LONGEST_LINE = 800


def _journal_listens() -> bool:
    """Return whether standard error leads to the journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class _OneLine(logging.Formatter):
    """Makes one line of each message that moves no terminal, and none that never ends.

    Whoever had a part in it.
    """

    def format(self, record: logging.LogRecord) -> str:
        text = printable(" ".join(super().format(record).splitlines()))
        if len(text) > LONGEST_LINE:
            return f"{text[:LONGEST_LINE]}… ({len(text)} characters)"
        return text


def _priority(record: logging.LogRecord) -> int:
    return PRIORITIES.get(record.levelno, syslog.LOG_INFO)


class _Journal(_OneLine):
    """Begins each line with its level, as sd-daemon(3) has it."""

    def format(self, record: logging.LogRecord) -> str:
        return f"<{_priority(record)}>{super().format(record)}"


class _Syslog(logging.Handler):
    """The system's own logger."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(_OneLine())

    def emit(self, record: logging.LogRecord) -> None:
        syslog.syslog(_priority(record), self.format(record))
