"""A WebSocket server, from its handshake on or in the middle of the conversation."""

from __future__ import annotations

from henbd.system.s1ap.websocket import LONGEST_MESSAGE, WebSocket

HANDSHAKE = b"HTTP/1.1 101 x\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"


def fuzz(data: bytes) -> None:
    """Feed it in two pieces; nothing but ValueError may come of what is wrong."""
    for begin in (b"", HANDSHAKE):
        websocket = WebSocket("x", bytes(16), lambda: bytes(4))
        half = len(data) // 2
        try:
            for piece in (begin + data[:half], data[half:]):
                assert all(len(text) <= LONGEST_MESSAGE for text in websocket.feed(piece))
        except ValueError:
            continue
