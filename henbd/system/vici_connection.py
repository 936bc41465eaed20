"""A connection to charon's VICI socket that never blocks.

The wire format is that of the vici package. What this adds: several requests may be under way, and
nobody waits for an answer. charon answers in the order of the requests; events come in between.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from vici.exception import DeserializationException
from vici.protocol import Message, Packet

from henbd.errors import CharonError
from henbd.system.doorbell import Doorbell

# What charon sends, and what it is sent: sections, lists and values, by name.
Section = Mapping[str, "bytes | list[bytes] | Section"]
Request = Mapping[str, "str | bytes | list[str] | list[bytes] | Request"]

# A charon at work answers within milliseconds, on a slow board with a slow key within a second.
ANSWER_WITHIN_S = 3.0

# As much as the vici package and charon allow for one message.
_LONGEST = 512 * 1024
_CHUNK = 64 * 1024
_LENGTH = struct.Struct("!I")

# These events are the items of the answer to a request, and come only while it is under way.
_STREAMS = frozenset({"list-sa", "list-conn"})


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request, and the items that came before it."""

    message: Section
    items: tuple[Section, ...] = ()

    def refusal(self) -> str | None:
        """Return why charon did not do what it was asked for; None: it did."""
        if self.message.get("success", b"yes") == b"yes":
            return None
        text = self.message.get("errmsg")
        return text.decode(errors="replace") if isinstance(text, bytes) else "no reason given"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that charon tells unasked; what it says of it is not read."""

    kind: str


@dataclass(slots=True)
class Framing:
    """Bytes from charon → replies and events; no I/O."""

    _rest: bytes = b""
    _items: list[Section] = field(default_factory=list)

    def receive(self, data: bytes) -> Iterator[Reply | Event]:
        """Yield what is complete with these bytes; raise CharonError where they make no sense."""
        self._rest += data
        while len(self._rest) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._rest)
            if length > _LONGEST:
                raise CharonError(f"a message of {length} bytes came")
            end = _LENGTH.size + length
            if len(self._rest) < end:
                return
            packet, self._rest = self._rest[_LENGTH.size : end], self._rest[end:]
            try:
                part = self._parse(packet)
            except (struct.error, UnicodeDecodeError, DeserializationException) as error:
                raise CharonError(f"a damaged message came: {error}") from error
            if part is not None:
                yield part

    def _parse(self, data: bytes) -> Reply | Event | None:
        packet = Packet.parse(data)
        kind = packet.response_type
        if kind == Packet.EVENT:
            name = packet.event_type.decode()
            if name not in _STREAMS:
                return Event(name)
            self._items.append(Message.deserialize(packet.payload))
            return None
        items, self._items = tuple(self._items), []
        if kind == Packet.CMD_RESPONSE:
            return Reply(Message.deserialize(packet.payload), items)
        if kind == Packet.EVENT_CONFIRM:
            return Reply({})
        if kind in (Packet.CMD_UNKNOWN, Packet.EVENT_UNKNOWN):
            return Reply({"success": b"no", "errmsg": b"not known to this charon"})
        raise CharonError(f"a message of type {kind} came")


class ViciConnection:
    """One connected socket. `rung` tells of events, `lost` that the connection is of no use now.

    Both are called from the doorbell only, and nothing is called after `lost` or `close`. The
    constructor raises CharonError where nobody can be reached.
    """

    def __init__(
        self,
        path: str,
        doorbell: Doorbell,
        clock: Callable[[], float],
        *,
        rung: Callable[[], None],
        lost: Callable[[str], None],
    ) -> None:
        self._path = path
        self._doorbell = doorbell
        self._clock = clock
        self._rung = rung
        self._lost = lost
        self._framing = Framing()
        self._unsent = b""
        self._waiting: deque[Callable[[Reply], None]] = deque()
        self._progress_at = 0.0
        self._dozing_until: float | None = None
        self._socket: socket.socket | None = _connected(path)
        doorbell.watch(self._socket.fileno(), self._ready)

    def register(self, event: str, answered: Callable[[Reply], None]) -> None:
        """Ask for the events of a kind."""
        self._send(Packet.register_event(event), answered)

    def request(self, command: str, message: Request, answered: Callable[[Reply], None]) -> None:
        """Ask something; `answered` is called with the reply, after those to earlier requests."""
        self._send(Packet.request(command, Message.serialize(message)), answered)

    def doze(self, until: float) -> None:
        """Leave unread until then what charon says: several answers are one bell."""
        if self._socket is not None:
            self._doorbell.forget(self._socket.fileno())
            self._dozing_until = until

    def hear(self) -> None:
        """Read what charon has said by now; when all is answered, go on as usual."""
        if self._socket is not None:
            self._ready()
            if not self._waiting:
                self._wake()

    def wake_at(self) -> float | None:
        """Return when `tick` has something to do."""
        return self._dozing_until

    def tick(self, now: float) -> None:
        """Read what has been left unread for long enough."""
        if self._dozing_until is not None and now >= self._dozing_until:
            self._wake()
            self._ready()

    def _wake(self) -> None:
        if self._socket is not None and self._dozing_until is not None:
            self._dozing_until = None
            self._doorbell.watch(self._socket.fileno(), self._ready)

    def answer_due_at(self) -> float | None:
        """Return until when charon must have answered, None where it owes no answer."""
        return self._progress_at + ANSWER_WITHIN_S if self._waiting else None

    def close(self) -> None:
        """End the connection; a second time is no error."""
        if self._socket is not None:
            self._doorbell.forget(self._socket.fileno())
            self._socket.close()
            self._socket = self._dozing_until = None

    def _send(self, packet: bytes, answered: Callable[[Reply], None]) -> None:
        if not self._waiting:
            self._progress_at = self._clock()
        self._waiting.append(answered)
        self._unsent += _LENGTH.pack(len(packet)) + packet
        self._flush()

    def _flush(self) -> None:
        """Write what the socket takes; the rest goes when it takes more."""
        if self._socket is None or not self._unsent:
            return
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            # The end of the connection is found by reading.
            self._unsent = b""
        self._doorbell.watch(self._socket.fileno(), self._ready, writable=bool(self._unsent))

    def _ready(self) -> None:
        self._flush()
        try:
            data = self._read()
            if data is not None:
                self._deliver(data)
        except CharonError as error:
            self.close()
            self._lost(f"charon does not answer ({self._path}: {error})")

    def _read(self) -> bytes | None:
        """Return what has come, None if it is nothing after all."""
        assert self._socket is not None
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        except OSError as error:
            raise CharonError(_cause(error)) from error
        if not data:
            raise CharonError("it has ended")
        return data

    def _deliver(self, data: bytes) -> None:
        for part in self._framing.receive(data):
            self._take(part)
            if self._socket is None:
                return

    def _take(self, part: Reply | Event) -> None:
        if isinstance(part, Event):
            self._rung()
            return
        if not self._waiting:
            raise CharonError("an answer to no question came")
        answered = self._waiting.popleft()
        self._progress_at = self._clock()
        answered(part)


def _connected(path: str) -> socket.socket:
    try:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    except OSError as error:
        raise CharonError(f"charon cannot be asked: {_cause(error)}") from error
    try:
        stream.setblocking(False)
        stream.connect(path)
    except BlockingIOError as error:
        # A Unix socket connects at once, unless its queue is full.
        stream.close()
        raise CharonError(f"charon does not answer ({path}: it takes no connections)") from error
    except OSError as error:
        stream.close()
        raise CharonError(f"charon does not answer ({path}: {_cause(error)})") from error
    return stream


def _cause(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
