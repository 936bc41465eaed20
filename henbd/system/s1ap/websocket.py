"""The client's side of a WebSocket (RFC 6455): bytes in, texts out.

Pure. Whatever the server does against the protocol raises ValueError; the connection is of no use
then.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from enum import IntEnum

# RFC 6455 1.3: what a server proves with that it has read the key.
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# Answers to what we ask are a few hundred bytes.
LONGEST_MESSAGE = 1_048_576
LONGEST_HEAD = 16_384


class Opcode(IntEnum):
    """RFC 6455 5.2."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class WebSocket:
    """One connection, from its opening handshake on.

    `outgoing` is what has to be sent, for the caller to take. `key` are 16 random bytes, and `mask`
    gives 4 for each frame: they keep what proxies see from being chosen by us (RFC 6455 10.3).
    """

    def __init__(self, host: str, key: bytes, mask: Callable[[], bytes]) -> None:
        nonce = base64.b64encode(key).decode()
        digest = hashlib.sha1((nonce + GUID).encode(), usedforsecurity=False).digest()
        self._accept = base64.b64encode(digest).decode()
        self._mask = mask
        self._incoming = bytearray()
        self._message = bytearray()
        self._partial = self._binary = False
        self.open = False
        self.closed = False
        self.outgoing = bytearray(
            f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n"
            f"Origin: http://{host}\r\n\r\n".encode()
        )

    def send(self, text: str) -> None:
        """Have a text sent."""
        self._frame(Opcode.TEXT, text.encode())

    def close(self) -> None:
        """Have the end of the connection announced."""
        self._frame(Opcode.CLOSE, (1000).to_bytes(2, "big"))

    def feed(self, data: bytes) -> list[str]:
        """Return the texts that these bytes complete."""
        self._incoming += data
        if not self.open and not self._opened():
            return []
        texts = []
        while not self.closed and (frame := self._next_frame()) is not None:
            text = self._take(*frame)
            if text is not None:
                texts.append(text)
        return texts

    def _opened(self) -> bool:
        """Read the server's handshake, and return whether it is complete."""
        head, end, rest = self._incoming.partition(b"\r\n\r\n")
        if not end:
            if len(head) > LONGEST_HEAD:
                raise ValueError("the answer to the handshake has no end")
            return False
        status, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in _split(lines)}
        if status.split(" ")[1:2] != ["101"]:
            raise ValueError(f"no WebSocket: {status[:100]!r}")
        if fields.get("sec-websocket-accept") != self._accept:
            raise ValueError("no WebSocket: Sec-WebSocket-Accept does not fit")
        self._incoming = rest
        self.open = True
        return True

    def _next_frame(self) -> tuple[bool, int, bytes] | None:
        """Take a frame off: whether it is final, its opcode, and what it carries."""
        data = self._incoming
        if len(data) < 2:
            return None
        if data[0] & 0x70 or data[1] & 0x80:
            raise ValueError("a frame with reserved bits, or masked")
        length, start = data[1] & 0x7F, 2
        if length > 125:
            start = 4 if length == 126 else 10
            length = int.from_bytes(data[2:start], "big")
        if length + len(self._message) > LONGEST_MESSAGE:
            raise ValueError(f"a message of more than {LONGEST_MESSAGE} bytes")
        if len(data) < start or len(data) < start + length:
            return None
        frame = bool(data[0] & 0x80), data[0] & 0x0F, bytes(data[start : start + length])
        del data[: start + length]
        return frame

    def _take(self, final: bool, opcode: int, payload: bytes) -> str | None:
        """Do what a frame asks; return the text that it completes."""
        if opcode >= Opcode.CLOSE:
            if not final or len(payload) > 125:
                raise ValueError("a control frame in pieces")
            self._control(opcode, payload)
            return None
        if opcode not in (Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY):
            raise ValueError(f"a frame of unknown opcode {opcode}")
        if (opcode == Opcode.CONTINUATION) is not self._partial:
            raise ValueError("pieces of two messages, mixed")
        if not self._partial:
            self._binary = opcode == Opcode.BINARY
        self._message += payload
        self._partial = not final
        if not final:
            return None
        message = bytes(self._message)
        self._message.clear()
        # UnicodeDecodeError is a ValueError.
        return None if self._binary else message.decode("utf-8")

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.PING:
            self._frame(Opcode.PONG, payload)
        elif opcode == Opcode.CLOSE:
            self._frame(Opcode.CLOSE, payload)
            self.closed = True
        elif opcode != Opcode.PONG:
            raise ValueError(f"a frame of unknown opcode {opcode}")

    def _frame(self, opcode: Opcode, payload: bytes) -> None:
        if self.closed:
            return
        mask, length = self._mask(), len(payload)
        head = bytes((0x80 | opcode,))
        if length <= 125:
            head += bytes((0x80 | length,))
        elif length < 1 << 16:
            head += b"\xfe" + length.to_bytes(2, "big")
        else:
            head += b"\xff" + length.to_bytes(8, "big")
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self.outgoing += head + mask + masked


def _split(lines: list[str]) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in lines]
