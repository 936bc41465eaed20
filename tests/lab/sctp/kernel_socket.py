"""The kernel's SCTP sockets (RFC 6458): how one is made, and how messages pass through it.

Python knows nothing of SCTP but that there are sockets: options and ancillary data are packed here.
"""

from __future__ import annotations

import socket
import struct
from enum import IntEnum

from tests.lab.sctp.association import Address, Message, SctpError, Timers

IPPROTO_SCTP = 132

_STREAMS = 10
_BIGGEST_MESSAGE = 65_536
_LINGER = struct.pack("=ii", 1, 0)  # close() aborts


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


class Change(IntEnum):
    """What a notification SCTP_ASSOC_CHANGE says (sac_state)."""

    COMM_UP = 0
    COMM_LOST = 1
    RESTART = 2
    SHUTDOWN_COMP = 3
    CANT_STR_ASSOC = 4


# stream, flags, PPID, context, association
_SEND_INFO = struct.Struct("=HHIIi")
# stream, sequence number, flags, PPID; there is more
_RECEIVE_INFO = struct.Struct("=HHHxxI")
# SCTP_ASSOC_CHANGE: type, flags, length, state; there is more
_CHANGE = struct.Struct("=HHIH")
_ASSOC_CHANGE = 0x8001
_MSG_NOTIFICATION = 0x8000


def sctp_socket(local: Address, port: int, timers: Timers) -> socket.socket:
    """Return a socket that is bound to one address, and does not block; raise SctpError."""
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


def send(sock: socket.socket, message: Message) -> None:
    """Send a message whole, or raise OSError."""
    # The kernel does not look at the PPID; on the wire it is in network order.
    information = _SEND_INFO.pack(message.stream, 0, socket.htonl(message.ppid), 0, 0)
    ancillary = [(IPPROTO_SCTP, _Ancillary.SEND_INFO, information)]
    sock.sendmsg([message.data], ancillary, socket.MSG_DONTWAIT)


class Incoming:
    """What comes out of a socket, messages put together."""

    def __init__(self) -> None:
        self._fragments: list[bytes] = []

    def read(self, sock: socket.socket) -> Message | Change | bytes | None:
        """Return a message, a change of the association, or b"" at the end of what the peer says.

        None: nothing that is complete. Raises OSError; BlockingIOError if there is nothing.
        """
        data, ancillary, flags, _ = sock.recvmsg(_BIGGEST_MESSAGE, 256, socket.MSG_DONTWAIT)
        if flags & _MSG_NOTIFICATION:
            kind, _, _, state = _CHANGE.unpack_from(data)
            return Change(state) if kind == _ASSOC_CHANGE else None
        if not data:
            return b""
        self._fragments.append(data)
        if not flags & socket.MSG_EOR:
            return None
        whole = b"".join(self._fragments)
        self._fragments.clear()
        stream, ppid = _stream_and_ppid(ancillary)
        return Message(whole, ppid, stream)


def pending_error(sock: socket.socket) -> int:
    """Return, and clear, the errno that a socket keeps; 0: none."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def abort(sock: socket.socket) -> None:
    """Close a socket with an ABORT."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    sock.close()


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
