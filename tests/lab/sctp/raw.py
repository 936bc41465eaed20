"""SCTP on a raw socket, for kernels that have none: IPv4 and IPv6, one address at each end.

Here are only the socket, the lock and the thread that waits for packets and times; what SCTP says
is in `endpoint` and `protocol`. Sending that fails (no route, a guard of the firewall, an
address that is gone) is a packet lost: it is tried again until the limits of SCTP, and what the
system said becomes the cause of the end.
"""

from __future__ import annotations

import os
import queue
import random
import select
import socket
import threading
import time
from collections.abc import Iterable
from ipaddress import ip_address

from tests.lab.sctp.association import (
    Address,
    Association,
    Listener,
    Message,
    SctpError,
    Timers,
)
from tests.lab.sctp.endpoint import Happening, Peer, SctpEndpoint
from tests.lab.sctp.protocol import SctpProtocol
from tests.lab.sctp.states import Ended, Established, Received

IPPROTO_SCTP = 132
# On every packet of ours. A kernel with SCTP of its own answers for our ports too, with ABORT; a
# test that wants both on one machine has what bears no mark dropped.
MARK = 0x5C79

_EPHEMERAL_PORTS = range(32_768, 61_000)
_BIGGEST_PACKET = 65_535


def connect(local: Address, peer: Address, port: int, timers: Timers) -> Association:
    """Begin an association from a local address; raise SctpError if that cannot be used."""
    for local_port in random.sample(_EPHEMERAL_PORTS, 8):
        try:
            endpoint = _RawEndpoint(local, local_port, timers, listening=False)
        except PortInUse:
            continue
        return endpoint.connect((peer, port))
    raise SctpError("no free port")


def listen(local: Address, port: int, timers: Timers) -> Listener:
    """Wait for associations at a local address; raise SctpError if that cannot be used."""
    return _RawListener(_RawEndpoint(local, port, timers, listening=True), local, port)


class PortInUse(SctpError):
    """Another endpoint has the port."""


class _RawEndpoint:
    """A raw socket and the thread that reads it, until there is nothing more to do."""

    def __init__(self, local: Address, port: int, timers: Timers, *, listening: bool) -> None:
        self.accepted: queue.SimpleQueue[RawAssociation | None] = queue.SimpleQueue()
        self._local = local
        self._protocol = SctpEndpoint(port, timers, listening=listening)
        self._lock = threading.Lock()
        self._associations: dict[SctpProtocol, RawAssociation] = {}
        self._listening = listening
        self._claim = _claim(local, port)
        try:
            self._socket = _raw_socket(local)
        except BaseException:
            self._claim.close()
            raise
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._released = False
        self._thread = threading.Thread(target=self._run, name=f"sctp {local} {port}", daemon=True)
        if listening:
            self._thread.start()

    def connect(self, peer: Peer) -> RawAssociation:
        """Begin the one association of an endpoint that does not listen."""
        with self._lock:
            protocol = self._protocol.connect(peer, time.monotonic())
            association = self._add(protocol, peer)
            self._flush()
        self._thread.start()
        return association

    def send(self, protocol: SctpProtocol, message: Message) -> None:
        """Have an association send a message."""
        with self._lock:
            protocol.send(message, time.monotonic())
            self._flush()
            self._ring()

    def begin_shutdown(self, protocol: SctpProtocol) -> None:
        """Have an association end gracefully."""
        with self._lock:
            protocol.shutdown(time.monotonic())
            self._flush()
            self._ring()

    def abort(self, protocol: SctpProtocol) -> None:
        """End an association at once."""
        with self._lock:
            self._tell((protocol, event) for event in protocol.abort())
            self._flush()
            self._ring()
        self._join_if_done()

    def close(self) -> None:
        """Accept no more associations; those that nobody has taken yet are aborted."""
        with self._lock:
            self._listening = self._protocol.listening = False
            self._ring()
        while not self.accepted.empty():
            association = self.accepted.get()
            if association is not None:
                association.abort()
        # Whoever waits for an association is woken.
        self.accepted.put(None)
        self._join_if_done()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._bell, select.POLLIN)
        while True:
            with self._lock:
                self._tell(self._protocol.tick(time.monotonic()))
                self._flush()
                wake_at = self._protocol.wake_at()
                if not self._listening and not self._associations:
                    self._release()
                    return
            # Rounded up: to wake a moment too early would be to wake twice.
            wait_ms = None if wake_at is None else max(0.0, wake_at - time.monotonic()) * 1000 + 1
            for descriptor, _ in poll.poll(wait_ms):
                if descriptor == self._bell:
                    os.eventfd_read(self._bell)
                else:
                    self._read()

    def _read(self) -> None:
        try:
            data, sender = self._socket.recvfrom(_BIGGEST_PACKET)
        except OSError:
            # An error that the network reported; the poll that woke us has it taken off.
            return
        if self._local.version == 4:
            data = data[(data[0] & 0x0F) * 4 :]
        with self._lock:
            address = ip_address(sender[0])
            self._tell(self._protocol.receive(address, data, time.monotonic()))
            self._flush()

    def _tell(self, happenings: Iterable[Happening]) -> None:
        for protocol, event in happenings:
            association = self._associations.get(protocol)
            match event:
                case Established():
                    if association is None:
                        association = self._accept(protocol)
                    association.inbox.set_up()
                case Received(message):
                    if association is not None:
                        association.inbox.put(message)
                case Ended(cause):
                    if association is not None:
                        del self._associations[protocol]
                        association.inbox.end(cause)

    def _add(self, protocol: SctpProtocol, peer: Peer) -> RawAssociation:
        association = RawAssociation(self, protocol, self._local, peer)
        self._associations[protocol] = association
        return association

    def _accept(self, protocol: SctpProtocol) -> RawAssociation:
        peers = self._protocol.associations.items()
        association = self._add(protocol, next(p for p, known in peers if known is protocol))
        self.accepted.put(association)
        return association

    def _flush(self) -> None:
        """Send what waits to be sent."""
        for address, packet in self._protocol.take():
            error = None
            try:
                self._socket.sendto(packet, (str(address), 0))
            except OSError as failure:
                error = failure.strerror
            self._protocol.note_path(address, error)

    def _ring(self) -> None:
        """Have the thread look again at what there is to wait for."""
        if not self._released:
            os.eventfd_write(self._bell, 1)

    def _release(self) -> None:
        self._released = True
        self._socket.close()
        self._claim.close()
        os.close(self._bell)

    def _join_if_done(self) -> None:
        """Wait for the thread if it has nothing left to do: then the port is free again."""
        with self._lock:
            done = not self._listening and not self._associations
        if done:
            self._thread.join()


