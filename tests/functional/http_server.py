"""A server whose every connection goes by a script of the test, and a loop for its client."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from henbd.system.doorbell import Doorbell
from tests.lab.events import PATIENCE

TIMEOUT_S = 20.0 * PATIENCE


@dataclass(frozen=True, slots=True)
class Request:
    """What was received, and over which connection; names of headers are in lower case."""

    connection: int
    line: str
    headers: Mapping[str, str]
    body: bytes
    at: float


class Visit:
    """One connection, as its script sees it."""

    def __init__(self, connection: socket.socket, number: int, server: Server) -> None:
        self.socket = connection
        self.number = number
        self._server = server
        self._file = connection.makefile("rb")

    def request(self) -> Request:
        """Read a request and keep it; EOFError if there is none."""
        line = self._file.readline().decode("latin-1")
        if not line:
            raise EOFError
        at = time.monotonic()
        headers = {}
        while (text := self._file.readline().decode("latin-1").rstrip("\r\n")) != "":
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        body = self._file.read(int(headers.get("content-length", "0")))
        made = Request(self.number, line.rstrip("\r\n"), headers, body, at)
        self._server.requests.append(made)
        return made

    def reply(self, body: bytes = b"", status: str = "200 OK", *headers: str) -> None:
        """Send an answer; its length is told unless `headers` say more of the body."""
        lines = [f"HTTP/1.1 {status}", *headers]
        if not any(line.lower().startswith("transfer-encoding") for line in headers):
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def close(self) -> None:
        """End the connection, though the file has it too."""
        self._file.close()
        self.socket.close()


Script = Callable[[Visit], None]


class Server:
    """Connection n goes by script n, those behind the last by the last, each on its own thread."""

    def __init__(
        self,
        *scripts: Script,
        host: str = "127.0.0.1",
        port: int = 0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._scripts = scripts
        self._context = context
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        self.port: int = self._socket.getsockname()[1]
        self.requests: list[Request] = []
        self.peers: list[str] = []
        self.resumed: list[bool] = []
        self.hellos: list[bytes] = []
        self.open: dict[int, socket.socket] = {}
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # shutdown() wakes the thread that accepts, close() would not.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in list(self.open.values()):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(TIMEOUT_S)
            assert not thread.is_alive()

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name="server")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, peer = self._socket.accept()
            except OSError:
                return
            number = len(self.peers)
            self.peers.append(peer[0])
            self.open[number] = connection.dup()
            self._start(partial(self._serve, connection, number))

    def _serve(self, connection: socket.socket, number: int) -> None:
        script = self._scripts[min(number, len(self._scripts) - 1)]
        # The client may go at any moment, or not trust us.
        with contextlib.suppress(OSError, EOFError), contextlib.closing(connection):
            if self._context is not None and script is not mute:
                self.hellos.append(connection.recv(65536, socket.MSG_PEEK))
                connection = self._context.wrap_socket(connection, server_side=True)
                self.resumed.append(bool(connection.session_reused))
            with contextlib.closing(Visit(connection, number, self)) as visit:
                script(visit)
        with contextlib.suppress(OSError):
            self.open[number].shutdown(socket.SHUT_RDWR)
        self.open.pop(number).close()


def mute(visit: Visit) -> None:
    """Say nothing, not even in TLS, until the client goes."""
    visit.socket.recv(65536)
    while visit.socket.recv(65536):
        pass


def polite(visit: Visit) -> None:
    """Answer every request with its own body."""
    while True:
        visit.reply(visit.request().body)


def wait_until(doorbell: Doorbell, condition: Callable[[], object], what: str) -> None:
    """Turn the loop until something is the case."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, f"not in {TIMEOUT_S:g} s: {what}"
        doorbell.wait(time.monotonic() + 0.01)
