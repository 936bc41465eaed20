"""SCTP by the kernel, where it has it (RFC 6458, one-to-one style), one address at each end.

Each association has a thread that alone reads, ends and closes its socket, so no descriptor is
closed while another thread waits on it. Of a restart by the peer (RFC 9260 5.2) the kernel makes no
new association: the old one goes on, and says nothing.
"""

from __future__ import annotations

import errno
import functools
import os
import select
import socket
import threading
from collections.abc import Callable
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
from tests.lab.sctp.kernel_socket import (
    IPPROTO_SCTP,
    Change,
    Incoming,
    abort,
    pending_error,
    sctp_socket,
    send,
)

_CAUSES = {
    errno.ECONNREFUSED: REFUSED,
    errno.ECONNRESET: ABORTED_BY_PEER,
    errno.ECONNABORTED: ABORTED_BY_PEER,
    errno.ETIMEDOUT: NO_ANSWER,
}


@functools.cache
def available() -> bool:
    """Return whether the kernel has SCTP; asking may load a module, so it is asked once."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_SCTP).close()
    except OSError:
        return False
    return True


def connect(local: Address, peer: Address, port: int, timers: Timers) -> Association:
    """Begin an association from a local address; raise SctpError if that is not possible."""
    sock = sctp_socket(local, 0, timers)
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
    sock = sctp_socket(local, port, timers)
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
        self._incoming = Incoming()
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
        with self._lock:
            if self._closed:
                raise AssociationEnded(self.inbox.ended or ABORTED)
            try:
                send(self._socket, Message(data, ppid, stream))
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
            if cause in (SHUT_DOWN, SHUT_DOWN_BY_PEER):
                self._socket.close()
            else:
                abort(self._socket)
            self._bell.close()
        self.inbox.end(cause)

    def _connected(self) -> str | None:
        """Note how the attempt to connect came out; return why it failed, if so."""
        failure = pending_error(self._socket)
        if failure:
            return _cause(failure)
        self._established = True
        self.inbox.set_up()
        return None

    def _read(self) -> str | None:
        """Read what is there; return the cause of the end, if it is the end."""
        try:
            said = self._incoming.read(self._socket)
        except BlockingIOError:
            return None
        except OSError as error:
            return _cause(error.errno)
        match said:
            case Message():
                self.inbox.put(said)
            case b"" | Change.SHUTDOWN_COMP:
                return self._ending
            case Change.COMM_LOST | Change.CANT_STR_ASSOC:
                return _cause(pending_error(self._socket))
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


def _cause(number: int | None) -> str:
    """Return the words for an errno; the kernel calls the end of silence a time-out."""
    if number in _CAUSES:
        return _CAUSES[number]
    return os.strerror(number) if number else NO_ANSWER
