"""The DNS server's messages, byte for byte."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.lab.dns import TYPE_A, TYPE_AAAA, DnsError, Question, read_question, write_answer

HEADER = bytes.fromhex("abcd 0100 0001 0000 0000 0000")
NAME = b"\x04Hems\x03lab\x00"
QUERY = HEADER + NAME + b"\x00\x01\x00\x01"


def test_question_is_read() -> None:
    question = read_question(QUERY)
    assert question == Question(0xABCD, 0x0100, "hems.lab", TYPE_A, NAME + b"\x00\x01\x00\x01")


def test_what_follows_the_question_is_ignored() -> None:
    opt = bytes.fromhex("00 0029 1000 00000000 0000")
    assert read_question(QUERY + opt).raw == QUERY[12:]


def test_answer_has_the_addresses_of_the_type() -> None:
    question = read_question(QUERY)
    assert write_answer(question, 0, (ip_address("10.30.0.3"),)) == (
        bytes.fromhex("abcd 8500 0001 0001 0000 0000")
        + QUERY[12:]
        + bytes.fromhex("c00c 0001 0001 00000001 0004 0a1e0003")
    )


def test_answer_of_ipv6_has_sixteen_bytes() -> None:
    question = read_question(HEADER + NAME + b"\x00\x1c\x00\x01")
    assert question.type == TYPE_AAAA
    address = ip_address("fd00:30::3")
    answer = write_answer(question, 0, (address,))
    assert answer.endswith(bytes.fromhex("001c 0001 00000001 0010") + address.packed)


def test_failure_has_a_code_and_no_records() -> None:
    answer = write_answer(read_question(QUERY), 3)
    assert answer == bytes.fromhex("abcd 8503 0001 0000 0000 0000") + QUERY[12:]


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        HEADER,
        HEADER + b"\x04He",
        HEADER + NAME,
        HEADER + NAME + b"\x00\x01",
        HEADER + b"\xc0\x0c\x00\x01\x00\x01",
        HEADER + b"\x40" + b"x" * 64 + b"\x00\x00\x01\x00\x01",
        QUERY[:-1] + b"\x03",
        b"\xab\xcd\x81\x00" + QUERY[4:],
        b"\xab\xcd\x11\x00" + QUERY[4:],
        QUERY[:4] + b"\x00\x02" + QUERY[6:],
    ],
)
def test_what_is_no_question_is_an_error(datagram: bytes) -> None:
    with pytest.raises(DnsError):
        read_question(datagram)
