"""An MME that listens: the sockets and threads around `session`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from tests.lab import s1ap, sctp
from tests.lab.events import Log
from tests.lab.mme.behaviour import Accept, Behaviour
from tests.lab.mme.session import HangUp, Policy, Registration, Send, Session

# How often a thread that has nothing to do looks up; whatever ends it also wakes it.
_LONG_S = 3600.0


class Mme:
    """An MME at an address.

    It is up when it is made; its socket belongs to the network namespace of the thread that calls
    the constructor, or `start`. `setup` and `update` are plain lists of behaviours, for S1 Setup
    and eNB Configuration Update: each request takes the first one, and the last one stays. They
    may be changed at any time. What an HeNB did against the standard is in `violations`.
    `name` is the party that the log knows, for a lab with more than one MME.
    """

    def __init__(
        self,
        log: Log,
        address: sctp.Address,
        port: int = s1ap.PORT,
        *,
        setup: Iterable[Behaviour] = (Accept(),),
        update: Iterable[Behaviour] = (Accept(),),
        name: str = "MME",
        backend: sctp.Backend | None = None,
    ) -> None:
        self.address = address
        self.port = port
        self._policy = Policy(list(setup), list(update))
        self._name = name
        self._log = log
        self._backend = backend
        self._lock = threading.Lock()
        # Held from a request to its answer, so that what `send` says comes after what was logged.
        self._talking = threading.Lock()
        self._live: dict[sctp.Association, Session] = {}
        self._threads: list[threading.Thread] = []
        self._listener: sctp.Listener | None = None
        self.start()

    @property
    def setup(self) -> list[Behaviour]:
        """What is done with the coming S1 Setups."""
        return self._policy.setup

    @property
    def update(self) -> list[Behaviour]:
        """What is done with the coming eNB Configuration Updates."""
        return self._policy.update

    @property
    def violations(self) -> list[str]:
        """What was done against the standard, a sentence each."""
        return self._policy.violations

    @property
    def s1_up(self) -> tuple[Registration, ...]:
        """The HeNBs whose S1 is up, with the address each comes from."""
        with self._lock:
            sessions = list(self._live.values())
        return tuple(s.registration for s in sessions if s.registration is not None)

    def start(self) -> None:
        """Listen (again)."""
        assert self._listener is None, "the MME is up"
        listener = sctp.listen(self.address, self.port, backend=self._backend)
        self._listener = listener
        self._acceptor = self._start(f"mme {self.address}", self._accept, listener)

    def stop(self) -> None:
        """Go down, as a process does that dies: associations are aborted, the host stays up."""
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.close()
        # Once nobody is let in any more, whoever is in is known.
        self._acceptor.join()
        self.abort()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def close(self) -> None:
        """Go down for good; again is no error."""
        self.stop()

    def abort(self) -> None:
        """Abort the live associations."""
        for association in self._associations():
            association.abort()

    def shutdown(self, timeout_s: float = 1.0) -> None:
        """End the live associations gracefully."""
        for association in self._associations():
            association.shutdown(timeout_s)

    def send(self, message: s1ap.Message | bytes, *, ppid: int = s1ap.PPID) -> None:
        """Send a message of the MME's own accord, on each live association."""
        data = message if isinstance(message, bytes) else s1ap.encode(message)
        with self._talking:
            for association in self._associations():
                association.send(data, ppid)

    def _associations(self) -> list[sctp.Association]:
        with self._lock:
            return list(self._live)

    def _accept(self, listener: sctp.Listener) -> None:
        while self._listener is listener:
            association = listener.accept(_LONG_S)
            if association is None:
                continue
            session = Session(self._log, self._name, self._policy, association, self._replace)
            with self._lock:
                welcome = self._listener is listener
                if welcome:
                    self._live[association] = session
            if welcome:
                name = f"mme {self.address} with {association.peer}"
                self._start(name, self._serve, association, session)
            else:
                association.abort()

    def _serve(self, association: sctp.Association, session: Session) -> None:
        peer, port = association.peer, association.peer_port
        text = f"SCTP association from {peer} port {port}"
        self._log.add("HeNB", self._name, "SCTP-up", text, peer=peer, port=port)
        reason = self._converse(association, session)
        with self._lock:
            del self._live[association]
        association.abort()
        by_peer = reason in sctp.CAUSES_OF_PEER
        parties = ("HeNB", self._name) if by_peer else (self._name, "HeNB")
        text = f"SCTP association from {peer} ended: {reason}"
        self._log.add(*parties, "SCTP-down", text, peer=peer, port=port, reason=reason)

    def _converse(self, association: sctp.Association, session: Session) -> str:
        """Talk with an eNB until the association ends; return why it did."""
        try:
            while True:
                message = association.receive(_LONG_S)
                if message is None:
                    continue
                with self._talking:
                    for action in session.receive(message, time.monotonic()):
                        match action:
                            case Send(data):
                                association.send(data, s1ap.PPID)
                            case HangUp():
                                association.abort()
        except sctp.SctpError as error:
            return str(error)

    def _replace(self, newest: Session) -> None:
        """End what an eNB left behind that has registered again, from elsewhere or anew."""
        assert newest.registration is not None
        identity = newest.registration.request.global_enb_id
        old = []
        with self._lock:
            for association, session in self._live.items():
                known = session.registration
                if session is newest or known is None:
                    continue
                if known.request.global_enb_id == identity:
                    session.registration = None
                    old.append(association)
        for association in old:
            association.abort()

    def _start(
        self, name: str, target: Callable[..., None], *arguments: object
    ) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        with self._lock:
            self._threads = [t for t in self._threads if t.is_alive()]
            self._threads.append(thread)
            thread.start()
        return thread
