"""A CPE that looks at each byte of the HeMS's answers."""

from __future__ import annotations

import socket
import time

from tests.lab.events import PATIENCE
from tests.lab.hems import Hems
from tests.lab.hems.cpe import inform

# Long enough that nothing comes by chance, short enough to wait for nothing.
SHORT_S = 0.15 * PATIENCE


def connect(hems: Hems, timeout_s: float = 10 * PATIENCE) -> socket.socket:
    """Connect as a CPE that looks at each byte."""
    return socket.create_connection(("127.0.0.1", hems.port), timeout_s)


def send_inform(sock: socket.socket) -> None:
    """Send a correct Inform."""
    body = inform()
    head = (
        "POST / HTTP/1.1\r\nHost: hems\r\nContent-Type: text/xml; charset=utf-8\r\nSOAPAction: \r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    sock.sendall(head.encode() + body)


def receive(sock: socket.socket, timeout_s: float) -> bytes:
    """Return what comes within a time, or until the connection is closed."""
    received = b""
    deadline = time.monotonic() + timeout_s
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            data = sock.recv(65536)
        except TimeoutError:
            break
        received += data
        if not data:
            break
    return received
