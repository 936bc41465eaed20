"""A HeMS behind `Exchanges`: it answers posts in its own time, or not at all, and has requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from xml.sax.saxutils import escape

from lxml import etree

from henbd.errors import ExchangeError
from henbd.settings import HemsPath
from henbd.system.acs import Answer, Endpoint
from henbd.values import Address
from tests.lab.hems import schema
from tests.unit.fakes.clockwork import Doorbell, Time
from tests.unit.fakes.kernel import OUTER, FakeKernel, Fate

ANSWERS_AFTER_S = 0.005
READ_TIMEOUT_S = 30.0

CWMP = "urn:dslforum-org:cwmp-1-2"
ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="' + CWMP + '">'
    "<s:Header><cwmp:ID>1</cwmp:ID></s:Header><s:Body>%s</s:Body></s:Envelope>"
)


# Requests of the CPE's own.
CALLS = ("TransferComplete", "AutonomousTransferComplete")
INFORM_RESPONSE = "<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"


class Manner(Enum):
    """How the HeMS takes a post."""

    ANSWERS = "answers"
    SILENT = "takes it and does not answer"
    REFUSES = "connection refused"
    BUSY = "HTTP 503"


@dataclass(frozen=True)
class Informed:
    """An Inform that arrived."""

    at: float
    source: Address
    url: str
    device_id: dict[str, str]
    events: tuple[str, ...]
    keys: tuple[str, ...]
    values: dict[str, str]
    current_time: str
    retry_count: int


class FakeHems:
    """What the HeMS has seen, and what it will ask for: one list of requests for each session."""

    def __init__(self, time: Time) -> None:
        self.manner = Manner.ANSWERS
        self.answers_after_s = ANSWERS_AFTER_S
        # It takes the Inform, and owes the answer to the first post after it.
        self.hangs_after_inform = False
        # So it takes what comes after so many posts of a session.
        self.turns: tuple[int, Manner] | None = None
        # URLs at which nobody answers.
        self.dead: set[str] = set()
        self.informs: list[Informed] = []
        self.responses: list[str] = []
        self.completions: list[dict[str, str]] = []
        self.answers_no_call = False
        self.requests: deque[list[str]] = deque()
        self.attempts_at: list[float] = []
        self.endpoints: list[Endpoint] = []
        self.sessions_ended = 0
        self._time = time

    def will_ask(self, *requests: str) -> None:
        """Have these requests made in one session to come."""
        self.requests.append(list(requests))

    def serve(self, session: Session, body: bytes) -> Answer:
        """Answer one post."""
        if self.manner is Manner.BUSY:
            return Answer(503, b"")
        if body:
            root = etree.fromstring(body)
            assert not schema.deviations(root, CWMP)
            message = root.find("{*}Body")[0]  # type: ignore[index]
            name = etree.QName(message).localname
            if name == "Inform":
                self.informs.append(self._inform(session, message))
                session.requests = self.requests.popleft() if self.requests else []
                return _answer(INFORM_RESPONSE)
            self.responses.append(name)
            if name == "TransferComplete":
                fields = {str(etree.QName(e).localname): e.text or "" for e in message.iter()}
                self.completions.append(fields)
            if name in CALLS and self.answers_no_call:
                return Answer(503, b"")
            if name in CALLS:
                return _answer(f"<cwmp:{name}Response/>")
        if session.requests:
            return _answer(session.requests.pop(0))
        self.sessions_ended += 1
        return Answer(204, b"")

    def _inform(self, session: Session, message: etree._Element) -> Informed:
        parameters = message.iterfind("ParameterList/ParameterValueStruct")
        assert session.endpoint.source is not None
        return Informed(
            at=self._time.now,
            source=session.endpoint.source,
            url=session.endpoint.url,
            device_id={
                str(etree.QName(e).localname): e.text or "" for e in message.iterfind("DeviceId/*")
            },
            events=tuple(e.text or "" for e in message.iterfind("Event/EventStruct/EventCode")),
            keys=tuple(e.text or "" for e in message.iterfind("Event/EventStruct/CommandKey")),
            values={p.findtext("Name", ""): p.findtext("Value", "") for p in parameters},
            current_time=message.findtext("CurrentTime", ""),
            retry_count=int(message.findtext("RetryCount", "-1")),
        )


@dataclass(eq=False)
class Session:
    """One HTTP conversation; `open` until one side is done with it."""

    endpoint: Endpoint
    requests: list[str]
    open: bool = True
    posts: int = 0
    waiting: bool = False


class HemsShell:
    """What henbd.system.acs is, over a fake HeMS; what comes too late is dropped."""

    def __init__(
        self, hems: FakeHems, time: Time, kernel: FakeKernel, path: HemsPath, doorbell: Doorbell
    ) -> None:
        self.answered: Callable[[Answer | ExchangeError], None] = lambda _: None
        self._hems, self._time, self._kernel, self._doorbell = hems, time, kernel, doorbell
        self._path = path
        self._session: Session | None = None

    def open(self, endpoint: Endpoint) -> None:
        """Begin to connect from the source address, which must be there."""
        assert self._session is None or not self._session.open, "two sessions at a time"
        self._hems.attempts_at.append(self._time.now)
        self._hems.endpoints.append(endpoint)
        assert endpoint.source is not None
        if not self._kernel.has(endpoint.source):
            raise ExchangeError(f"{endpoint.source}: Cannot assign requested address")
        self._session = Session(endpoint, [])

    def post(self, body: bytes, wait_s: float) -> None:
        """Post a body; `answered` rings with what came of it."""
        session, hems = self._session, self._hems
        assert session is not None
        assert session.open, "a post in a session that is over"
        assert not session.waiting, "two posts outstanding"
        session.waiting = True
        session.posts += 1
        endpoint = session.endpoint
        assert endpoint.source is not None
        through = self._kernel.fate(endpoint.source, endpoint.address) is self._wanted(endpoint)
        manner = hems.manner
        if hems.turns is not None and session.posts > hems.turns[0]:
            manner = hems.turns[1]
        hangs = manner is Manner.SILENT or (hems.hangs_after_inform and session.posts > 1)
        gone = manner is Manner.REFUSES or endpoint.url in hems.dead
        if gone and through:
            refused = ExchangeError(f"{endpoint.address}: connection refused", unsent=True)
            self._time.after(0.001, lambda: self._deliver(session, refused))
        elif not through or hangs:
            timeout = ExchangeError(f"{endpoint.address}: timed out")
            self._time.after(wait_s, lambda: self._deliver(session, timeout))
        else:
            self._time.after(
                hems.answers_after_s, lambda: self._deliver(session, hems.serve(session, body))
            )

    def _wanted(self, endpoint: Endpoint) -> Fate:
        """Return the way that a post has to go: outside from the outer address alone."""
        inside = self._path is HemsPath.TUNNEL and endpoint.source != OUTER
        return Fate.INSIDE if inside else Fate.CLEAR

    def abort(self) -> None:
        """Give the conversation up."""
        if self._session is not None:
            self._session.open = False

    def end(self) -> None:
        """Close the connection."""
        self.abort()

    def wake_at(self) -> float | None:
        """Return None: it has nothing to do by time."""
        return None

    def tick(self, now: float) -> None:
        """Do nothing."""

    def _deliver(self, session: Session, answer: Answer | ExchangeError) -> None:
        if session.open:
            self._doorbell.ring(lambda: self._hand_over(session, answer))

    def _hand_over(self, session: Session, answer: Answer | ExchangeError) -> None:
        if session.open:
            session.waiting = False
            self.answered(answer)


def _answer(message: str) -> Answer:
    return Answer(200, (ENVELOPE % message).encode())


def set_values(values: dict[str, str], key: str = "") -> str:
    """Return a SetParameterValues."""
    rows = "".join(
        f"<ParameterValueStruct><Name>{path}</Name><Value>{escape(value)}</Value>"
        "</ParameterValueStruct>"
        for path, value in values.items()
    )
    return (
        f"<cwmp:SetParameterValues><ParameterList>{rows}</ParameterList>"
        f"<ParameterKey>{key}</ParameterKey></cwmp:SetParameterValues>"
    )


def get_values(*paths: str) -> str:
    """Return a GetParameterValues."""
    names = "".join(f"<string>{path}</string>" for path in paths)
    return (
        f"<cwmp:GetParameterValues><ParameterNames>{names}</ParameterNames>"
        "</cwmp:GetParameterValues>"
    )


def command(method: str, **arguments: str) -> str:
    """Return a request with these arguments, in this order."""
    content = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in arguments.items())
    return f"<cwmp:{method}>{content}</cwmp:{method}>"
