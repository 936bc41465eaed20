"""Where prepared bytes go: it takes connections, does the handshake of TLS, and reads."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading


class Sink:
    """A port of the calling thread's network namespace; one connection after the other."""

    def __init__(self, address: str, port: int, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._socket = socket.create_server((address, port))
        self._thread = threading.Thread(target=self._serve, name="sink", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), contextlib.closing(connection):
                if self._context is not None:
                    connection = self._context.wrap_socket(connection, server_side=True)
                while connection.recv(65536):
                    pass
                connection.close()
