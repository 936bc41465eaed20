"""A program that we start: what it is given, what it says, and its end, without waiting for it.

It leads a process group of its own, so that all it has started can be ended with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from henbd.errors import StackError
from henbd.printable import printable
from henbd.system.doorbell import Doorbell
from henbd.system.lines import LineBuffer

# What one turn of the loop reads of one pipe.
_ONE_READ = 65_536

# What a pipe may still hold when its program has ended (fs.pipe-max-size); children of the program
# that write on could keep us reading for ever.
_MOST_LEFT = 1_048_576


class Process:
    """A running program.

    `said` is called with each piece of its standard output, `complained` with each line of its
    standard error, and `ended` once at last, with its exit status (a signal's number is negative);
    none of them after `abandon`. All are called from the poll set alone.
    """

    def __init__(
        self,
        command: Sequence[str],
        doorbell: Doorbell,
        said: Callable[[bytes], None],
        complained: Callable[[str], None],
        ended: Callable[[int], None],
        *,
        given: bytes = b"",
    ) -> None:
        """Start it, with `given` as its standard input; raises StackError where that fails."""
        self._doorbell = doorbell
        self._said = said
        self._complained = complained
        self._ended = ended
        self._errors = LineBuffer()
        try:
            with _input(given) as stdin:
                self._popen = subprocess.Popen(
                    command,
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            self._descriptor = _watched(self._popen)
        except OSError as error:
            raise StackError(f"{command[0]}: {error.strerror or error}") from error
        self._watch(self._output, said)
        self._watch(self._complaints, self._complain)
        doorbell.watch(self._descriptor, self._exited)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._popen.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and to all that it has started."""
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, number)

    def kill(self) -> None:
        """End it, and all that it has started, at once; `ended` follows."""
        self.send(signal.SIGKILL)

    def abandon(self) -> None:
        """End it at once, and hear no more of it."""
        self.kill()
        self._popen.wait()
        self._close()

    @property
    def _output(self) -> IO[bytes]:
        assert self._popen.stdout is not None
        return self._popen.stdout

    @property
    def _complaints(self) -> IO[bytes]:
        assert self._popen.stderr is not None
        return self._popen.stderr

    def _watch(self, pipe: IO[bytes], use: Callable[[bytes], None]) -> None:
        def ring() -> None:
            self._take(pipe, use)

        os.set_blocking(pipe.fileno(), False)
        self._doorbell.watch(pipe.fileno(), ring)

    def _take(self, pipe: IO[bytes], use: Callable[[bytes], None]) -> int:
        """Use what a pipe has; return how much that was."""
        try:
            data = os.read(pipe.fileno(), _ONE_READ)
        except BlockingIOError:
            return 0
        if data:
            use(data)
        else:
            self._doorbell.forget(pipe.fileno())
        return len(data)

    def _complain(self, data: bytes) -> None:
        for line in self._errors.feed(data):
            if line:
                self._complained(_readable(line))

    def _exited(self) -> None:
        """Take what it has left in its pipes, then say that it has ended."""
        for pipe, use in ((self._output, self._said), (self._complaints, self._complain)):
            left = _MOST_LEFT
            while left > 0 and (taken := self._take(pipe, use)):
                left -= taken
        self._complain(b"\n")
        status = self._popen.wait()
        self._close()
        self._ended(status)

    def _close(self) -> None:
        for descriptor in (self._output.fileno(), self._complaints.fileno(), self._descriptor):
            self._doorbell.forget(descriptor)
        self._output.close()
        self._complaints.close()
        os.close(self._descriptor)


@contextlib.contextmanager
def _input(given: bytes) -> Iterator[int]:
    """Give a descriptor to read from; a file, for no pipe takes everything at once."""
    descriptor = os.memfd_create("henbd", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, given)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _watched(popen: subprocess.Popen[bytes]) -> int:
    """Return the pidfd of a program; one that cannot be watched does not stay."""
    try:
        return os.pidfd_open(popen.pid)
    except OSError:
        popen.kill()
        popen.communicate()
        raise


def _readable(line: bytes) -> str:
    """Return a line as text that is safe in a log."""
    return printable(line.decode("utf-8", "replace").rstrip())
