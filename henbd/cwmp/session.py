"""One CWMP session, written as it is spoken (TR-069 3.7): no I/O, no clock.

The generator yields what it wants done and is sent what came of it. Whoever drives it may drop it
at any moment: what was committed stays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeVar

from henbd.cwmp import files, soap, versions
from henbd.cwmp import ledger as ledgers
from henbd.cwmp import opening as openings
from henbd.cwmp.events import BOOTSTRAP, UPLOAD
from henbd.cwmp.ledger import Owed
from henbd.cwmp.messages import (
    AutonomousTransferComplete,
    AutonomousTransferCompleteResponse,
    Call,
    CallResponse,
    Envelope,
    Inform,
    InformResponse,
    TransferComplete,
    TransferCompleteResponse,
)
from henbd.cwmp.opening import Opening
from henbd.cwmp.rules import Rules
from henbd.cwmp.state import State
from henbd.cwmp.structs import DeviceId, Fault
from henbd.errors import FaultCode, HemsError, RefusalError
from henbd.values import Moment

# A HeMS that asks for a request again and again (8005) gets it this often in one session.
MOST_REPETITIONS = 5

# How a transfer may have ended, by the FaultStruct of the schemas; 9013 is no end of one, for it is
# said in the answer to Download and Upload.
TOLD_BY_1_0 = frozenset({0, 9001, 9002, 9010, 9011, 9012})
TOLD = TOLD_BY_1_0 | frozenset(range(9014, 9021))

# How long the HeMS may take; with a SessionTimeout it may ask for more (TR-069 3.5).
WAIT_S, LONGEST_WAIT_S = 30.0, 300.0

ANSWERS: dict[type[Inform | Call], type[InformResponse | CallResponse]] = {
    Inform: InformResponse,
    TransferComplete: TransferCompleteResponse,
    AutonomousTransferComplete: AutonomousTransferCompleteResponse,
}


@dataclass(frozen=True, slots=True)
class Post:
    """Wanted: this body posted to the HeMS; empty: nothing more to say. The answer is a Reply.

    The HeMS is given `wait_s` seconds for each part of its answer.
    """

    body: bytes
    wait_s: float


@dataclass(frozen=True, slots=True)
class Commit:
    """Wanted: this state made durable, then current. The answer is a Stored."""

    state: State


@dataclass(frozen=True, slots=True)
class Record:
    """Wanted: this state current, and durable if the flash takes it. The answer is a Stored.

    It is what the HeMS has acknowledged: told twice after a crash is better than not told.
    """

    state: State


@dataclass(frozen=True, slots=True)
class Reply:
    """The HeMS's answer to a Post, and the state at the moment it came."""

    status: int
    body: bytes
    state: State
    moment: Moment


@dataclass(frozen=True, slots=True)
class Unsent:
    """What was to be posted has not left the box, and why; the state at that moment."""

    why: str
    state: State


@dataclass(frozen=True, slots=True)
class Stored:
    """Whether a Commit or Record is on flash; if not, why."""

    problem: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session ended: properly, or why not.

    `informed`: the Inform was acknowledged; `refused`: the HeMS would not have it as it was;
    `left_owing`: which requests of ours it refused, in words.
    """

    failure: str | None
    informed: bool
    refused: bool = False
    left_owing: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a request of ours is made: the CWMP namespace version, and how long we wait."""

    version: str
    wait_s: float = WAIT_S


Wish = Post | Commit | Record
Result = Reply | Unsent | Stored
Session = Generator[Wish, Result, Outcome]
T = TypeVar("T")
Part = Generator[Wish, Result, T]


def session(
    opening: Opening, device_id: DeviceId, current_time: str, choice: str, rules: Rules
) -> Session:
    """Return a session that is to be driven: `next` it, then `send` each answer.

    `choice` is the configured version of CWMP.
    """
    inform = Inform(
        device_id,
        opening.events,
        current_time,
        opening.retry_count,
        opening.parameters,
        versions.announced(choice),
    )
    numbers = count(1)
    informed, refusal = False, ""
    try:
        answer, state = yield from _ask(inform, Terms(opening.version), numbers)
        if isinstance(answer.message, Fault):
            raise _refusal(inform, answer.message)
        ledger = openings.acknowledged(state.ledger, opening)
        state = replace(state, ledger=ledger)
        yield Record(files.disowned(state) if BOOTSTRAP in opening.events else state)
        informed = True
        owed = deque(owed for owed in opening.owed if owed in ledger.owed)
        terms = _agreed(answer, opening.version)
        refusal = yield from _converse(owed, numbers, rules, terms, hold=answer.hold_requests)
    except RefusalError as error:
        return Outcome(str(error), informed, refused=not informed)
    except HemsError as error:
        return Outcome(str(error), informed)
    return Outcome(None, informed, left_owing=refusal)


