"""Threads for what blocks: each is given values and hands results back, which arrive in the loop.

Nothing can stop such a thread. Whoever does not want its result any more numbers what it asks for,
and takes no result of an old number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Generic, TypeVar

from henbd.system.doorbell import Bell, Doorbell

A = TypeVar("A")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Crash:
    """What a thread died of: a bug of ours, which is to end the loop as its own would."""

    error: BaseException


class Mailbox(Generic[R]):
    """Where threads leave their results; any number of workers may share one.

    `deliver` is called in the loop, with the number and the result of each.
    """

    def __init__(self, doorbell: Doorbell, deliver: Callable[[int, R], None]) -> None:
        self._deliver = deliver
        self._results: SimpleQueue[tuple[int, R | _Crash]] = SimpleQueue()
        self._bell = Bell(doorbell, self._rung)
        # A thread may be done long after the mailbox was closed; then the bell's descriptor could
        # be somebody else's.
        self._closing = Lock()
        self._closed = False

    def put(self, number: int, result: R | _Crash) -> None:
        """Leave a result and wake the loop; from any thread."""
        self._results.put((number, result))
        with self._closing:
            if not self._closed:
                self._bell.ring()

    def close(self) -> None:
        """Take no more results; those that come late are lost."""
        with self._closing:
            self._closed = True
            self._bell.close()

    def _rung(self) -> None:
        while not self._closed:
            try:
                number, result = self._results.get_nowait()
            except Empty:
                return
            if isinstance(result, _Crash):
                raise result.error
            self._deliver(number, result)


class Worker(Generic[A, R]):
    """A thread that does one thing after the other. It does not hold up the end of the process."""

    def __init__(
        self,
        name: str,
        run: Callable[[A], R],
        mailbox: Mailbox[R],
        *,
        last: Callable[[], None] | None = None,
    ) -> None:
        """Start the thread; it calls `last` at its end, if given."""
        self._run = run
        self._mailbox = mailbox
        self._last = last
        self._tasks: SimpleQueue[tuple[int, A] | None] = SimpleQueue()
        Thread(target=self._serve, name=name, daemon=True).start()

    def put(self, number: int, argument: A) -> None:
        """Have something done; its result will bear this number."""
        self._tasks.put((number, argument))

    def retire(self) -> None:
        """Let the thread end when it has done what it was given."""
        self._tasks.put(None)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            number, argument = task
            self._mailbox.put(number, self._do(argument))
        if self._last is not None:
            self._last()

    def _do(self, argument: A) -> R | _Crash:
        try:
            return self._run(argument)
        except BaseException as error:  # noqa: BLE001 - not swallowed: the loop raises it
            return _Crash(error)
