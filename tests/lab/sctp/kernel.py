"""SCTP by the kernel, where it has it (RFC 6458, one-to-one style), one address at each end.

Each association has a thread that alone reads, ends and closes its socket, so no descriptor is
closed while another thread waits on it. Of a restart by the peer (RFC 9260 5.2) the kernel makes no
new association: the old one goes on, and says nothing.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading
from collections.abc import Callable
from enum import IntEnum
from ipaddress import ip_address

from tests.lab.sctp.association import (
    ABORTED,
    ABORTED_BY_PEER,
    NO_ANSWER,
    REFUSED,
    SHUT_DOWN,
    SHUT_DOWN_BY_PEER,
    Address,
    Association,
    AssociationEnded,
    Listener,
    Message,
    SctpError,
    Timers,
)

IPPROTO_SCTP = 132

_STREAMS = 10
_BIGGEST_MESSAGE = 65_536
_LINGER = struct.pack("=ii", 1, 0)  # close() aborts
_CAUSES = {
    errno.ECONNREFUSED: REFUSED,
    errno.ECONNRESET: ABORTED_BY_PEER,
    errno.ECONNABORTED: ABORTED_BY_PEER,
    errno.ETIMEDOUT: NO_ANSWER,
}


class _Option(IntEnum):
    """Socket options of linux/sctp.h."""

    RTO_INFO = 0
    ASSOCIATION_INFO = 1
    INIT_MESSAGE = 2
    NO_DELAY = 3
    PEER_ADDRESS_PARAMETERS = 9
    EVENTS = 11
    GET_RECEIVE_INFO = 32


class _Ancillary(IntEnum):
    """Ancillary data of linux/sctp.h: to sendmsg, from recvmsg."""

    SEND_INFO = 2
    RECEIVE_INFO = 3


# stream, flags, PPID, context, association
_SEND_INFO = struct.Struct("=HHIIi")
# stream, sequence number, flags, PPID; there is more
_RECEIVE_INFO = struct.Struct("=HHHxxI")
# SCTP_ASSOC_CHANGE: type, flags, length, state; there is more
_CHANGE = struct.Struct("=HHIH")
_ASSOC_CHANGE = 0x8001
_COMM_LOST, _SHUTDOWN_COMP, _CANT_STR_ASSOC = 1, 3, 4
_MSG_NOTIFICATION = 0x8000


def available() -> bool:
    """Return whether the kernel has SCTP."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_SCTP).close()
    except OSError:
        return False
    return True


def connect(local: Address, peer: Address, port: int, timers: Timers) -> Association:
    """Begin an association from a local address; raise SctpError if that is not possible."""
    sock = _socket(local, 0, timers)
    try:
        sock.connect((str(peer), port))
    except BlockingIOError:
        pass
    except OSError as error:
        # Where there is no route, the kernel does not even begin.
        sock.close()
        raise AssociationEnded(_cause(error.errno)) from error
    return KernelAssociation(sock, local, (peer, port), established=False)


def listen(local: Address, port: int, timers: Timers) -> Listener:
    """Wait for associations at a local address; raise SctpError if that cannot be used."""
    sock = _socket(local, port, timers)
    sock.listen(16)
    return _KernelListener(sock, local, port)


