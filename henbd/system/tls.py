"""TLS on the connections of one session after the other: begun early, and resumed by a ticket."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from henbd.errors import ExchangeError
from henbd.system.failures import describe
from henbd.system.target import Target
from henbd.system.trust import ends_at

Context = Callable[[], ssl.SSLContext]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a TLS session is resumed with, by the rules alone that its certificate was held to."""

    session: ssl.SSLSession
    context: ssl.SSLContext


class Tls:
    """The rules of a session, given by `begin`, and the ticket that outlives it."""

    def __init__(self) -> None:
        self.ticket: Ticket | None = None
        self._ask_context: Context | None = None
        self._passed: datetime | None = None
        self._greeted: ssl.SSLSocket | None = None
        self._secured: ssl.SSLSocket | None = None

    def begin(self, context: Context, passed: datetime | None) -> None:
        """Begin a session; see `Channel.begin`."""
        self._ask_context = context
        self._passed = passed

    def greet(self, plain: socket.socket, there: Target, *, resume: bool) -> None:
        """Begin TLS on a new connection, without waiting for an answer; raises ExchangeError.

        `resume`: the ticket is from there.
        """
        assert self._ask_context is not None
        context = self._ask_context()
        ticket = self.ticket if resume else None
        session = ticket.session if ticket and ticket.context is context else None
        begun = plain
        try:
            begun = secured = context.wrap_socket(
                plain,
                server_hostname=there.host,
                session=session,
                do_handshake_on_connect=False,
            )
            secured.setblocking(False)
            with suppress(ssl.SSLWantReadError):
                secured.do_handshake()
        except OSError as error:
            raise self._refused(begun, there, describe(error)) from error
        self._greeted = secured

    @property
    def greeted(self) -> bool:
        """Whether there is a connection on which TLS has begun and does not stand yet."""
        return self._greeted is not None

    def secured(self, there: Target, wait_s: float) -> ssl.SSLSocket:
        """Return that connection as soon as TLS stands on it; raises ExchangeError. Blocks."""
        assert self._greeted is not None
        made, self._greeted = self._greeted, None
        try:
            made.settimeout(wait_s)
            made.do_handshake()
        except OSError as error:
            raise self._refused(made, there, describe(error)) from error
        if self._passed is not None and ends_at(made) < self._passed:
            why = "certificate has expired, whatever the clock shows"
            raise self._refused(made, there, why)
        self._secured = made
        return made

    def _refused(self, refused: socket.socket, there: Target, why: str) -> ExchangeError:
        """Leave a connection; return what is to be raised."""
        refused.close()
        self.ticket = None
        return ExchangeError(f"{there.origin}: {why}")

    def keep_ticket(self) -> None:
        """Keep what the next session may resume with; TLS 1.3 has it after the handshake."""
        if self._secured is not None and self._secured.session is not None:
            self.ticket = Ticket(self._secured.session, self._secured.context)

    def leave(self) -> None:
        """Let go of the connection, which its owner closes, unless TLS has only begun on it."""
        self._secured = None
        if self._greeted is not None:
            self._greeted.close()
            self._greeted = None
