"""The HeMS with its sockets and threads.

One thread serves a connection from beginning to end. Some wait in accept() beforehand, so that no
thread has to be started while a CPE waits.
"""

from __future__ import annotations

import itertools
import ssl
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from socket import socket
from types import TracebackType
from typing import Self

from tests.lab.events import PATIENCE, Log
from tests.lab.hems import schema
from tests.lab.hems.auth import Credentials, Doorkeeper
from tests.lab.hems.check import FORCED
from tests.lab.hems.connection import Connection, Left
from tests.lab.hems.house import House, Peer, Reply
from tests.lab.hems.http1 import HttpError, Response
from tests.lab.hems.kick import kick
from tests.lab.hems.listener import Listener
from tests.lab.hems.reception import Link, Reception
from tests.lab.hems.script import Close, Script
from tests.lab.hems.session import Session

# Threads that wait for a connection; a CPE has one or two.
_PREPARED = 3


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of the server's certificate and key; `client_ca` asks CPEs for a certificate."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


class Hems:
    """An ACS at an address, strict about what it gets, that does what its scripts say."""

    def __init__(
        self,
        log: Log,
        address: str,
        port: int = 0,
        *,
        path: str = "/",
        tls: TlsFiles | ssl.SSLContext | None = None,
        digest: tuple[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        algorithms: Sequence[str] = ("MD5",),
        forced: Collection[str] = FORCED,
        cookies: bool = True,
    ) -> None:
        """Open the port on the calling thread, in its network namespace; port 0 is any free one.

        `digest` and `basic` are the username and password to ask for, `algorithms` those of Digest
        to offer (MD5, SHA-256), `forced` the parameters that every Inform must have.
        """
        doorkeeper = Doorkeeper(
            digest=Credentials(*digest) if digest else None,
            basic=Credentials(*basic) if basic else None,
            algorithms=algorithms,
        )
        self._log = log
        self._address = address
        self._house = House(log, path, partial(doorkeeper.challenges, stale=True), forced, cookies)
        self._reception = Reception(self._house, doorkeeper)
        self._context = _context(tls)
        self._listener = Listener(address, port)
        self.port = self._listener.port
        host = f"[{address}]" if ":" in address else address
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}{path}"
        self._guard = threading.Lock()
        self._numbers = itertools.count(1)
        self._connections: set[Connection] = set()
        self._threads: list[threading.Thread] = []
        self._waiting = 0
        self._closing = False
        schema.prepare()
        for _ in range(_PREPARED):
            self._prepare_thread()

    # What a test asks for.

    @property
    def sessions(self) -> tuple[Session, ...]:
        """All sessions, in order; number n is the one at n-1."""
        return self._reception.sessions

    @property
    def violations(self) -> list[str]:
        """What the CPE did wrong so far, a sentence each; complete when a session has ended."""
        return list(self._house.violations)

    def take_violations(self) -> list[str]:
        """Return the violations so far and forget them, in a test that provokes some."""
        taken, self._house.violations[:] = self.violations, []
        return taken

    def play(self, *scripts: Script) -> None:
        """Queue one script for each coming session; without one, the HeMS asks for nothing."""
        self._reception.play(*scripts)

    def release(self) -> None:
        """End all hangs that there are now."""
        for connection in self._all_connections():
            connection.release()

    def down(self) -> None:
        """Cut all connections and refuse new ones, as a host does whose ACS was stopped."""
        self._house.attempts.unreachable()
        self._listener.shut()
        for connection in self._all_connections():
            connection.cut()

    def deaf(self) -> None:
        """Leave connections unanswered; to be called in the network namespace of the HeMS."""
        self._house.attempts.unreachable()
        self._listener.deafen()

    def up(self) -> None:
        """Accept connections again after `down` or `deaf`."""
        self._house.attempts.unreachable()
        self._listener.open()

    def use_tls(self, tls: TlsFiles | ssl.SSLContext) -> None:
        """Show another certificate from the next connection on."""
        self._context = _context(tls)

    def forget_attempts(self) -> None:
        """Expect RetryCount 0 next, as after a start of the CPE."""
        self._house.attempts.forget()

    def allow_unseen_attempts(self) -> None:
        """Expect any RetryCount next, since there may have been attempts that did not come here."""
        self._house.attempts.unreachable()

    def connection_request(
        self, url: str, username: str | None, password: str = "", timeout_s: float = 10.0
    ) -> int:
        """Make a connection request from the calling thread, in its namespace; return the status.

        Without a username it is made without credentials. OSError if the CPE cannot be reached.
        """
        self._log.add("HeMS", "HeNB", "ConnectionRequest", f"CONNECTION REQUEST  GET {url}")
        credentials = None if username is None else Credentials(username, password)
        kicked = kick(url, credentials, self._address, timeout_s * PATIENCE)
        self._log.add("HeNB", "HeMS", "ConnectionRequestAnswer", f"HTTP {kicked.status}")
        self._house.note("connection request", kicked.violations)
        return kicked.status

    def close(self) -> None:
        """End everything, and wait until it has ended; may be called again."""
        with self._guard:
            self._closing = True
        self._listener.close()
        for connection in self._all_connections():
            connection.cut()
        for thread in self._threads:
            thread.join()
        self._listener.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # What the threads do.

    def _all_connections(self) -> list[Connection]:
        with self._guard:
            return list(self._connections)

    def _prepare_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name=f"HeMS {self.port}", daemon=True)
        self._threads.append(thread)
        self._waiting += 1
        thread.start()

    def _serve(self) -> None:
        """Serve connections one by one; some thread always waits for the next."""
        while accepted := self._listener.accept():
            with self._guard:
                self._waiting -= 1
                if not self._waiting and not self._closing:
                    self._prepare_thread()
            self._attend(*accepted)
            with self._guard:
                self._waiting += 1

    def _attend(self, sock: socket, source: tuple[str, int]) -> None:
        tls = self._context is not None
        link = Link(Peer(source[0], source[1], next(self._numbers), tls))
        connection = Connection(
            sock,
            tell=lambda what: self._log.add("HeMS", "HeNB", "hang", f"HeMS is {what}", what=what),
            note=lambda sentence: self._house.note(link.name, [sentence]),
        )
        with self._guard:
            self._connections.add(connection)
            closing = self._closing
        if closing:
            connection.cut()
        try:
            reason = self._converse(link, connection)
        except Left as error:
            reason = str(error)
        finally:
            with self._guard:
                self._connections.discard(connection)
            connection.close()
        self._reception.gone(link, reason)
        self._tell(link, "closed", f"{link.name} over: {reason}", reason=reason)

    def _converse(self, link: Link, connection: Connection) -> str:
        """Answer the requests of a connection, and return why it is over; Left if it broke."""
        peer = link.peer
        self._tell(link, "open", f"{link.name} from {peer.address} port {peer.port}")
        for manner in self._reception.connected(link):
            if isinstance(manner, Close):
                connection.close(reset=manner.reset)
                return "closed at once"
            connection.hang("before anything is read")
        if self._context is not None:
            resumed = connection.secure(self._context)
            self._tell(link, "secured", f"{link.name} speaks TLS", resumed=resumed)
        while True:
            try:
                request = connection.read()
            except HttpError as error:
                self._house.note(link.name, [str(error)])
                connection.send(Reply(Response(HTTPStatus.BAD_REQUEST)))
                return f"no HTTP request: {error}"
            if request is None:
                return "closed by the HeNB"
            reply = self._reception.receive(link, request)
            stays = connection.send(reply, lambda: self._reception.sending(link))
            self._reception.sent(link)
            if not stays:
                return "closed by the HeMS"

    def _tell(self, link: Link, state: str, text: str, **facts: object) -> None:
        number, source = link.peer.connection, (link.peer.address, link.peer.port)
        self._log.add(
            "HeNB", "HeMS", "connection", text, state=state, number=number, source=source, **facts
        )


def _context(tls: TlsFiles | ssl.SSLContext | None) -> ssl.SSLContext | None:
    if not isinstance(tls, TlsFiles):
        return tls
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate, tls.key)
    if tls.client_ca is not None:
        context.load_verify_locations(tls.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
