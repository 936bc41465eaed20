"""The little of GTP-U (TS 29.281) that shows a user plane path: Echo Request and Echo Response."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address

from tests.lab.events import Log

Address = IPv4Address | IPv6Address

PORT = 2152

# Version 1, GTP (not GTP'), with a sequence number (TS 29.281 5.1).
_FLAGS = 0x32
_FLAGS_CHECKED = 0xF2
_ECHO_REQUEST, _ECHO_RESPONSE = 1, 2
# flags, type, length of what follows the first 8 octets, TEID, sequence number, N-PDU number, next
_HEADER = struct.Struct("!BBHIHBB")
_MANDATORY_BYTES = 8
# TS 29.281 8.2: of no meaning in GTP-U, but mandatory in the response, and 0.
_RECOVERY = b"\x0e\x00"


def echo_request(sequence: int) -> bytes:
    """Return an Echo Request."""
    return _message(_ECHO_REQUEST, sequence, b"")


def echo_response(sequence: int) -> bytes:
    """Return the answer to an Echo Request."""
    return _message(_ECHO_RESPONSE, sequence, _RECOVERY)


def request_sequence(data: bytes) -> int | None:
    """Return the sequence number of an Echo Request; None if the bytes are none."""
    return _sequence(_ECHO_REQUEST, data)


def response_sequence(data: bytes) -> int | None:
    """Return the sequence number of an Echo Response; None if the bytes are none."""
    return _sequence(_ECHO_RESPONSE, data)


def udp_socket(local: Address, port: int) -> socket.socket:
    """Return a socket that is bound to an address, and does not block; raise OSError."""
    family = socket.AF_INET if local.version == 4 else socket.AF_INET6
    udp = socket.socket(family, socket.SOCK_DGRAM)
    try:
        udp.bind((str(local), port))
        udp.setblocking(False)
    except OSError:
        udp.close()
        raise
    return udp


class Client:
    """The eNB's side: it asks, and sees later whether it was answered."""

    def __init__(self, local: Address, peer: Address, port: int = PORT) -> None:
        self._local = local
        self._peer = (str(peer), port)
        self._sequence = 0
        self._socket: socket.socket | None = None

    def ask(self) -> None:
        """Send an Echo Request; raise OSError if the system does not let it out."""
        if self._socket is None:
            # TS 29.281 4.4.2.1: the source port of a request is the sender's choice.
            self._socket = udp_socket(self._local, 0)
        self._sequence = (self._sequence + 1) % (1 << 16)
        self._socket.sendto(echo_request(self._sequence), self._peer)

    def answered(self) -> bool:
        """Return whether the answer to the last request has come."""
        found = False
        while (data := self._read()) is not None:
            found |= response_sequence(data) == self._sequence
        return found

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _read(self) -> bytes | None:
        if self._socket is None:
            return None
        try:
            return self._socket.recv(2048)
        except OSError:
            # Nothing there, or what the network said of an earlier request.
            return None


class Sgw:
    """A serving gateway that answers Echo Requests.

    The event "GTP-U" tells each change of the source address; `counts` has the number of requests
    from each. The socket belongs to the network namespace of the thread that calls the constructor.
    """

    def __init__(self, log: Log, address: Address, port: int = PORT) -> None:
        self.counts: dict[Address, int] = {}
        self._log = log
        self._last: Address | None = None
        self._socket = udp_socket(address, port)
        self._bell = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name=f"sgw {address}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more; again is no error."""
        if self._thread.is_alive():
            os.eventfd_write(self._bell, 1)
            self._thread.join()
            os.close(self._bell)
            self._socket.close()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._bell, select.POLLIN)
        while all(descriptor != self._bell for descriptor, _ in poll.poll()):
            try:
                data, sender = self._socket.recvfrom(2048)
            except OSError:
                # What the network says of an earlier answer; there is nobody to be told.
                continue
            sequence = request_sequence(data)
            if sequence is None:
                continue
            self._note(ip_address(sender[0]))
            try:
                self._socket.sendto(echo_response(sequence), sender)
            except OSError:
                # Lost, as on any network; the request comes again.
                continue

    def _note(self, source: Address) -> None:
        self.counts[source] = self.counts.get(source, 0) + 1
        if source != self._last:
            self._last = source
            self._log.add("HeNB", "S-GW", "GTP-U", f"GTP-U echo from {source}", peer=source)


def _message(kind: int, sequence: int, elements: bytes) -> bytes:
    length = _HEADER.size - _MANDATORY_BYTES + len(elements)
    return _HEADER.pack(_FLAGS, kind, length, 0, sequence, 0, 0) + elements


def _sequence(wanted: int, data: bytes) -> int | None:
    if len(data) < _HEADER.size:
        return None
    flags, kind, length, _, sequence, _, _ = _HEADER.unpack_from(data)
    if flags & _FLAGS_CHECKED != _FLAGS or kind != wanted:
        return None
    if length != len(data) - _MANDATORY_BYTES:
        return None
    found: int = sequence
    return found
