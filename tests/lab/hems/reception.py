"""Who is let in, and which session a request belongs to: the HeMS without sockets and threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from tests.lab.events import PATIENCE
from tests.lab.hems.answers import challenge
from tests.lab.hems.attempts import Outcome
from tests.lab.hems.auth import Doorkeeper
from tests.lab.hems.house import Expecting, Heard, House, Peer, Reply, hear
from tests.lab.hems.http1 import Request, Response
from tests.lab.hems.messages import Inform
from tests.lab.hems.script import Agenda, Close, Hang, Script, agenda
from tests.lab.hems.session import Session


@dataclass(slots=True, eq=False)
class Link:
    """A connection: its session, the script it took for one, and how the attempt ends without."""

    peer: Peer
    session: Session | None = None
    agenda: Agenda | None = None
    outcome: Outcome = Outcome.UNCLEAR

    @property
    def name(self) -> str:
        return f"connection {self.peer.connection}"


class Reception:
    """Leads requests to sessions; may be used from any thread."""

    def __init__(self, house: House, doorkeeper: Doorkeeper, grace_s: float = 0.2) -> None:
        self._house = house
        self._doorkeeper = doorkeeper
        self._lock = threading.Condition()
        self._grace_s = grace_s
        self._scripts: deque[Agenda] = deque()
        self._sessions: list[Session] = []
        # The sessions whose last request is still being answered, and upon which connection.
        self._answering: dict[Session, Link] = {}

    @property
    def sessions(self) -> tuple[Session, ...]:
        """All sessions, in order; number n is the one at n-1."""
        with self._lock:
            return tuple(self._sessions)

    def play(self, *scripts: Script) -> None:
        """Queue one script for each coming session."""
        agendas = [agenda(script) for script in scripts]
        with self._lock:
            self._scripts.extend(agendas)

    def connected(self, link: Link) -> Sequence[Hang | Close]:
        """Return what happens to a new connection before anything is read from it."""
        with self._lock:
            moving = any(session.moving for session in self._open())
            if moving or not self._scripts or not self._scripts[0].connect:
                return ()
            link.agenda = self._scripts.popleft()
            if any(isinstance(manner, Close) for manner in link.agenda.connect):
                link.outcome = Outcome.FAILED
            return link.agenda.connect

    def receive(self, link: Link, request: Request) -> Reply:
        """Return the answer to a request; `sending` and `sent`, or `gone`, must follow."""
        with self._lock:
            verdict = self._doorkeeper.admit(request.head)
            self._house.note(link.name, verdict.violations)
            if not verdict.admitted:
                link.outcome = Outcome.FAILED if verdict.violations else Outcome.UNCLEAR
                text = f"HTTP 401  {'refused' if verdict.violations else 'who are you?'}"
                self._house.log.add("HeMS", "HeNB", "challenge", text)
                return Reply(challenge(verdict.challenges))
            heard = hear(request)
            session = self._session_of(link, heard)
            if not self._answered(session):
                self._house.note(link.name, ["a request while another one is being answered"])
                return Reply(Response(HTTPStatus.BAD_REQUEST))
            link.session = session
            self._answering[session] = link
            return session.receive(heard, link.peer)

    def sending(self, link: Link) -> None:
        """Note that the answer begins to go out."""
        with self._lock:
            if link.session is not None:
                link.session.sending()

    def sent(self, link: Link) -> None:
        """Note that the answer went out."""
        with self._lock:
            session = link.session
            if session is not None and self._answering.get(session) is link:
                self._settle(session)
                session.sent()

    def gone(self, link: Link, reason: str) -> None:
        """Note that a connection is over, perhaps while an answer was owed."""
        with self._lock:
            session = link.session
            if session is None:
                self._house.attempts.add(link.outcome)
            elif self._answering.get(session) is link:
                self._settle(session)
                session.lost(reason)
            elif session.peer == link.peer and not session.moving:
                session.lost(reason)

    def _answered(self, session: Session) -> bool:
        """Say whether the last request of a session is answered.

        A CPE may have read the answer and come back by another connection before the thread of the
        first one was able to say so: it is given that time.
        """
        return self._lock.wait_for(lambda: session not in self._answering, self._grace_s * PATIENCE)

    def _settle(self, session: Session) -> None:
        del self._answering[session]
        self._lock.notify_all()

    def _session_of(self, link: Link, heard: Heard) -> Session:
        is_inform = heard.envelope is not None and isinstance(heard.envelope.message, Inform)
        if link.session is not None:
            if link.session.outcome is None or not is_inform:
                return link.session
            self._house.note(link.name, ["a new session on the connection of the last one"])
        for session in self._open():
            mine = session.is_of(heard.request) or (session.moving and not self._house.cookies)
            if mine and not (is_inform and session.expecting is not Expecting.INFORM):
                if not session.moving:
                    self._house.note(link.name, ["a session goes on upon another connection"])
                return session
        return self._begin(link)

    def _begin(self, link: Link) -> Session:
        for session in self._open():
            session.overtaken()
        script = link.agenda or (self._scripts.popleft() if self._scripts else agenda(()))
        link.agenda = None
        session = Session(len(self._sessions) + 1, self._house, script)
        self._sessions.append(session)
        return session

    def _open(self) -> list[Session]:
        return [session for session in self._sessions if session.outcome is None]
