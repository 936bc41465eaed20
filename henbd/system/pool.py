"""The parts of requests and urllib3 that a channel sends through: its own sockets, no surprises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection


class Connection(HTTPConnection):
    """A connection that has its socket, TLS or not, from a channel.

    `written` is called when the whole of a request has been written.
    """

    def __init__(
        self,
        *arguments: Any,
        dial: Callable[[Connection], None],
        written: Callable[[], None] = lambda: None,
        **keywords: Any,
    ) -> None:
        super().__init__(*arguments, **keywords)
        self._dial = dial
        self._written = written
        self.kept = False
        """Whether something was answered on it before."""

    def connect(self) -> None:
        self.kept = False
        self._dial(self)

    def request(self, *arguments: Any, **keywords: Any) -> None:
        super().request(*arguments, **keywords)
        self._written()

    def getresponse(self) -> Any:
        response = super().getresponse()
        self.kept = True
        return response


class Pool(urllib3.HTTPConnectionPool):
    """Connections that are dialled by a channel, so that even those with TLS are plain here."""

    ConnectionCls = Connection


class Adapter(HTTPAdapter):
    """Sends everything through one pool; its connections have verified whom they speak to."""

    pool: Pool

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> Pool:
        return self.pool

    # The same in requests before 2.32.
    def get_connection(self, *_: Any, **__: Any) -> Pool:
        return self.pool

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Look for no file of authorities: requests would want one of its own."""


class KeepingSession(requests.Session):
    """Keeps cookies; leaves redirects alone, of which requests would look ahead at the next."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None
