"""S1 with one far end: it is tried, kept up, told of changes, and tried again."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import threading
import time
from collections.abc import Callable

from tests.lab import s1ap, sctp
from tests.lab.enb.messages import Address, Cell, FarEnd
from tests.lab.enb.requests import can_update, configuration_update, setup_request
from tests.lab.enb.status import Pace, PeerStatus, State, Wait

_LOG = logging.getLogger(__name__)

# How often it is looked whether an update went unanswered.
_TICK_S = 1.0
# The protocol's limit for a graceful end.
END_S = 1.0

_SYNTAX_ERROR = s1ap.Cause("protocol", "transfer-syntax-error")
# TS 36.413 10.3.4.1: what is said of a procedure that we do not know.
_COMPLAINTS = {
    s1ap.Criticality.REJECT: s1ap.Cause("protocol", "abstract-syntax-error-reject"),
    s1ap.Criticality.NOTIFY: s1ap.Cause("protocol", "abstract-syntax-error-ignore-and-notify"),
}


class _Failure(Exception):
    """An attempt, or S1, has come to its end; the stack tries again by itself."""

    def __init__(
        self, cause: str, time_to_wait_s: int | None = None, state: State = State.FAILED
    ) -> None:
        super().__init__(cause)
        self.status = PeerStatus(state, cause=cause, time_to_wait_s=time_to_wait_s)


class S1Peer:
    """S1 with a far end, in a thread of its own from `start` to `end`."""

    def __init__(
        self,
        far_end: FarEnd,
        local: Address,
        cell: Cell,
        pace: Pace,
        changed: Callable[[], None],
        *,
        wait: Wait | None = None,
        backend: sctp.Backend | None = None,
    ) -> None:
        self.far_end = far_end
        self.wait = wait
        self._local = local
        self._wanted = cell
        self._told: Cell | None = None
        self._pace = pace
        self._changed = changed
        self._backend = backend
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._association: sctp.Association | None = None
        self._update_until: float | None = None
        self.status = PeerStatus(State.CONNECTING, local)
        if wait is not None and wait.until > time.monotonic():
            self.status = wait.status
        self._thread = threading.Thread(target=self._run, name=f"s1 {far_end.address}", daemon=True)

    def start(self) -> None:
        """Begin to try."""
        self._thread.start()

    def end(self) -> None:
        """End S1, gracefully while the path works; nothing of it is left when this returns."""
        with self._lock:
            self._ending.set()
            association = self._association
        if association is not None:
            _take_leave(association)
        self._thread.join()

    def change_cell(self, cell: Cell) -> bool:
        """Take over another cell; return False if that needs a new S1 Setup."""
        with self._lock:
            if self._told is not None and not can_update(self._told, cell):
                return False
            if self.status.state is State.SETUP:
                # The request is on its way with the old values.
                return False
            self._wanted = cell
            self._update()
            return True

    def _run(self) -> None:
        if self.wait is not None:
            self._ending.wait(self.wait.until - time.monotonic())
        while not self._ending.is_set():
            again = time.monotonic() + self._pace.retry_s
            self._attempt()
            if self.wait is not None:
                again = self.wait.until
            self._ending.wait(again - time.monotonic())

    def _attempt(self) -> None:
        """Connect, register, and stay until S1 ends."""
        self.wait = None
        self._show(PeerStatus(State.CONNECTING, self._local))
        try:
            self._begin()
            self._connect()
            mme_name = self._register()
            self._show(PeerStatus(State.UP, self._local, mme_name=mme_name))
            self._stay()
        except _Failure as failure:
            if failure.status.time_to_wait_s is not None:
                until = time.monotonic() + failure.status.time_to_wait_s
                self.wait = Wait(until, failure.status)
            # Who is ended on purpose has not failed.
            ended = self._ending.is_set()
            self._show(PeerStatus(State.DOWN) if ended else failure.status)
        with self._lock:
            association, self._association = self._association, None
            self._told = self._update_until = None
        if association is not None:
            _take_leave(association)

    def _begin(self) -> None:
        with self._lock:
            if self._ending.is_set():
                raise _Failure("stack/ending")
            try:
                self._association = sctp.begin(
                    self._local, self.far_end.address, self.far_end.port, backend=self._backend
                )
            except sctp.SctpError as error:
                raise _Failure(_transport(error)) from error

    def _connect(self) -> None:
        assert self._association is not None
        try:
            connected = self._association.wait_up(self._pace.answer_s)
        except sctp.SctpError as error:
            raise _Failure(_transport(error)) from error
        if not connected:
            raise _Failure(_transport(self._association.trouble or "no answer"))

    def _register(self) -> str | None:
        """Do the S1 Setup; return the name of the MME."""
        with self._lock:
            self._told = self._wanted
            request = setup_request(self._told)
            self.status = PeerStatus(State.SETUP, self._local)
        self._publish()
        self._send(request)
        until = time.monotonic() + self._pace.answer_s
        while True:
            match self._receive(until - time.monotonic()):
                case None:
                    raise _Failure(_transport("no answer to S1 Setup"))
                case s1ap.S1SetupResponse(mme_name=name):
                    return name
                case s1ap.S1SetupFailure(cause, wait_s):
                    raise _Failure(str(cause), wait_s)
                case s1ap.ErrorIndication(cause=cause) if cause is not None:
                    raise _Failure(str(cause))
                case other:
                    self._answer(other)

    def _stay(self) -> None:
        """Answer the MME until S1 ends."""
        while True:
            try:
                message = self._receive(_TICK_S)
            except _Failure as failure:
                raise _Failure(str(failure), state=State.DOWN) from failure
            match message:
                case None:
                    self._check_update()
                case s1ap.EnbConfigurationUpdateAcknowledge():
                    with self._lock:
                        self._update_until = None
                        self._update()
                case s1ap.EnbConfigurationUpdateFailure(cause, wait_s):
                    # TS 36.413 8.7.4.3 leaves it to us what to do; a new S1 Setup says it all.
                    raise _Failure(str(cause), wait_s)
                case other:
                    self._answer(other)

    def _check_update(self) -> None:
        if self._update_until is not None and time.monotonic() > self._update_until:
            raise _Failure(_transport("no answer to eNB configuration update"))

    def _update(self) -> None:
        """Tell the MME what has changed, one update at a time (TS 36.413 8.7.4.1)."""
        if self.status.state is not State.UP or self._update_until is not None:
            return
        assert self._told is not None
        update = configuration_update(self._told, self._wanted)
        self._told = self._wanted
        if update is not None and self._association is not None:
            self._update_until = time.monotonic() + self._pace.answer_s
            # An association that has just ended is for its thread to notice.
            with contextlib.suppress(sctp.SctpError):
                self._association.send(s1ap.encode(update), s1ap.PPID)

    def _answer(self, message: s1ap.Message) -> None:
        """Answer what an MME may send at any time."""
        match message:
            case s1ap.Reset(connections=connections):
                # There is no UE whose context could be lost.
                self._send(s1ap.ResetAcknowledge(connections))
            case s1ap.ErrorIndication(cause=cause):
                _LOG.warning("%s: error indication %s", self.far_end.address, cause)
            case s1ap.Other(s1ap.Kind.INITIATING, procedure, criticality):
                _LOG.info("%s: unknown procedure %d", self.far_end.address, procedure)
                if criticality in _COMPLAINTS:
                    self._send(s1ap.ErrorIndication(cause=_COMPLAINTS[criticality]))
            case _:
                _LOG.warning("%s: unexpected %s", self.far_end.address, message)

    def _send(self, message: s1ap.Message) -> None:
        assert self._association is not None
        try:
            self._association.send(s1ap.encode(message), s1ap.PPID)
        except sctp.SctpError as error:
            raise _Failure(_transport(error)) from error

    def _receive(self, timeout_s: float) -> s1ap.Message | None:
        """Return the next S1AP message, None if none comes in time."""
        assert self._association is not None
        until = time.monotonic() + timeout_s
        while True:
            try:
                message = self._association.receive(max(0.0, until - time.monotonic()))
            except sctp.SctpError as error:
                raise _Failure(_transport(error)) from error
            if message is None:
                return None
            try:
                return s1ap.decode(message.data)
            except s1ap.S1apError as error:
                _LOG.warning("%s: no S1AP: %s", self.far_end.address, error)
                self._send(s1ap.ErrorIndication(cause=_SYNTAX_ERROR))

    def _show(self, status: PeerStatus) -> None:
        with self._lock:
            known, self.status = self.status, status
        if status != known:
            self._publish()

    def _publish(self) -> None:
        status = self.status
        words = " ".join(str(w) for w in (status.state.value, status.cause) if w is not None)
        _LOG.info("s1 %s from %s: %s", self.far_end.address, self._local, words)
        if not self._ending.is_set():
            self._changed()


def _take_leave(association: sctp.Association) -> None:
    """End an association; without its local address nobody would hear a SHUTDOWN."""
    if is_present(association.local):
        association.shutdown(END_S)
    else:
        association.abort()


def is_present(address: Address) -> bool:
    """Return whether an interface of this host has the address."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


def _transport(reason: object) -> str:
    """Return a cause of the stack's own, as one word; what follows a colon are details."""
    what = str(reason).partition(":")[0]
    return "stack/" + re.sub(r"[^a-z0-9]+", "-", what.lower()).strip("-")
