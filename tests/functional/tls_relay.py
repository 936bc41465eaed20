"""A relay before a server: it passes on some of its answers, and then breaks off or hangs."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Self

PIECE_BYTES = 65536


class Relay:
    """One connection after the other, each to the server at `there`.

    Of what it answers `most` bytes are passed on, None: all of them. Then the connection breaks
    off, or `hangs` until the client ends it. `passed` is how many bytes were in the last one.
    """

    def __init__(self, there: int) -> None:
        self.there = there
        self.most: int | None = None
        self.hangs = False
        self.passed = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="relay", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with (
                contextlib.suppress(OSError),
                client,
                socket.create_connection(("127.0.0.1", self.there)) as server,
            ):
                self._pass(client, server)

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        self.passed = 0
        while True:
            ready, _, _ = select.select([client, server], [], [])
            if client in ready:
                data = client.recv(PIECE_BYTES)
                if not data:
                    return
                server.sendall(data)
            if server in ready:
                data = server.recv(PIECE_BYTES)
                room = len(data) if self.most is None else self.most - self.passed
                client.sendall(data[:room])
                self.passed += len(data[:room])
                if not data or (self.passed == self.most and not self.hangs):
                    return