def _agreed(answer: Envelope, version: str) -> Terms:
    """Return what holds from the InformResponse on: the HeMS may choose of what was offered.

    One that does not say so in the header of 1.4 says it by the namespace of its answer, which may
    be older than the Inform's (TR-069 A.6).
    """
    version = versions.NAMESPACES.get(answer.use_version, min(version, answer.version))
    return Terms(version, min(max(answer.timeout_s, WAIT_S), LONGEST_WAIT_S))


def _converse(
    owed: deque[Owed], numbers: Iterator[int], rules: Rules, terms: Terms, *, hold: bool
) -> Part[str]:
    """Make our requests, then serve the HeMS until it has none (TR-069 3.7.2.2).

    Requests that it has us hold wait for its first empty answer. Returns what it refused of ours,
    which stays owed. Raises HemsError.
    """
    refusals = []
    while True:
        while owed and not hold:
            due = owed.popleft()
            call, version = spoken(due, terms.version)
            answer, state = yield from _ask(call, replace(terms, version=version), numbers)
            hold = answer.hold_requests
            if isinstance(answer.message, Fault):
                refusals.append(str(_refusal(due.call, answer.message)))
            else:
                yield Record(replace(state, ledger=ledgers.paid(state.ledger, due)))
        yield from _serve(rules, terms)
        hold = False
        if not owed:
            return "; ".join(refusals)


def _ask(
    request: Inform | Call, terms: Terms, numbers: Iterator[int]
) -> Part[tuple[Envelope, State]]:
    """Make a request until the HeMS does not want it again (8005); `numbers` are the cwmp:ID.

    Returns its response or fault, and the state at that moment. Raises HemsError.
    """
    name = type(request).__name__
    for _ in range(MOST_REPETITIONS):
        envelope = soap.envelope(request, str(next(numbers)), terms.version)
        reply = yield Post(envelope, terms.wait_s)
        assert not isinstance(reply, Stored)
        if isinstance(reply, Unsent):
            raise HemsError(reply.why)
        if _is_empty(reply):
            raise HemsError(f"the HeMS answered {name} with nothing")
        answer = _read(reply)
        match answer.message:
            case Fault(FaultCode.RETRY_REQUEST):
                continue
            case Fault():
                return answer, reply.state
            case other if isinstance(other, ANSWERS[type(request)]):
                return answer, reply.state
            case other:
                raise HemsError(f"the HeMS answered {name} with {type(other).__name__}")
    raise HemsError(f"the HeMS wanted {name} again {MOST_REPETITIONS} times")


def spoken(owed: Owed, version: str) -> tuple[Call, str]:
    """Return a request as a HeMS of this version can read it, and the version that it has then.

    CWMP 1.0 has no AutonomousTransferComplete: a HeMS that wants that one knows 1.1.
    """
    call = owed.call
    if isinstance(call, AutonomousTransferComplete):
        version, upload = max(version, "1-1"), not call.is_download
    else:
        upload = owed.event.code == UPLOAD
    if call.fault_code in (TOLD_BY_1_0 if version == "1-0" else TOLD):
        return call, version
    code = FaultCode.UPLOAD_FAILURE if upload else FaultCode.TRANSFER_FAILURE
    return replace(call, fault_code=code), version


def _refusal(request: Inform | Call, fault: Fault) -> RefusalError:
    return RefusalError(f"the HeMS refused {type(request).__name__}: {fault.code} {fault.text}")


def _serve(rules: Rules, terms: Terms) -> Part[None]:
    """Answer the HeMS's requests until it has no more; raises HemsError.

    It does not count on a reboot, a reset or a transfer where our consent has not left the box.
    """
    # As with the parser: not before the first Inform.
    from henbd.cwmp import commands, rpc

    body = b""
    change: tuple[State, State] | None = None
    while True:
        reply = yield Post(body, terms.wait_s)
        assert not isinstance(reply, Stored)
        if isinstance(reply, Unsent):
            if change is not None:
                yield Record(commands.withdrawn(reply.state, *change))
            raise HemsError(reply.why)
        if _is_empty(reply):
            return
        envelope = _read(reply)
        if isinstance(envelope.message, InformResponse | CallResponse | Fault):
            raise HemsError(f"the HeMS sent {type(envelope.message).__name__} for a request")
        response, state = rpc.answer(envelope.message, reply.state, rules, reply.moment)
        change = reply.state, state
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
    error = RefusalError if reply.status in (400, 500) else HemsError
    raise error(f"HTTP {reply.status} {text}".strip())
