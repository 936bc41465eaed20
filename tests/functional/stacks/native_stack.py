"""A stack that does what a test says, and the adapter that it speaks to."""

from __future__ import annotations

import json
import select
import socket
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from henbd.system.s1ap.native import NativeAdapter
from henbd.values import Cell, FarEnd, S1Link, Stack
from tests.functional.loop import Loop

MME = FarEnd(IPv4Address("10.30.0.2"), 36412)
LINK = S1Link(
    IPv4Address("10.99.0.1"), (MME,), True, False, Cell(0x0123456, 1, ("00101",), None, None)
)


class FakeStack:
    """The other end, as far as a test drives it; the loop is turned while it waits."""

    def __init__(self, path: Path, loop: Loop) -> None:
        self._loop = loop
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self._read = b""

    def say(self, **fields: Any) -> None:
        self.socket.sendall(json.dumps(fields).encode() + b"\n")

    def hello(self, generation: int = 0, config: Any = None) -> None:
        self.say(type="hello", version=1, name="fake", generation=generation, config=config)

    def status(self, generation: int, *peers: Any) -> None:
        self.say(
            type="status",
            generation=generation,
            peers=peers,
            transmitting=False,
            user_plane_peers=["10.30.0.4"],
        )

    def hear(self) -> dict[str, Any]:
        """Return the next message, {} at the end of the connection."""
        self._loop.turn_until(lambda: b"\n" in self._read or not self._more())
        line, _, self._read = self._read.partition(b"\n")
        found = json.loads(line or b"{}")
        assert isinstance(found, dict)
        return found

    def _more(self) -> bool:
        if not select.select([self.socket], [], [], 0)[0]:
            return True
        try:
            data = self.socket.recv(65_536)
        except ConnectionResetError:
            data = b""
        self._read += data
        return bool(data)

    def close(self) -> None:
        self.socket.close()


class Native:
    """An adapter on a socket of its own, and how often it rang."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "run" / "s1.sock"
        self.loop = Loop()
        self.rings = 0
        self.stacks: list[FakeStack] = []
        self.adapter = self.another()

    def another(self, group: str = "") -> NativeAdapter:
        return NativeAdapter(str(self.path), group, self.loop.doorbell, self.loop.clock, self._rung)

    def _rung(self) -> None:
        self.rings += 1

    def stack(self) -> FakeStack:
        self.stacks.append(FakeStack(self.path, self.loop))
        return self.stacks[-1]

    def seen(self) -> Stack:
        found = self.adapter.observe()
        assert isinstance(found, Stack), found
        return found

    def close(self) -> None:
        for stack in self.stacks:
            stack.close()
        self.adapter.close()
