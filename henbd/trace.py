"""What was said in the last sessions and what happened around them, for people; bounded.

To record costs an append. What is made of it - text, blotted, a file - is made when the loop has
nothing better to do (`Trace.take`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from henbd.clock import Clock

# A session that reads all of the model has a dozen messages, of which a few are large.
MOST_MESSAGES = 200
LARGEST_BODY = 65_536
MOST_BODIES = 524_288
MOST_HAPPENINGS = 100

# Sessions that wait to be written down, in a storm of them; of any older ones nobody hears.
MOST_ENDED = 10


@dataclass(frozen=True, slots=True)
class Message:
    """One body that was posted, or one answer; `at` is monotonic, `size` that of the whole body."""

    at: float
    ours: bool
    status: int | None
    body: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that changed on the box: `about` is "tunnel", "address", "S1" or "HeMS"."""

    at: float
    about: str
    text: str


@dataclass(slots=True)
class Recording:
    """One session, with what happened since the one before; times are monotonic but `wall`."""

    wall: datetime
    at: float
    url: str
    source: str
    events: tuple[str, ...]
    messages: list[Message] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    bytes: int = 0
    acknowledged: bool = False
    failure: str | None = None
    ended_at: float | None = None


class Trace:
    """Records one session at a time, and what happens meanwhile and between them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._happenings: deque[Happening] = deque(maxlen=MOST_HAPPENINGS)
        self._ended: deque[Recording] = deque(maxlen=MOST_ENDED)
        self.current: Recording | None = None

    def begin(self, url: str, source: str, events: Iterable[str]) -> None:
        """A session begins."""
        moment = self._clock.moment()
        self.current = Recording(moment.wall, moment.monotonic, url, source, tuple(events))

    def sent(self, body: bytes) -> None:
        """We posted a body."""
        self._add(body, ours=True, status=None)

    def received(self, status: int, body: bytes) -> None:
        """The HeMS answered."""
        self._add(body, ours=False, status=status)

    def end(self, failure: str | None, *, acknowledged: bool) -> None:
        """The session is over."""
        record = self.current
        assert record is not None
        record.ended_at, record.failure = self._clock.monotonic(), failure
        record.acknowledged = acknowledged
        record.happenings = list(self._happenings)
        self._happenings.clear()
        self._ended.append(record)
        self.current = None

    def note(self, about: str, text: str) -> None:
        """Something happened on the box."""
        self._happenings.append(Happening(self._clock.monotonic(), about, text))

    def take(self) -> list[Recording]:
        """Return the sessions that have ended since this was asked last."""
        ended = list(self._ended)
        self._ended.clear()
        return ended

    @property
    def latest(self) -> list[Happening]:
        """What has happened since the last session ended."""
        return list(self._happenings)

    def _add(self, body: bytes, *, ours: bool, status: int | None) -> None:
        record = self.current
        if record is None or len(record.messages) >= MOST_MESSAGES:
            return
        kept = body[:LARGEST_BODY] if record.bytes < MOST_BODIES else b""
        record.bytes += len(kept)
        record.messages.append(Message(self._clock.monotonic(), ours, status, kept, len(body)))
