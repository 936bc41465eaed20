"""The far end of the native protocol as a test plays it: henbd in name only."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.lab.events import PATIENCE

Json = dict[str, Any]


class ScriptedHenbd:
    """A Unix socket that S1AP stacks connect to; one connection at a time is talked with."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listening: socket.socket | None = None
        self._stream: socket.socket | None = None
        self._buffer = b""
        self.listen()

    def listen(self) -> None:
        """Be there (again)."""
        self._path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(self._path))
        self._listening.listen(4)

    def accept(self, timeout_s: float = 5.0) -> float:
        """Take the next connection; return when that was. Raises AssertionError after the time."""
        assert self._listening is not None
        self._listening.settimeout(timeout_s * PATIENCE)
        try:
            stream, _ = self._listening.accept()
        except TimeoutError:
            raise AssertionError(f"no connection in {timeout_s:g} s") from None
        self.hang_up()
        self._stream, self._buffer = stream, b""
        return time.monotonic()

    def hang_up(self) -> None:
        """End the connection."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        """Be gone, as a henbd that was stopped."""
        self.hang_up()
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        self._path.unlink(missing_ok=True)

    def send(self, message: Json | bytes) -> float:
        """Send a message, or a line of raw bytes; return when."""
        assert self._stream is not None
        now = time.monotonic()
        line = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        self._stream.sendall(line)
        return now

    def receive(self, timeout_s: float = 5.0) -> Json | bytes | None:
        """Return the next message, None at the end of the connection.

        A line that is no JSON object comes as it is. Raises AssertionError after the time.
        """
        assert self._stream is not None
        deadline = time.monotonic() + timeout_s * PATIENCE
        while b"\n" not in self._buffer:
            self._stream.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self._stream.recv(65_536)
            except TimeoutError:
                raise AssertionError(f"no message in {timeout_s:g} s") from None
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError:
            return line
        return message if isinstance(message, dict) else line

    def expect(
        self,
        kind: str,
        where: Callable[[Json], bool] = lambda _: True,
        timeout_s: float = 5.0,
    ) -> Json:
        """Return the next message of a type that `where` accepts; others are passed over."""
        deadline = time.monotonic() + timeout_s * PATIENCE
        passed: list[object] = []
        while time.monotonic() < deadline:
            try:
                message = self.receive((deadline - time.monotonic()) / PATIENCE)
            except AssertionError:
                break
            if message is None:
                break
            if isinstance(message, dict) and message.get("type") == kind and where(message):
                return message
            passed.append(message)
        raise AssertionError(f"no such {kind} in {timeout_s:g} s, but {passed}")

    def quiet(self, kind: str, for_s: float) -> bool:
        """Return whether no message of a type comes for so long."""
        try:
            self.expect(kind, timeout_s=for_s / PATIENCE)
        except AssertionError:
            return True
        return False


def config(generation: int, link: Json | None) -> Json:
    """Return a config."""
    return {"type": "config", "generation": generation, "link": link}


def link(local: object, /, *peers: object, **changes: Any) -> Json:
    """Return a link from a local address to far ends; `changes` are to it, or to its cell."""
    cell = {"identity": 0x0123456, "tac": 1, "plmns": ["00101"], "name": "henb-1", "csg_id": 0xABC}
    cell["parameters"] = {}
    cell |= {field: changes.pop(field) for field in list(changes) if field in cell}
    return {
        "local": str(local),
        "user_plane_local": str(local),
        "peers": [{"address": str(peer), "port": 36_412} for peer in peers],
        "inside": True,
        "may_transmit": True,
        "cell": cell,
    } | changes
