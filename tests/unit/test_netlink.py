"""Netlink by hand: messages and attributes."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.errors import KernelError
from henbd.system import netlink
from henbd.system.netlink import Message, attribute


def test_message_is_read_as_it_was_written() -> None:
    data = netlink.encoded(24, 0x301, 9, b"odd") + b"\0" + netlink.encoded(3, 2, 10, b"")
    assert list(netlink.messages(data)) == [
        Message(24, 0x301, 9, b"odd"),
        Message(3, 2, 10, b""),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\x10",
        netlink.encoded(24, 0, 1, b"body")[:-1],
        struct.pack("=IHHII", 15, 24, 0, 1, 0),
        struct.pack("=IHHII", 0, 24, 0, 1, 0),
        struct.pack("=IHHII", 2**32 - 1, 24, 0, 1, 0),
        netlink.encoded(24, 0, 1, b"") + b"\0" * 5,
    ],
)
def test_damaged_datagram_is_an_error(data: bytes) -> None:
    with pytest.raises(KernelError):
        list(netlink.messages(data))


def test_attributes_are_read_as_they_were_written() -> None:
    data = b"head" + attribute(1, b"odd") + attribute(2, b"") + attribute(0x8000 | 3, b"four")
    assert netlink.attributes(data, 4) == {1: b"odd", 2: b"", 3: b"four"}


@pytest.mark.parametrize("length", [0, 3, 9, 0xFFFF])
def test_damaged_attribute_is_an_error(length: int) -> None:
    with pytest.raises(KernelError):
        netlink.attributes(struct.pack("=HH", length, 1) + b"four")


def test_number_of_another_size_is_an_error() -> None:
    assert netlink.number({1: struct.pack("=I", 70_000)}, 1, 0) == 70_000
    assert netlink.number({}, 1, 5) == 5
    with pytest.raises(KernelError):
        netlink.number({1: b"\1\0"}, 1, 0)


MULTI, INTERRUPTED = 0x02, 0x10
ERROR, DONE = 2, 3


def done(sequence: int, flags: int = MULTI, code: int = 0) -> bytes:
    return netlink.encoded(DONE, flags, sequence, struct.pack("=i", code))


def route(sequence: int, body: bytes, flags: int = MULTI) -> bytes:
    return netlink.encoded(24, flags, sequence, body)


def test_answer_goes_on_until_its_end() -> None:
    datagrams = [
        route(5, b"aaaa") + route(5, b"bbbb"),
        route(5, b"cccc"),
        done(5),
        route(5, b"late"),
    ]
    found = netlink.answer(iter(datagrams), 5)
    assert [message.body for message in found.messages] == [b"aaaa", b"bbbb", b"cccc"]
    assert not found.interrupted


def test_answer_to_an_earlier_request_is_left_out() -> None:
    datagrams = [route(4, b"old ") + done(4), route(5, b"new "), done(4, code=-1), done(5)]
    found = netlink.answer(iter(datagrams), 5)
    assert [message.body for message in found.messages] == [b"new "]


@pytest.mark.parametrize(
    "datagrams",
    [
        [route(5, b"aaaa", MULTI | INTERRUPTED), route(5, b"bbbb"), done(5)],
        [route(5, b"aaaa"), done(5, MULTI | INTERRUPTED)],
    ],
)
def test_answer_tells_that_something_changed_meanwhile(datagrams: list[bytes]) -> None:
    assert netlink.answer(iter(datagrams), 5).interrupted


def test_answer_to_a_request_that_was_done_is_empty() -> None:
    done_well = netlink.encoded(ERROR, 0, 5, struct.pack("=i", 0) + b"the request")
    assert netlink.answer(iter([done_well]), 5) == netlink.Answer((), interrupted=False)
    assert netlink.answer(iter([netlink.encoded(DONE, MULTI, 5, b"")]), 5).messages == ()


@pytest.mark.parametrize(
    "last",
    [netlink.encoded(ERROR, 0, 5, struct.pack("=i", -errno.EPERM)), done(5, code=-errno.EPERM)],
)
def test_refusal_is_an_error_of_the_system(last: bytes) -> None:
    with pytest.raises(PermissionError):
        netlink.answer(iter([route(5, b"aaaa"), last]), 5)


@pytest.mark.parametrize(
    "datagrams", [[], [route(5, b"aaaa")], [netlink.encoded(ERROR, 0, 5, b"\0")]]
)
def test_answer_without_an_end_is_an_error(datagrams: list[bytes]) -> None:
    with pytest.raises(KernelError):
        netlink.answer(iter(datagrams), 5)


@given(st.binary(max_size=64))
def test_no_datagram_can_harm(data: bytes) -> None:
    try:
        for message in netlink.messages(data):
            netlink.attributes(message.body)
    except KernelError:
        pass
