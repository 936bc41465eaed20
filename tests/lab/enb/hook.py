"""The hook of the reference stack: it asks the stack's desk. `python hook.py SOCKET VERB`."""

from __future__ import annotations

import socket
import sys


def main() -> int:
    """Pass on what was given, and what is answered."""
    path, verb = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as desk:
        try:
            desk.connect(path)
            desk.sendall(verb.encode() + b"\n" + sys.stdin.buffer.read())
            desk.shutdown(socket.SHUT_WR)
            while data := desk.recv(65_536):
                sys.stdout.buffer.write(data)
        except OSError as error:
            print(f"the stack does not run: {error.strerror}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
