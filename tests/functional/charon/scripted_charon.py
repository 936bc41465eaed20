"""Somebody on a VICI socket who greets as charon does, and then answers as a test wants it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from vici.protocol import Message, Packet

# What is sent to a command; None ends the connection.
Script = Callable[[str], bytes | None]

SILENCE = b""


def framed(kind: int, payload: bytes = b"") -> bytes:
    """Return a packet as it is on the wire."""
    return struct.pack("!IB", 1 + len(payload), kind) + payload


def response(message: dict[str, Any]) -> bytes:
    """Return the answer to a command."""
    return framed(Packet.CMD_RESPONSE, Message.serialize(message))


def item(kind: str, message: dict[str, Any]) -> bytes:
    """Return an event that is an item of an answer."""
    return framed(Packet.EVENT, bytes([len(kind)]) + kind.encode() + Message.serialize(message))


class ScriptedCharon:
    """Takes any number of connections, each in a thread that ends with it."""

    def __init__(self, path: Path, script: Script) -> None:
        self._script = script
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def __enter__(self) -> ScriptedCharon:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._converse, args=(stream,))
            self._threads.append(thread)
            thread.start()

    def _converse(self, stream: socket.socket) -> None:
        with stream, stream.makefile("rb") as requests:
            while len(head := requests.read(4)) == 4:
                packet = requests.read(*struct.unpack("!I", head))
                answer = self._answer(packet[0], packet[2 : 2 + packet[1]].decode())
                if answer is None:
                    return
                stream.sendall(answer)

    def _answer(self, kind: int, command: str) -> bytes | None:
        if kind == Packet.EVENT_REGISTER:
            return framed(Packet.EVENT_CONFIRM)
        if command == "stats":
            return response({"plugins": ["vici", "kernel-netlink"]})
        return self._script(command)
