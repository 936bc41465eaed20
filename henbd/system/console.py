"""The control socket: a question and its answer, a line of JSON each, then the connection ends.

Both sides are here: `Console` is the daemon's, `ask` that of the command line.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from henbd.errors import ConsoleError, NotRunningError
from henbd.system.doorbell import Doorbell
from henbd.system.lines import LineConnection, turn_away
from henbd.system.local_socket import Caller, LocalSocket

logger = logging.getLogger(__name__)

# More than a person and a few scripts have open at a time.
MOST_CONNECTIONS = 16

# A caller has its question sent, and its answer read, within this time.
PATIENCE_S = 5.0

# A question is a few words.
LONGEST_REQUEST = 65_536

# The answer is ours, and may be of any length; what is bounded is how long a caller may take.
ANY_LENGTH = sys.maxsize

NO_PERMISSION = "no permission: be root, or in the group of this socket"

Answer = Callable[[dict[str, Any], Caller], dict[str, Any]]


class Console:
    """The daemon's side. `answer` is given a request and who makes it, and returns the answer."""

    def __init__(
        self,
        path: str,
        group: str,
        doorbell: Doorbell,
        clock: Callable[[], float],
        answer: Answer,
    ) -> None:
        self._doorbell = doorbell
        self._clock = clock
        self._answer = answer
        self._callers: dict[LineConnection, float] = {}
        self._overdue: set[LineConnection] = set()
        self._socket = LocalSocket(
            path, group, doorbell, self._called, turned_away=_refusal(NO_PERMISSION)
        )

    def wake_at(self) -> float | None:
        """Return when the patience with a caller ends."""
        return min(self._callers.values(), default=None)

    def tick(self, now: float) -> None:
        """Close the connections of callers that take too long.

        It may be the loop that took long: what a caller has sent meanwhile is read first.
        """
        for connection, until in list(self._callers.items()):
            if not connection.open:
                self._forget(connection)
            elif now < until:
                self._overdue.discard(connection)
            elif connection not in self._overdue:
                self._overdue.add(connection)
            else:
                logger.info("a caller took longer than %g s", PATIENCE_S)
                self._forget(connection)

    def close(self) -> None:
        """Take the socket away, and end what is going on."""
        self._socket.close()
        for connection in list(self._callers):
            self._forget(connection)

    def _called(self, connection: socket.socket, caller: Caller) -> None:
        if len(self._callers) >= MOST_CONNECTIONS:
            self._make_room(self._clock())
        if len(self._callers) >= MOST_CONNECTIONS:
            turn_away(connection, _refusal("too many callers at a time"))
            return
        lines = LineConnection(
            connection,
            self._doorbell,
            lambda line: self._received(lines, line, caller),
            lambda _reason: self._forget(lines),
            longest_queue=ANY_LENGTH,
        )
        self._callers[lines] = self._clock() + PATIENCE_S

    def _received(self, connection: LineConnection, line: bytes, caller: Caller) -> None:
        request = read_request(line)
        if isinstance(request, str):
            connection.send(_refusal(request))
        else:
            connection.send(json.dumps(self._answer(request, caller)).encode())
        connection.finish()
        if connection.open:
            self._callers[connection] = self._clock() + PATIENCE_S
        else:
            self._forget(connection)

    def _make_room(self, now: float) -> None:
        """Forget the callers who have had their time."""
        for connection, until in list(self._callers.items()):
            if now >= until or not connection.open:
                self._forget(connection)

    def _forget(self, connection: LineConnection) -> None:
        connection.close()
        self._callers.pop(connection, None)
        self._overdue.discard(connection)


def ask(path: str, request: Mapping[str, Any], timeout_s: float = PATIENCE_S) -> dict[str, Any]:
    """Return the answer of the daemon that runs; raises ConsoleError with a text for people."""
    deadline = time.monotonic() + timeout_s
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(path)
            with contextlib.suppress(BrokenPipeError):
                # Who is turned away at the door can still read why.
                connection.sendall(json.dumps(request).encode() + b"\n")
            line = _read_line(connection, deadline)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunningError(
            f"henbd is not running ({path}: {error.strerror}); start it, or name its --socket"
        ) from error
    except PermissionError as error:
        raise ConsoleError(
            f"no permission to use {path}: be root, or in the group of this socket"
        ) from error
    except (TimeoutError, BlockingIOError) as error:
        raise ConsoleError(f"henbd does not answer within {timeout_s:g} s ({path})") from error
    except OSError as error:
        raise ConsoleError(f"{path}: {error.strerror or error}") from error
    return _read_answer(path, line)


def read_request(line: bytes) -> dict[str, Any] | str:
    """Return the request that a line is, or what is wrong with it."""
    if len(line) > LONGEST_REQUEST:
        return f"a request of more than {LONGEST_REQUEST} bytes"
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return "the request is no JSON"
    return request if isinstance(request, dict) else "the request is no JSON object"


def _refusal(text: str) -> bytes:
    return json.dumps({"error": text}).encode()


def _read_line(connection: socket.socket, deadline: float) -> bytes:
    """Return what comes up to the end of the line, or of the connection."""
    parts: list[bytes] = []
    while not parts or not parts[-1].endswith(b"\n"):
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        part = connection.recv(LONGEST_REQUEST)
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def _read_answer(path: str, line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise ConsoleError(f"henbd ended before it had answered ({path})") from error
    if not isinstance(answer, dict):
        raise ConsoleError(f"{path}: that is not henbd")
    if "error" in answer:
        raise ConsoleError(str(answer["error"]), answer)
    return answer
