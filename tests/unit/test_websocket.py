"""The client's side of a WebSocket (RFC 6455), by bytes."""

from __future__ import annotations

import base64

import pytest

from henbd.system.s1ap.websocket import LONGEST_MESSAGE, WebSocket

# The key and the answer of RFC 6455 1.3, the mask of 5.7.
KEY = base64.b64decode("dGhlIHNhbXBsZSBub25jZQ==")
MASK = bytes.fromhex("37fa213d")
OPENED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"sec-websocket-accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def opened() -> WebSocket:
    """Return a connection whose handshake is over, with nothing to be sent."""
    websocket = WebSocket("127.0.0.1:9001", KEY, lambda: MASK)
    assert websocket.feed(OPENED) == []
    websocket.outgoing.clear()
    return websocket


def test_handshake_is_that_of_the_standard() -> None:
    websocket = WebSocket("127.0.0.1:9001", KEY, lambda: MASK)
    lines = bytes(websocket.outgoing).decode().split("\r\n")
    assert lines[0] == "GET / HTTP/1.1"
    for line in (
        "Host: 127.0.0.1:9001",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Origin: http://127.0.0.1:9001",
    ):
        assert line in lines
    assert lines[-2:] == ["", ""]
    for byte in OPENED[:-1]:
        assert websocket.feed(bytes((byte,))) == []
        assert not websocket.open
    websocket.feed(OPENED[-1:])
    assert websocket.open


def test_text_is_sent_masked() -> None:
    """The example of RFC 6455 5.7."""
    websocket = opened()
    websocket.send("Hello")
    assert websocket.outgoing == bytes.fromhex("818537fa213d7f9f4d5158")
    for length, head in ((126, "81fe007e"), (65_536, "81ff0000000000010000")):
        websocket.outgoing.clear()
        websocket.send("x" * length)
        assert websocket.outgoing[: len(head) // 2].hex() == head


def test_texts_are_read_however_they_arrive() -> None:
    stream = (
        b"\x81\x05Hello"
        b"\x01\x03one\x89\x02hi\x80\x03two"
        b"\x82\x02\xff\xff"
        b"\x81\x7e\x00\x80" + b"x" * 128 + b"\x81\x7f" + (3).to_bytes(8, "big") + b"end"
    )
    for step in (1, 3, len(stream)):
        websocket = opened()
        pieces = [stream[at : at + step] for at in range(0, len(stream), step)]
        texts = [text for piece in pieces for text in websocket.feed(piece)]
        assert texts == ["Hello", "onetwo", "x" * 128, "end"]
        # A ping is answered with what it carries.
        assert websocket.outgoing[:2] == b"\x8a\x82"


def test_a_close_is_answered_and_nothing_follows() -> None:
    websocket = opened()
    assert websocket.feed(b"\x88\x02\x03\xe8\x81\x01x") == []
    assert websocket.closed
    assert websocket.outgoing[:2] == b"\x88\x82"
    websocket.outgoing.clear()
    websocket.send("more")
    assert websocket.outgoing == b""


def test_what_is_against_the_protocol_is_refused() -> None:
    for data, reason in (
        (b"\xc1\x01x", "reserved bits"),
        (b"\x81\x81aaaax", "masked"),
        (b"\x83\x01x", "unknown opcode 3"),
        (b"\x8b\x01x", "unknown opcode 11"),
        (b"\x09\x01x", "control frame in pieces"),
        (b"\x89\x7e\x00\x80" + b"x" * 128, "control frame in pieces"),
        (b"\x80\x01x", "mixed"),
        (b"\x01\x01x\x81\x01y", "mixed"),
        (b"\x81\x7f" + (LONGEST_MESSAGE + 1).to_bytes(8, "big"), "more than"),
        (b"\x81\x01\xff", "codec"),
    ):
        with pytest.raises(ValueError, match=reason):
            opened().feed(data)


def test_what_is_no_websocket_is_refused() -> None:
    for data, reason in (
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "400 Bad Request"),
        (b"HTTP/1.1 101 x\r\nSec-WebSocket-Accept: x\r\n\r\n", "does not fit"),
        (b"SSH-2.0-x\r\n\r\n", "no WebSocket"),
        (b"x" * 20_000, "no end"),
    ):
        websocket = WebSocket("x", KEY, lambda: MASK)
        with pytest.raises(ValueError, match=reason):
            websocket.feed(data)