class RawAssociation(Association):
    """An association on a raw socket."""

    def __init__(
        self, endpoint: _RawEndpoint, protocol: SctpProtocol, local: Address, peer: Peer
    ) -> None:
        super().__init__(local, *peer)
        self._endpoint = endpoint
        self._protocol = protocol

    @property
    def trouble(self) -> str | None:
        """What the system says of sending to the peer."""
        return self._protocol.path_error

    def send(self, data: bytes, ppid: int, stream: int = 0) -> None:
        """Send a message; raise AssociationEnded, or SctpError for one that cannot be sent."""
        self._endpoint.send(self._protocol, Message(data, ppid, stream))

    def abort(self) -> None:
        """End it at once."""
        self._endpoint.abort(self._protocol)

    def _begin_shutdown(self) -> None:
        self._endpoint.begin_shutdown(self._protocol)


class _RawListener(Listener):
    def __init__(self, endpoint: _RawEndpoint, local: Address, port: int) -> None:
        super().__init__(local, port)
        self._endpoint = endpoint

    def accept(self, timeout_s: float) -> Association | None:
        try:
            return self._endpoint.accepted.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        self._endpoint.close()


def _raw_socket(local: Address) -> socket.socket:
    family = socket.AF_INET if local.version == 4 else socket.AF_INET6
    try:
        raw = socket.socket(family, socket.SOCK_RAW, IPPROTO_SCTP)
    except OSError as error:
        raise SctpError(f"raw socket: {error.strerror}") from error
    try:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
        raw.bind((str(local), 0))
        raw.setblocking(False)
    except OSError as error:
        raw.close()
        raise SctpError(f"{error.strerror}: {local}") from error
    return raw


def _claim(local: Address, port: int) -> socket.socket:
    """Take a port of an address for us alone, as the kernel would do for its own protocols.

    An abstract Unix address is of one network namespace, and is freed with its process.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0henbd-lab-sctp {local} {port}")
    except OSError as error:
        claim.close()
        raise PortInUse(f"{error.strerror}: port {port} of {local}") from error
    return claim