class _Bell:
    """Wakes a thread out of poll."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def ring(self) -> None:
        os.eventfd_write(self.descriptor, 1)

    def close(self) -> None:
        os.close(self.descriptor)


class KernelAssociation(Association):
    """An association on a socket of the kernel's."""

    def __init__(
        self,
        sock: socket.socket,
        local: Address,
        peer: tuple[Address, int],
        *,
        established: bool,
    ) -> None:
        super().__init__(local, *peer)
        self._socket = sock
        self._established = established
        self._ending = SHUT_DOWN_BY_PEER
        self._aborting = False
        self._fragments: list[bytes] = []
        self._lock = threading.Lock()
        self._closed = False
        self._bell = _Bell()
        if established:
            self.inbox.set_up()
        name = f"sctp {local} to {self.peer}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def send(self, data: bytes, ppid: int, stream: int = 0) -> None:
        """Send a message; raise AssociationEnded, or SctpError for one that cannot be sent."""
        # The kernel does not look at the PPID; on the wire it is in network order.
        information = _SEND_INFO.pack(stream, 0, socket.htonl(ppid), 0, 0)
        ancillary = [(IPPROTO_SCTP, _Ancillary.SEND_INFO, information)]
        with self._lock:
            if self._closed:
                raise AssociationEnded(self.inbox.ended or ABORTED)
            try:
                self._socket.sendmsg([data], ancillary, socket.MSG_DONTWAIT)
            except (BrokenPipeError, ConnectionError) as error:
                raise AssociationEnded(_cause(error.errno)) from error
            except OSError as error:
                raise SctpError(str(error.strerror)) from error

    def abort(self) -> None:
        """End it at once."""
        self._order(self._abort)
        self._thread.join()

    def _begin_shutdown(self) -> None:
        self._order(self._shut_down)

    def _order(self, action: Callable[[], None]) -> None:
        with self._lock:
            if not self._closed:
                action()
                self._bell.ring()

    def _abort(self) -> None:
        self._aborting = True

    def _shut_down(self) -> None:
        self._ending = SHUT_DOWN
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            # Not established (any more): there is nothing to end gracefully.
            self._aborting = True

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._bell.descriptor, select.POLLIN)
        poll.register(self._socket, select.POLLIN if self._established else select.POLLOUT)
        cause = None
        while cause is None:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._aborting:
                cause = ABORTED
            elif self._socket.fileno() in ready:
                cause = self._read() if self._established else self._connected()
                poll.modify(self._socket, select.POLLIN)
            else:
                os.eventfd_read(self._bell.descriptor)
        with self._lock:
            self._closed = True
            if cause not in (SHUT_DOWN, SHUT_DOWN_BY_PEER):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
            self._socket.close()
            self._bell.close()
        self.inbox.end(cause)

    def _connected(self) -> str | None:
        """Note how the attempt to connect came out; return why it failed, if so."""
        failure = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            return _cause(failure)
        self._established = True
        self.inbox.set_up()
        return None

    def _read(self) -> str | None:
        """Read what is there; return the cause of the end, if it is the end."""
        try:
            data, ancillary, flags, _ = self._socket.recvmsg(
                _BIGGEST_MESSAGE, 256, socket.MSG_DONTWAIT
            )
        except BlockingIOError:
            return None
        except OSError as error:
            return _cause(error.errno)
        if flags & _MSG_NOTIFICATION:
            return self._on_change(data)
        if not data:
            return self._ending
        self._fragments.append(data)
        if flags & socket.MSG_EOR:
            whole = b"".join(self._fragments)
            self._fragments.clear()
            stream, ppid = _stream_and_ppid(ancillary)
            self.inbox.put(Message(whole, ppid, stream))
        return None

    def _on_change(self, notification: bytes) -> str | None:
        kind, _, _, state = _CHANGE.unpack_from(notification)
        if kind != _ASSOC_CHANGE:
            return None
        if state == _SHUTDOWN_COMP:
            return self._ending
        if state in (_COMM_LOST, _CANT_STR_ASSOC):
            return _cause(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        return None


class _KernelListener(Listener):
    def __init__(self, sock: socket.socket, local: Address, port: int) -> None:
        super().__init__(local, port)
        self._socket = sock
        self._bell = _Bell()
        self._closing = threading.Event()
        # Held by whoever uses the descriptors; `close` rings before it asks for it.
        self._lock = threading.Lock()

    def accept(self, timeout_s: float) -> Association | None:
        with self._lock:
            if self._closing.is_set():
                return None
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            poll.register(self._bell.descriptor, select.POLLIN)
            poll.poll(timeout_s * 1000)
            if self._closing.is_set():
                return None
            try:
                sock, (address, port, *_) = self._socket.accept()
            except (BlockingIOError, ConnectionError):
                return None
        sock.setblocking(False)
        peer = (ip_address(address), port)
        return KernelAssociation(sock, self.local, peer, established=True)

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        self._bell.ring()
        with self._lock:
            self._socket.close()
            self._bell.close()


def _socket(local: Address, port: int, timers: Timers) -> socket.socket:
    family = socket.AF_INET if local.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM, IPPROTO_SCTP)
    try:
        for option, value in _options(timers).items():
            sock.setsockopt(IPPROTO_SCTP, option, value)
        sock.bind((str(local), port))
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise SctpError(f"{error.strerror}: port {port} of {local}") from error
    return sock


def _options(timers: Timers) -> dict[_Option, bytes]:
    """Return the options that make the kernel as patient as `timers` say."""
    initial_ms, maximum_ms = (round(s * 1000) for s in (timers.rto_initial_s, timers.rto_max_s))
    limit = timers.max_retransmissions
    heartbeat_ms = round(timers.heartbeat_s * 1000)
    return {
        # association, initial, maximum, minimum
        _Option.RTO_INFO: struct.pack("=iIII", 0, initial_ms, maximum_ms, initial_ms),
        # association, retransmissions; the rest stays
        _Option.ASSOCIATION_INFO: struct.pack("=iHHIII", 0, limit, 0, 0, 0, 0),
        # streams out and in, attempts, longest time-out
        _Option.INIT_MESSAGE: struct.pack("=HHHH", _STREAMS, _STREAMS, limit, maximum_ms),
        # association, address, heartbeat, retransmissions, ..., flags (1: heartbeats), ...
        _Option.PEER_ADDRESS_PARAMETERS: struct.pack(
            "=i128xIHIIIIBx", 0, heartbeat_ms, limit, 0, 0, 1, 0, 0
        ),
        _Option.NO_DELAY: struct.pack("=i", 1),
        # one byte for each kind of notification: (data), association, ...
        _Option.EVENTS: bytes([0, 1]),
        _Option.GET_RECEIVE_INFO: struct.pack("=i", 1),
    }


def _stream_and_ppid(ancillary: list[tuple[int, int, bytes]]) -> tuple[int, int]:
    for level, kind, value in ancillary:
        if (level, kind) == (IPPROTO_SCTP, _Ancillary.RECEIVE_INFO):
            stream, _, _, ppid = _RECEIVE_INFO.unpack_from(value)
            return stream, socket.ntohl(ppid)
    raise AssertionError("the kernel was asked for SCTP_RCVINFO and gave none")


def _cause(number: int | None) -> str:
    """Return the words for an errno; the kernel calls the end of silence a time-out."""
    if number in _CAUSES:
        return _CAUSES[number]
    return os.strerror(number) if number else NO_ANSWER
