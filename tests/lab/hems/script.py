"""What a HeMS does in one session, as data: a plain list of steps.

    [Set({path: ("1", "xsd:boolean")}, parameter_key="k1"), (Get([path]), Chunked())]

A step is what the HeMS sends when its turn comes: a request of the CPE (an `Rpc`), or something
else in its place (an `Answer`). A tuple is a step and the manners in which it is sent. When the
steps are used up, an empty answer ends the session. Answers that are not turns of the HeMS's own
are reached with `on_connect`, `on_inform` and `on_request`; `always` holds for every answer of the
session.

Nothing here is carried out: see session (what is said) and connection (how it is sent).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tests.lab.hems.rpc import Rpc


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes in place of a request. The CPE's answer must echo `id`, unless that is None."""

    body: bytes
    id: str | None = None


# --- answers that stand in place of the right one ---


@dataclass(frozen=True, slots=True)
class Status:
    """An HTTP status with a text for a body: the session fails."""

    code: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another place to send the same message to; without a location: one that leads nowhere."""

    location: str | None
    code: int = 302


@dataclass(frozen=True, slots=True)
class Empty:
    """An empty answer, 204 or 200: in a turn it ends the session."""

    code: int = 204


@dataclass(frozen=True, slots=True)
class Garbage:
    """A 200 whose body is no answer."""

    body: bytes
    content_type: str = "text/xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class SoapFault:
    """A SOAP fault to a request of the CPE; 8005 asks for the same request again."""

    code: int
    text: str = "CWMP fault"


@dataclass(frozen=True, slots=True)
class Stale:
    """A 401 with `stale=true` and another nonce, although the Digest was right."""


# --- manners in which an answer is sent ---


class Point(Enum):
    """Where in an answer something happens."""

    BEFORE = "before the answer"
    AFTER_HEADERS = "after the headers"
    MID_BODY = "in mid-body"
    AFTER = "after the answer"


@dataclass(frozen=True, slots=True)
class Hang:
    """Send nothing more until Hems.release(); then go on as if nothing had been."""

    point: Point = Point.BEFORE


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection there, without having announced it; with `reset` by a RST."""

    point: Point = Point.BEFORE
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Drip:
    """Send the body byte by byte, until Hems.release()."""

    interval_s: float = 0.1


@dataclass(frozen=True, slots=True)
class Chunked:
    """Send the body in chunks of that many bytes."""

    size: int = 100


@dataclass(frozen=True, slots=True)
class Gzip:
    """Compress the body (Content-Encoding)."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Send `100 Continue` before the answer."""


@dataclass(frozen=True, slots=True)
class ConnectionClose:
    """Announce `Connection: close` and do so: the session goes on upon another connection."""


@dataclass(frozen=True, slots=True)
class Header:
    """One more HTTP header, such as another Set-Cookie."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class SoapHeader:
    """One more SOAP header, as XML text with the prefixes `cwmp` and `soapenv`."""

    xml: str


@dataclass(frozen=True, slots=True)
class HoldRequests:
    """The SOAP header that forbids the CPE requests of its own until the next answer."""


@dataclass(frozen=True, slots=True)
class WithoutId:
    """A request without the cwmp:ID header; the answer has none then."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """The CWMP namespace of a request, such as `urn:dslforum-org:cwmp-1-0`."""

    urn: str


Answer = Status | Redirect | Empty | Garbage | SoapFault | Stale | Raw
Manner = (
    Hang
    | Close
    | Drip
    | Chunked
    | Gzip
    | Continue
    | ConnectionClose
    | Header
    | SoapHeader
    | HoldRequests
    | WithoutId
    | Namespace
)


class Moment(Enum):
    """What an `At` is about."""

    CONNECT = "a connection, before its first byte is read or the TLS handshake done"
    INFORM = "the answer to the Inform"
    REQUEST = "the answer to a request of the CPE's own"
    EVERY = "every answer of the session"


@dataclass(frozen=True, slots=True)
class At:
    """What the HeMS does at a moment that is not a turn of its own."""

    moment: Moment
    twists: tuple[Answer | Manner, ...]


def on_connect(*manners: Hang | Close) -> At:
    """Say what happens to the connection of the coming session before anything is read from it."""
    return At(Moment.CONNECT, manners)


def on_inform(*twists: Answer | Manner) -> At:
    """Say how the Inform is answered; the second one in a script is for its repetition."""
    return At(Moment.INFORM, twists)


def on_request(*twists: Answer | Manner) -> At:
    """Say how the next request of the CPE's own (TransferComplete, ...) is answered."""
    return At(Moment.REQUEST, twists)


def always(*manners: Manner) -> At:
    """Say how every answer of the session is sent."""
    return At(Moment.EVERY, manners)


Turn = Rpc | Answer
Step = At | Turn | tuple[Turn | Manner, ...]
Script = Sequence[Step]


@dataclass(slots=True)
class Agenda:
    """A script sorted by moment; what is done is taken from the front of each list."""

    connect: tuple[Hang | Close, ...]
    inform: list[tuple[Answer | Manner, ...]]
    request: list[tuple[Answer | Manner, ...]]
    always: tuple[Manner, ...]
    turns: list[tuple[Turn, tuple[Manner, ...]]]


def agenda(script: Script) -> Agenda:
    """Sort a script by moment."""
    ats = [step for step in script if isinstance(step, At)]
    first = [twist for at in ats if at.moment is Moment.CONNECT for twist in at.twists]
    every = [twist for at in ats if at.moment is Moment.EVERY for twist in at.twists]
    return Agenda(
        connect=tuple(twist for twist in first if isinstance(twist, Hang | Close)),
        inform=[at.twists for at in ats if at.moment is Moment.INFORM],
        request=[at.twists for at in ats if at.moment is Moment.REQUEST],
        always=tuple(twist for twist in every if isinstance(twist, Manner)),
        turns=[_turn(step) for step in script if not isinstance(step, At)],
    )


def _turn(step: Turn | tuple[Turn | Manner, ...]) -> tuple[Turn, tuple[Manner, ...]]:
    parts = step if isinstance(step, tuple) else (step,)
    manners = tuple(part for part in parts if isinstance(part, Manner))
    turns = [part for part in parts if not isinstance(part, Manner)]
    if len(turns) != 1:
        raise ValueError(f"one request or answer is wanted in a step, not {len(turns)}: {step!r}")
    return turns[0], manners
