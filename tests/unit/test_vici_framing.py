"""The bytes of a VICI connection → replies and events."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vici.protocol import Message, Packet

from henbd.errors import CharonError
from henbd.system import charon_answers as answers
from henbd.system.vici_connection import Event, Framing, Reply


def framed(*packets: bytes) -> bytes:
    return b"".join(struct.pack("!I", len(packet)) + packet for packet in packets)


def response(message: dict[str, Any]) -> bytes:
    return bytes([Packet.CMD_RESPONSE]) + bytes(Message.serialize(message))


def event(kind: bytes, message: dict[str, Any]) -> bytes:
    return bytes([Packet.EVENT, len(kind)]) + kind + bytes(Message.serialize(message))


STREAM = framed(
    bytes([Packet.EVENT_CONFIRM]),
    event(b"ike-updown", {"up": b"yes"}),
    event(b"list-sa", {"henbd-1": {"uniqueid": b"1"}}),
    event(b"child-updown", {}),
    event(b"list-sa", {"henbd-1": {"uniqueid": b"2"}}),
    response({}),
    response({"keys": [b"a", b"b"]}),
    bytes([Packet.CMD_UNKNOWN]),
    bytes([Packet.EVENT_UNKNOWN]),
)
REFUSED = Reply({"success": b"no", "errmsg": b"not known to this charon"})
PARTS = [
    Reply({}),
    Event("ike-updown"),
    Event("child-updown"),
    Reply({}, ({"henbd-1": {"uniqueid": b"1"}}, {"henbd-1": {"uniqueid": b"2"}})),
    Reply({"keys": [b"a", b"b"]}),
    REFUSED,
    REFUSED,
]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, len(STREAM)])
def test_stream_is_read_in_pieces_of_any_size(size: int) -> None:
    framing = Framing()
    found = [part for piece in pieces(STREAM, size) for part in framing.receive(piece)]
    assert found == PARTS


def test_cut_stream_gives_what_is_complete() -> None:
    framing = Framing()
    assert list(framing.receive(STREAM[:-1])) == PARTS[:-1]
    assert list(framing.receive(STREAM[-1:])) == PARTS[-1:]


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("!I", 512 * 1024 + 1),
        framed(b""),
        framed(bytes([Packet.CMD_REQUEST])),
        framed(b"\xff"),
        framed(bytes([Packet.EVENT])),
        framed(bytes([Packet.EVENT, 2]) + b"\xff\xff"),
        framed(bytes([Packet.CMD_RESPONSE, Message.SECTION_START])),
        framed(bytes([Packet.CMD_RESPONSE, Message.SECTION_START, 1]) + b"a"),
        framed(bytes([Packet.CMD_RESPONSE, Message.SECTION_END])),
        framed(bytes([Packet.CMD_RESPONSE, Message.KEY_VALUE, 1]) + b"a\x00"),
        framed(bytes([Packet.CMD_RESPONSE, Message.LIST_START, 1]) + b"a" + bytes([9])),
        framed(bytes([Packet.CMD_RESPONSE, Message.KEY_VALUE, 1]) + b"\xff\x00\x00"),
    ],
)
def test_damaged_stream_is_an_error(data: bytes) -> None:
    with pytest.raises(CharonError):
        list(Framing().receive(data))


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_no_bytes_can_harm(packets: list[bytes]) -> None:
    framing = Framing()
    try:
        for part in framing.receive(framed(*packets)):
            if isinstance(part, Reply):
                answers.ike_sas([part.message, *part.items])
                answers.loaded([part.message], part.message, part.message)
                answers.esp_mode(part.message)
    except CharonError:
        pass


def test_reply_tells_why_it_refuses() -> None:
    assert Reply({"success": b"yes"}).refusal() is None
    assert Reply({"keys": []}).refusal() is None
    assert Reply({"success": b"no", "errmsg": b"not found"}).refusal() == "not found"
    assert Reply({"success": b"no"}).refusal() == "no reason given"
