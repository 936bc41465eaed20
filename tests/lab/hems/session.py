"""One CWMP session from the HeMS's side, without sockets: each message of the CPE gives a `Reply`.

The session follows its script, and holds the CPE to the order of messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from tests.lab.hems import answers, ladder
from tests.lab.hems.attempts import Outcome
from tests.lab.hems.check import check_answer, check_inform
from tests.lab.hems.examiner import Examiner
from tests.lab.hems.house import Expecting, Heard, House, Peer, Reply
from tests.lab.hems.http1 import Request, Response
from tests.lab.hems.messages import GetParameterValuesResponse, Inform, Message
from tests.lab.hems.rpc import Rpc
from tests.lab.hems.scribe import Scribe
from tests.lab.hems.script import (
    Agenda,
    Answer,
    Close,
    ConnectionClose,
    Drip,
    Empty,
    Hang,
    Header,
    HoldRequests,
    Manner,
    Namespace,
    Point,
    Raw,
    Redirect,
    SoapFault,
    Stale,
    WithoutId,
)
from tests.lab.hems.soap import Envelope

_RETRY_REQUEST = 8005


@dataclass(frozen=True, slots=True)
class _Asked:
    """The request that the CPE must answer, in this namespace and with this ID."""

    rpc: Rpc | Raw
    namespace: str
    id: str | None


class Session:
    """One session.

    `informs` are its Informs (several after 8005), `answers` the CPE's responses and faults to the
    script's requests, in order, `requests` its own requests after the Inform, and `exchanges` every
    HTTP request. `outcome` is None until the end; `peer` is where the last message came from, and
    `moving` is true while the next one may come by another connection.
    """

    def __init__(self, number: int, house: House, agenda: Agenda) -> None:
        self.number = number
        self.informs: list[Inform] = []
        self.answers: list[Message] = []
        self.requests: list[Message] = []
        self.exchanges: list[Request] = []
        self.expecting = Expecting.INFORM
        self.outcome: Outcome | None = None
        self.reason = ""
        self.moving = False
        self.peer: Peer | None = None
        self._house = house
        self._agenda = agenda
        self._scribe = Scribe(house, number)
        self._examiner = Examiner(house, self._scribe)
        self._namespace = ""
        self._asked: _Asked | None = None
        self._asked_count = 0
        self._verdict: tuple[Outcome, str] | None = None
        self._holding = self._has_held = self._may_end = self._hangs = False

    @property
    def values(self) -> dict[str, str]:
        """What the CPE answered to GetParameterValues, all together."""
        got = [each for each in self.answers if isinstance(each, GetParameterValuesResponse)]
        return {name: value for answer in got for name, value in answer.values.items()}

    def is_of(self, request: Request) -> bool:
        """Say whether a request carries this session's cookie."""
        return self._examiner.jar.holds(request.head)

    def receive(self, heard: Heard, peer: Peer) -> Reply:
        """Take a message of the CPE, and return the answer to it."""
        self.peer, self.moving = peer, False
        self.exchanges.append(heard.request)
        again = self._examiner.examine(heard)
        if heard.flaw:
            return self._refuse(f"a body that {heard.flaw}")
        match self.expecting:
            case Expecting.INFORM:
                return self._take_inform(heard, peer)
            case Expecting.OWN:
                return self._take_own(heard, again=again)
            case Expecting.ANSWER:
                return self._take_answer(heard, again=again)
            case Expecting.NOTHING:
                return self._refuse("a message")

    def sending(self) -> None:
        """Note that the first byte of the answer is about to go out."""
        self._scribe.sending()

    def sent(self) -> None:
        """Note that the answer went out as the script wants it."""
        if self._verdict is not None:
            self._end(*self._verdict)

    def lost(self, reason: str) -> None:
        """Note that the CPE does not go on with this session."""
        self._end(Outcome.OK if self._may_end else Outcome.UNCLEAR, reason)

    def overtaken(self) -> None:
        """Note that the CPE has begun another session.

        It may have done so upon the last answer, before `sent` could be called; not so if that
        answer hangs.
        """
        if not self._hangs:
            self.sent()
        self.lost("the HeNB began another session")

    def _end(self, outcome: Outcome, reason: str) -> None:
        if self.outcome is None:
            self.outcome, self.reason, self.expecting = outcome, reason, Expecting.NOTHING
            self._house.attempts.add(outcome)
            self._scribe.end(outcome, reason, self.answers)

    # What the CPE says, in the order of a session.

    def _take_inform(self, heard: Heard, peer: Peer) -> Reply:
        said = heard.envelope
        if said is None or not isinstance(said.message, Inform):
            return self._refuse(said.method if said else "an empty POST")
        if not self.informs:
            self._examiner.check_own_id(said)
            self._scribe.note(*check_inform(said.message, self._house.forced))
            self._scribe.note(*self._house.attempts.check(said.message.retry_count))
        self.informs.append(said.message)
        self._namespace = said.namespace
        self._scribe.inform(said.message, heard.request, peer)
        twists = self._agenda.inform.pop(0) if self._agenda.inform else ()
        return self._answer(heard, said, twists, answers.INFORM_RESPONSE)

    def _take_own(self, heard: Heard, *, again: bool) -> Reply:
        said = heard.envelope
        if said is None:
            return self._take_turn(heard)
        if said.method in ("Inform", "Fault") or said.method.endswith("Response"):
            return self._refuse(said.method)
        if self._holding:
            self._scribe.note(f"{said.method} although requests were to be held")
        if not again:
            self._examiner.check_own_id(said)
            self.requests.append(said.message)
        self._scribe.from_cpe(said.method, said.method, message=said.message)
        twists = self._agenda.request.pop(0) if self._agenda.request else ()
        return self._answer(heard, said, twists, answers.response_to(said.message))

    def _take_answer(self, heard: Heard, *, again: bool) -> Reply:
        said, asked = heard.envelope, self._asked
        assert asked is not None, "an answer is expected after a request only"
        if said is None:
            return self._refuse("an empty POST")
        method = "Raw" if isinstance(asked.rpc, Raw) else asked.rpc.METHOD
        if method != "Raw" and said.method not in (f"{method}Response", "Fault"):
            return self._refuse(f"{said.method} to {method}")
        if not again:
            self._check_answer(said, asked)
            self.answers.append(said.message)
            self._scribe.answered(method, said.message)
        return self._take_turn(heard)

    def _check_answer(self, said: Envelope, asked: _Asked) -> None:
        raw = isinstance(asked.rpc, Raw)
        if said.id != asked.id and not (raw and asked.id is None):
            self._scribe.note(f"{said.method} has the ID {said.id} instead of {asked.id}")
        if not isinstance(asked.rpc, Raw):
            if said.namespace != asked.namespace:
                self._scribe.note(f"{said.method} is in {said.namespace}, not {asked.namespace}")
            self._scribe.note(*check_answer(asked.rpc, said.message))

    def _refuse(self, what: str) -> Reply:
        """Answer what is against the protocol, and end the session."""
        self._scribe.note(f"{what} instead of {self.expecting.value}")
        self._verdict = Outcome.FAILED, f"refused {what}"
        self.expecting = Expecting.NOTHING
        return self._reply(Response(HTTPStatus.BAD_REQUEST), ())

    # What the HeMS says.

    def _answer(
        self, heard: Heard, said: Envelope, twists: Sequence[Answer | Manner], content: str
    ) -> Reply:
        """Answer a request of the CPE, rightly or with what stands in place of that."""
        manners = [twist for twist in twists if isinstance(twist, Manner)]
        replaced = [twist for twist in twists if not isinstance(twist, Manner)]
        if replaced and not isinstance(replaced[0], Raw):
            return self._instead(replaced[0], heard, manners)
        self.expecting = Expecting.OWN
        self._scribe.from_hems(f"{said.method}Response", f"{said.method}Response")
        if replaced:
            return self._reply(answers.instead(replaced[0]), manners)
        return self._reply(answers.say(said.namespace, content, said.id, manners), manners)

    def _take_turn(self, heard: Heard) -> Reply:
        """Make the next request of the script, or end the session."""
        if not self._agenda.turns:
            return self._finish(Empty(), ())
        turn, manners = self._agenda.turns.pop(0)
        if isinstance(turn, Empty):
            return self._finish(turn, manners)
        if isinstance(turn, Raw):
            self.expecting, self._asked = Expecting.ANSWER, _Asked(turn, "", turn.id)
            self._scribe.from_hems("Raw", f"Raw  {len(turn.body)} bytes")
            return self._reply(answers.instead(turn), manners)
        if isinstance(turn, Answer):
            return self._instead(turn, heard, manners)
        return self._ask(turn, manners)

    def _ask(self, rpc: Rpc, manners: Sequence[Manner]) -> Reply:
        self._asked_count += 1
        anonymous = any(isinstance(manner, WithoutId) for manner in manners)
        name = None if anonymous else f"{self.number}-{self._asked_count}"
        urns = [manner.urn for manner in manners if isinstance(manner, Namespace)]
        urn = urns[0] if urns else self._namespace
        self.expecting, self._asked = Expecting.ANSWER, _Asked(rpc, urn, name)
        self._scribe.asks(rpc)
        content = f"<cwmp:{rpc.METHOD}>{rpc.arguments()}</cwmp:{rpc.METHOD}>"
        return self._reply(answers.say(urn, content, name, manners), manners)

    def _finish(self, empty: Empty, manners: Sequence[Manner]) -> Reply:
        """End the session; requests that were held may still come after this empty answer."""
        if self._has_held and not self._may_end:
            self.expecting, self._may_end = Expecting.OWN, True
        else:
            self.expecting, self._verdict = Expecting.NOTHING, (Outcome.OK, "ok")
        return self._reply(answers.instead(empty), manners)

    def _instead(self, answer: Answer, heard: Heard, manners: Sequence[Manner]) -> Reply:
        """Give an answer in place of the right one: the same again, or the end in most cases."""
        said = heard.envelope
        match answer:
            case SoapFault(code) if code == _RETRY_REQUEST and said is not None:
                self._examiner.expect_message(said)
            case SoapFault() if self.expecting is Expecting.OWN and said is not None:
                pass  # What was refused stays undelivered, and the session may go on.
            case Redirect(location) if location is not None:
                self._examiner.expect_body(heard, location)
                self.moving = True
            case Stale():
                self._examiner.expect_body(heard)
            case _:
                self._verdict = Outcome.FAILED, f"answered with {type(answer).__name__}"
                self.expecting = Expecting.NOTHING
        self._scribe.from_hems(type(answer).__name__, ladder.instead(answer))
        challenges = self._house.challenges() if isinstance(answer, Stale) else ()
        namespace = said.namespace if said else self._namespace
        identity = said.id if said else None
        return self._reply(answers.instead(answer, namespace, identity, challenges), manners)

    def _reply(self, response: Response, manners: Sequence[Manner]) -> Reply:
        """Dress an answer, and note what its manners mean for the session."""
        manners = (*manners, *self._agenda.always)
        self._holding = any(isinstance(manner, HoldRequests) for manner in manners)
        self._has_held |= self._holding
        self._hangs = any(isinstance(manner, Hang | Drip) for manner in manners)
        for manner in manners:
            match manner:
                case Header(name, value) if name.lower() == "set-cookie":
                    self._examiner.jar.learn(value)
                case ConnectionClose() | Close(Point.AFTER):
                    self.moving = True
                case Close(point):
                    self._verdict = Outcome.FAILED, f"connection closed {point.value}"
                    self.expecting = Expecting.NOTHING
                case _:
                    pass
        headers = (*response.headers, *self._examiner.jar.bake())
        return Reply(replace(response, headers=headers), manners)
