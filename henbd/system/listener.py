"""Where the HeMS calls us: the TCP side of connection requests (TR-069 3.2.2)."""

from __future__ import annotations

import logging
import secrets
import socket
import time
from collections.abc import Callable
from http import HTTPStatus

from henbd.system.connection_request import Caller, Gate, Reply, encode
from henbd.system.doorbell import Doorbell
from henbd.system.failures import describe
from henbd.system.request_head import LONGEST_HEAD, Malformed, Request, parse
from henbd.values import Address

logger = logging.getLogger(__name__)

# How long a caller has for its request, and for each one after that.
REQUEST_S = 5.0

MOST_CALLERS = 32

# Those who wait to be accepted; the kernel turns away more.
BACKLOG = 16

# With no descriptor left for a caller, the listening socket stays ready: it is left alone so long.
BREATH_S = 1.0

# What is read, for the sake of the last reply, of a caller to whom nothing more is said.
MOST_IGNORED = 16 * LONGEST_HEAD


class Listener:
    """Takes connection requests at one address; `called` says whether a good one is served."""

    def __init__(
        self,
        doorbell: Doorbell,
        called: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._doorbell = doorbell
        self._clock = clock
        self._gate = Gate(secrets.token_bytes(32), called)
        self._socket: socket.socket | None = None
        self._place: tuple[Address, int] | None = None
        self._problem: str | None = None
        self._resume_at: float | None = None
        self._visits: dict[int, _Visit] = {}
        self._serving = True

    @property
    def listening(self) -> Address | None:
        """The address that can be called, None while there is none."""
        return None if self._place is None else self._place[0]

    def listen(
        self, address: Address | None, port: int, path: str, username: str, password: str
    ) -> None:
        """Take requests at this address and nowhere else, for this path and from this caller.

        None: nowhere. An address that cannot be had is tried again at the next call.
        """
        self._gate.caller = Caller(path, username, password)
        place = None if address is None else (address, port)
        if place == self._place:
            return
        self._shut()
        if place is None:
            return
        shown = _shown(*place)
        try:
            self._socket = _listening(*place)
        except OSError as error:
            problem = f"connection requests: {shown}: {describe(error)}"
            if problem != self._problem:
                logger.warning("%s", problem)
            self._problem = problem
            return
        self._place, self._problem = place, None
        self._doorbell.watch(self._socket.fileno(), self._knocked)
        logger.info("connection requests: listening on %s", shown)

    def wake_at(self) -> float | None:
        """Return when a caller's time is over, or there may be room for another."""
        times = [visit.deadline for visit in self._visits.values()]
        if self._resume_at is not None:
            times.append(self._resume_at)
        return min(times, default=None)

    def tick(self, now: float) -> None:
        """Let go of callers whose time is over."""
        for descriptor, visit in list(self._visits.items()):
            if now >= visit.deadline:
                self._drop(descriptor)
        if self._resume_at is not None and now >= self._resume_at and self._socket is not None:
            self._resume_at = None
            self._doorbell.watch(self._socket.fileno(), self._knocked)

    def close(self) -> None:
        """Stop listening, and let go of all callers."""
        self._shut()

    def _shut(self) -> None:
        for descriptor in list(self._visits):
            self._drop(descriptor)
        if self._socket is not None:
            self._doorbell.forget(self._socket.fileno())
            self._socket.close()
        self._socket = self._place = self._resume_at = None

    def _knocked(self) -> None:
        assert self._socket is not None
        try:
            connection, peer = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            logger.warning("connection requests: accept: %s", describe(error))
            self._doorbell.forget(self._socket.fileno())
            self._resume_at = self._clock() + BREATH_S
            return
        if len(self._visits) >= MOST_CALLERS:
            # Who has not brought a request to its end for longest makes room.
            self._drop(min(self._visits, key=lambda d: self._visits[d].deadline))
        descriptor = connection.fileno()
        visit = _Visit(connection, self._clock() + REQUEST_S)
        self._visits[descriptor] = visit

        def ready() -> None:
            stays = visit.ready(lambda request: self._answer(request, peer[0]), self._clock())
            if not stays and self._visits.get(descriptor) is visit:
                self._drop(descriptor)

        self._doorbell.watch(descriptor, ready)

    def _answer(self, request: Request | Malformed, peer: str) -> Reply:
        reply = self._gate.answer(request, self._clock())
        why = request.why if isinstance(request, Malformed) else reply.status.phrase
        level = logging.DEBUG
        if reply.status is HTTPStatus.SERVICE_UNAVAILABLE and self._serving:
            level = logging.WARNING
            self._serving = False
        elif reply.status is HTTPStatus.OK:
            level = logging.INFO
            self._serving = True
        logger.log(level, "connection request from %s: %d %s", peer, reply.status.value, why)
        return reply

    def _drop(self, descriptor: int) -> None:
        self._doorbell.forget(descriptor)
        self._visits.pop(descriptor).close()


class _Visit:
    """One connection of a caller; has to bring a whole request to its end before `deadline`."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        connection.setblocking(False)
        self.deadline = deadline
        self._socket = connection
        self._unread = b""
        self._ignored = 0
        self._leaving = False

    def ready(self, answer: Callable[[Request | Malformed], Reply], now: float) -> bool:
        """Read what is there and reply to it; return whether the connection goes on."""
        try:
            data = self._socket.recv(LONGEST_HEAD)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        if self._leaving:
            self._ignored += len(data)
            return self._ignored <= MOST_IGNORED
        self._unread += data
        while not self._leaving and (parsed := parse(self._unread)) is not None:
            request, self._unread = parsed
            if not self._reply(answer(request)):
                return False
            self.deadline = now + REQUEST_S
        return True

    def close(self) -> None:
        """Let go of the caller."""
        self._socket.close()

    def _reply(self, reply: Reply) -> bool:
        """Send a reply; return False to a caller who does not read what it is sent."""
        data = encode(reply)
        try:
            if self._socket.send(data) < len(data):
                return False
            if not reply.keep_alive:
                # To close now could take the reply from a caller who is still writing (RFC 9112
                # 9.6): it is to close first.
                self._leaving = True
                self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True


def _listening(address: Address, port: int) -> socket.socket:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        # Callers of a moment ago do not keep us from it.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((str(address), port))
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def _shown(address: Address, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
