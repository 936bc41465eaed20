"""User messages over one SCTP association (RFC 9260 section 6): numbered, acknowledged, in order.

No congestion control, and what comes out of order is not kept: the peer sends it again.
"""

from __future__ import annotations

from tests.lab.sctp.association import Message
from tests.lab.sctp.packet import Chunk, Data, data_chunk, decode_data

# With the headers of SCTP and IPv6 still below 1280, the least MTU that IPv6 guarantees.
FRAGMENT_BYTES = 1200

_TSNS = 1 << 32
_SEQUENCES = 1 << 16


class Outbound:
    """What was sent and is not yet acknowledged."""

    def __init__(self, first_tsn: int) -> None:
        self._next_tsn = first_tsn
        self._sequences: dict[int, int] = {}
        self._unacknowledged: dict[int, Chunk] = {}

    def add(self, message: Message) -> list[Chunk]:
        """Return the chunks of a message, and keep them until they are acknowledged."""
        sequence = self._sequences.get(message.stream, 0)
        self._sequences[message.stream] = (sequence + 1) % _SEQUENCES
        chunks = []
        for start in range(0, len(message.data), FRAGMENT_BYTES):
            end = start + FRAGMENT_BYTES
            fragment = Data(
                tsn=self._next_tsn,
                stream=message.stream,
                sequence=sequence,
                ppid=message.ppid,
                payload=message.data[start:end],
                begins=start == 0,
                ends=end >= len(message.data),
            )
            chunk = data_chunk(fragment)
            chunks.append(chunk)
            self._unacknowledged[self._next_tsn] = chunk
            self._next_tsn = (self._next_tsn + 1) % _TSNS
        return chunks

    def unacknowledged(self) -> list[Chunk]:
        """Return what the peer may not have got, oldest first."""
        return list(self._unacknowledged.values())

    def acknowledge(self, tsn: int) -> bool:
        """Forget everything up to that TSN; return whether there was anything."""
        # TSNs are compared in serial number arithmetic (RFC 9260 1.6).
        done = [t for t in self._unacknowledged if (tsn - t) % _TSNS < _TSNS // 2]
        for acknowledged in done:
            del self._unacknowledged[acknowledged]
        return bool(done)


class Inbound:
    """What came in, put together."""

    def __init__(self, first_tsn: int) -> None:
        self.cumulative_tsn = (first_tsn - 1) % _TSNS
        self._fragments: list[bytes] = []

    def add(self, chunk: Chunk) -> Message | None:
        """Return the message that a DATA chunk completes; None if it completes none, or is not
        the next one. Raises PacketError.
        """
        data = decode_data(chunk)
        if data.tsn != (self.cumulative_tsn + 1) % _TSNS:
            return None
        self.cumulative_tsn = data.tsn
        if data.begins:
            self._fragments.clear()
        self._fragments.append(data.payload)
        if not data.ends:
            return None
        return Message(b"".join(self._fragments), data.ppid, data.stream)
