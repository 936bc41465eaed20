"""TLS on the connections of one session after the other: begun early, and resumed by a ticket.

What OpenSSL sets up for a connection takes it half a millisecond after a rest. So the ClientHello
that resumes a session is made when the one before has ended, long before there is a connection. It
tells less than the ticket's age then, which counts for early data alone (RFC 8446 8.3).
"""

from __future__ import annotations

import os
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

# A ticket is at most 64 KiB (RFC 8446 4.6.1), and nothing else in a ClientHello comes near that.
MOST_HELLO_BYTES = 131_072


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a TLS session is resumed with, by the rules alone that its certificate was held to."""

    session: ssl.SSLSession
    context: ssl.SSLContext


@dataclass(frozen=True, slots=True)
class Greeting:
    """TLS that has begun on no connection yet: a ClientHello, good for one."""

    session: ssl.SSLSession | None
    secured: ssl.SSLSocket
    hello: bytes

    def say(self, plain: socket.socket) -> ssl.SSLSocket:
        """Begin TLS on a new connection, which goes over to what is returned; raises OSError."""
        try:
            plain.sendall(self.hello)
            os.dup2(plain.fileno(), self.secured.fileno(), inheritable=False)
        except OSError:
            self.secured.close()
            raise
        plain.close()
        return self.secured


def greeting(context: ssl.SSLContext, host: str, session: ssl.SSLSession | None) -> Greeting:
    """Make up a ClientHello; raises OSError.

    It is said to the other end of a pair of sockets. OpenSSL knows its own end by the number of the
    descriptor alone, which becomes that of the connection.
    """
    ours, other = socket.socketpair()
    begun = ours
    with other:
        try:
            begun = secured = context.wrap_socket(
                ours, server_hostname=host, session=session, do_handshake_on_connect=False
            )
            secured.setblocking(False)
            with suppress(ssl.SSLWantReadError):
                secured.do_handshake()
            return Greeting(session, secured, other.recv(MOST_HELLO_BYTES))
        except OSError:
            begun.close()
            raise


class Tls:
    """The rules of a session, given by `begin`, and the ticket that outlives it."""

    def __init__(self) -> None:
        self.ticket: Ticket | None = None
        self._ready: Greeting | None = None
        self._ask_context: Context | None = None
        self._passed: datetime | None = None
        self._greeted: ssl.SSLSocket | None = None
        self._secured: ssl.SSLSocket | None = None

    def begin(self, context: Context, passed: datetime | None) -> None:
        """Begin a session; see `Channel.begin`."""
        self._ask_context = context
        self._passed = passed

    def greet(self, plain: socket.socket, there: Target, wait_s: float, *, resume: bool) -> None:
        """Begin TLS on a new connection, without waiting for an answer; raises ExchangeError.

        `wait_s`: for so long the kernel may take no more; `resume`: the ticket is from there.
        """
        assert self._ask_context is not None
        context = self._ask_context()
        ticket = self.ticket if resume else None
        session = ticket.session if ticket and ticket.context is context else None
        try:
            plain.settimeout(wait_s)
            self._greeted = self._greeting(context, there.host, session).say(plain)
        except OSError as error:
            raise self._refused(plain, there, describe(error)) from error

    def _greeting(
        self, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None
    ) -> Greeting:
        """Return what was made ready, if it resumes this session, or else make another."""
        ready, self._ready = self._ready, None
        if ready is not None:
            if ready.session is session:
                return ready
            ready.secured.close()
        return greeting(context, host, session)

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

    def prepare(self, there: Target) -> None:
        """Make ready what the next session begins with, if it can be known now."""
        if self.ticket is not None and self._ready is None:
            # Without it the next session makes its own, or tells why it cannot.
            with suppress(OSError):
                self._ready = greeting(self.ticket.context, there.host, self.ticket.session)

    def leave(self) -> None:
        """Let go of the connection, which its owner closes, unless TLS has only begun on it."""
        self._secured = None
        if self._greeted is not None:
            self._greeted.close()
            self._greeted = None

    def close(self) -> None:
        """Let go of what was made ready."""
        self.leave()
        if self._ready is not None:
            self._ready.secured.close()
            self._ready = None
