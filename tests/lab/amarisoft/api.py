"""The server's side of a remote API: JSON over WebSockets, each in a thread of its own."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import threading
from collections.abc import Callable
from io import BufferedRWPair
from typing import Any

Json = dict[str, Any]

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE = 1, 8


class Api:
    """Listens on the loopback; `answer` gives the answer to a message. A mute one gives none."""

    def __init__(self, port: int, answer: Callable[[Json], Json], *, mute: bool = False) -> None:
        self._answer = answer
        self._mute = mute
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream, contextlib.suppress(OSError):
            _shake_hands(stream)
            if self._mute:
                stream.read()
                return
            _say(stream, {"message": "ready", "type": "ENB", "name": "ENB", "version": "stand-in"})
            while (text := _hear(stream)) is not None:
                _say(stream, self._answer(json.loads(text)))


def _shake_hands(stream: BufferedRWPair) -> None:
    """Answer the opening handshake; without an Origin the API refuses it."""
    fields: dict[bytes, bytes] = {}
    while (line := stream.readline().strip()) or not fields:
        name, _, value = line.partition(b":")
        fields[name.lower()] = value.strip()
    assert fields.get(b"origin"), "a client has to name an origin"
    key = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + GUID).digest())
    stream.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + key + b"\r\n\r\n"
    )
    stream.flush()


def _say(stream: BufferedRWPair, message: Json) -> None:
    text = json.dumps(message).encode()
    assert len(text) < 1 << 16
    head = bytes((len(text),)) if len(text) < 126 else b"\x7e" + len(text).to_bytes(2, "big")
    stream.write(bytes((0x80 | TEXT,)) + head + text)
    stream.flush()


def _hear(stream: BufferedRWPair) -> bytes | None:
    """Return the next message of the client, None at its end; its frames have to be masked."""
    head = stream.read(2)
    if len(head) < 2 or head[0] & 0x0F == CLOSE:
        return None
    assert head[0] == 0x80 | TEXT
    assert head[1] & 0x80, "a client masks"
    length = head[1] & 0x7F
    assert length < 126
    mask = stream.read(4)
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(stream.read(length)))
