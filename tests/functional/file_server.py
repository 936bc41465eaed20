"""A server of files: a script for the connections of tests.functional.http_server.Server."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from tests.functional.http_server import Visit

IMAGE = bytes(range(256)) * 1000
USER, PASSWORD = "henb", "pass:wörd"


@dataclass
class FileServer:
    """What is there by path; whom it lets in; what it says of a file beside it."""

    files: dict[str, bytes] = field(default_factory=lambda: {"/image": IMAGE})
    challenge: str | None = None
    headers: tuple[str, ...] = ()
    cut: int | None = None
    status: str = "200 OK"
    received: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, visit: Visit) -> None:
        while request := visit.request():
            method, path, _ = request.line.split()
            if self.challenge and not self.known(request.headers.get("authorization", "")):
                visit.reply(b"who?", "401 Unauthorized", self.challenge)
            elif method == "PUT":
                self.received[path] = request.body
                visit.reply(b"", self.status)
            elif path not in self.files:
                visit.reply(b"no", "404 Not Found")
            elif self.cut is not None:
                length = f"Content-Length: {len(self.files[path])}"
                visit.socket.sendall(f"HTTP/1.1 200 OK\r\n{length}\r\n\r\n".encode())
                visit.socket.sendall(self.files[path][: self.cut])
                return
            else:
                visit.reply(self.files[path], self.status, *self.headers)

    def known(self, said: str) -> bool:
        """Return whether somebody is who may come in; Digest is checked with the other tests."""
        right = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return said == f"Basic {right}" or said.startswith(f'Digest username="{USER}"')
