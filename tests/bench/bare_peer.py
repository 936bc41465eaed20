"""The least that anybody could do to answer, or to come when called: prepared bytes, plain sockets.

Runs as a program on the HeNB. `answer` connects, and each time that a request of so many bytes has
come it joins its answer and sends it; `come` listens, and each time that somebody connects and says
something it connects in turn and sends.
"""

from __future__ import annotations

import socket
import sys

PIECES = 1000
INFORM_BYTES = 2200


def main() -> None:
    """Serve until the other end goes."""
    what, host, port, *sizes = sys.argv[1:]
    if what == "answer":
        answer((host, int(port)), *map(int, sizes))
    else:
        come((host, int(port)), int(sizes[0]))


def answer(acs: tuple[str, int], request_bytes: int, response_bytes: int) -> None:
    """Answer each request of that length with so many bytes, joined of a thousand pieces."""
    pieces = [b"x" * (response_bytes // PIECES)] * PIECES
    pieces.append(b"x" * (response_bytes % PIECES))
    with socket.create_connection(acs) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        missing = request_bytes
        while data := connection.recv(1 << 18):
            missing -= len(data)
            if missing == 0:
                connection.sendall(b"".join(pieces))
                missing = request_bytes


def come(acs: tuple[str, int], port: int) -> None:
    """Come to the ACS as soon as anybody calls at that port."""
    inform = b"x" * INFORM_BYTES
    with socket.create_server(("", port)) as listening:
        print("ready", flush=True)
        while True:
            caller, _ = listening.accept()
            caller.recv(4096)
            with socket.create_connection(acs) as connection:
                connection.sendall(inform)
            caller.close()


if __name__ == "__main__":
    main()
