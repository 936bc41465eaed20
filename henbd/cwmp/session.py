"""One CWMP session, written as it is spoken (TR-069 3.7): no I/O, no clock.

The generator yields what it wants done and is sent what came of it. Whoever drives it may drop it
at any moment: what was committed stays.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from henbd.cwmp import ledger as ledgers
from henbd.cwmp import rpc, soap
from henbd.cwmp.ledger import Opening
from henbd.cwmp.messages import DeviceId, Envelope, Fault, Inform, InformResponse
from henbd.cwmp.rpc import Rules
from henbd.cwmp.state import State
from henbd.errors import FaultCode, HemsError

# A HeMS that asks for the Inform again and again (8005) gets it this often in one session.
MOST_REPETITIONS = 5


@dataclass(frozen=True, slots=True)
class Post:
    """Wanted: this body posted to the HeMS; empty: nothing more to say. The answer is a Reply."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """Wanted: this state made durable, then current. The answer is a Stored."""

    state: State


@dataclass(frozen=True, slots=True)
class Reply:
    """The HeMS's answer to a Post, and the state at the moment it came."""

    status: int
    body: bytes
    state: State


@dataclass(frozen=True, slots=True)
class Stored:
    """Whether a Commit was carried out; if not, why."""

    problem: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session ended: properly, or why not. `informed`: the Inform was acknowledged."""

    failure: str | None
    informed: bool


Session = Generator[Post | Commit, Reply | Stored, Outcome]


def session(
    opening: Opening, device_id: DeviceId, current_time: str, version: str, rules: Rules
) -> Session:
    """Return a session that is to be driven: `next` it, then `send` each answer.

    `version` is the CWMP namespace version to start with, such as "1-2".
    """
    inform = Inform(
        device_id, opening.events, current_time, opening.retry_count, opening.parameters
    )
    informed = False
    try:
        yield from _inform(inform, opening, version)
        informed = True
        yield from _serve(rules)
    except HemsError as error:
        return Outcome(str(error), informed)
    return Outcome(None, informed)


def _inform(
    inform: Inform, opening: Opening, version: str
) -> Generator[Post | Commit, Reply | Stored, None]:
    """Deliver the Inform; raises HemsError."""
    for attempt in range(1, MOST_REPETITIONS + 1):
        reply = yield Post(soap.envelope(inform, str(attempt), version))
        assert isinstance(reply, Reply)
        if _is_empty(reply):
            raise HemsError("the HeMS answered the Inform with nothing")
        match _read(reply).message:
            case InformResponse():
                told = ledgers.acknowledged(reply.state.ledger, opening)
                yield Commit(replace(reply.state, ledger=told))
                return
            case Fault(FaultCode.RETRY_REQUEST):
                continue
            case Fault(code, text):
                raise HemsError(f"the HeMS refused the Inform: {code} {text}")
            case other:
                raise HemsError(f"the HeMS answered the Inform with {type(other).__name__}")
    raise HemsError(f"the HeMS wanted the Inform again {MOST_REPETITIONS} times")


def _serve(rules: Rules) -> Generator[Post | Commit, Reply | Stored, None]:
    """Answer the HeMS's requests until it has no more; raises HemsError."""
    body = b""
    while True:
        reply = yield Post(body)
        assert isinstance(reply, Reply)
        if _is_empty(reply):
            return
        envelope = _read(reply)
        if isinstance(envelope.message, InformResponse | Fault):
            raise HemsError(f"the HeMS sent {type(envelope.message).__name__} for a request")
        response, state = rpc.answer(envelope.message, reply.state, rules)
        if state is not reply.state:
            stored = yield Commit(state)
            assert isinstance(stored, Stored)
            if stored.problem:
                response = Fault(FaultCode.INTERNAL_ERROR, f"not stored: {stored.problem}")
        body = soap.envelope(response, envelope.id, envelope.version)


def _is_empty(reply: Reply) -> bool:
    return 200 <= reply.status < 300 and not reply.body.strip()


def _read(reply: Reply) -> Envelope:
    """Return the envelope of a reply; raises HemsError where there is none.

    A SOAP fault may come with HTTP status 500 (SOAP 1.1 section 6.2).
    """
    if 200 <= reply.status < 300:
        return soap.parse(reply.body)
    if reply.status == 500 and reply.body.lstrip()[:1] == b"<":
        envelope = soap.parse(reply.body)
        if isinstance(envelope.message, Fault):
            return envelope
    text = reply.body[:200].decode("utf-8", "replace").strip()
    raise HemsError(f"HTTP {reply.status} {text}".strip())
