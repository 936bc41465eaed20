"""Rules that let nothing by: values ⇄ bytes.

Those in hexadecimal digits are what a kernel 6.18 dumped, on a little-endian machine.
"""

from __future__ import annotations

import struct
import sys
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.errors import KernelError
from henbd.system import rules
from henbd.system.netlink import attribute
from henbd.values import Unreachable
from tests.unit.sights import ANY, ANY6

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="bytes of another machine")

HEAD_OF_THE_TABLE = "08000f000000000008000e00ffffffff"
MARKS = "05001500ce00000008000600dd000000"

DUMPED = {
    Unreachable(ANY, ip_network("10.30.0.0/24")): (
        "021800000000000700000000" + HEAD_OF_THE_TABLE + MARKS + "080001000a1e0000"
    ),
    Unreachable(ip_network("fd99::1"), ANY6): (
        "0a0080000000000700000000"
        + HEAD_OF_THE_TABLE
        + MARKS
        + "14000200fd990000000000000000000000000001"
    ),
}


@little_endian
@pytest.mark.parametrize("guard", DUMPED)
def test_dumped_rule_is_ours_and_is_asked_for_as_it_is_dumped(guard: Unreachable) -> None:
    dumped = bytes.fromhex(DUMPED[guard])
    assert rules.our_rule(dumped) == guard
    assert rules.rule(guard) == dumped.replace(bytes.fromhex(HEAD_OF_THE_TABLE), b"")


FOREIGN = {
    "of charon": "02000000dc000001000000000500150000000000080006" + "00dc000000",
    "of another protocol": DUMPED[Unreachable(ANY, ip_network("10.30.0.0/24"))].replace(
        "05001500ce", "0500150003"
    ),
    "of another priority": DUMPED[Unreachable(ANY, ip_network("10.30.0.0/24"))].replace(
        "08000600dd", "08000600de"
    ),
    # ... to 10.31.0.0/24 ipproto tcp dport 80
    "of some packets only": (
        "021800000000000700000000"
        + HEAD_OF_THE_TABLE
        + MARKS
        + "080018005000500006001d00ffff00000500160006000000080001000a1f0000"
    ),
    "of some services only": DUMPED[Unreachable(ANY, ip_network("10.30.0.0/24"))].replace(
        "021800000000000700", "021800080000000700"
    ),
    "of all others": DUMPED[Unreachable(ANY, ip_network("10.30.0.0/24"))].replace(
        "000000070000", "000000070200"
    ),
    "of no protocol that has addresses": "80000000fd0000010000000008000f00fd000000",
}


@little_endian
@pytest.mark.parametrize("what", FOREIGN)
def test_rule_without_our_marks_is_no_guard(what: str) -> None:
    assert rules.our_rule(bytes.fromhex(FOREIGN[what])) is None


@given(st.binary(max_size=80))
def test_no_bytes_can_harm(body: bytes) -> None:
    head = struct.pack("=BBBBB2xBI", 2, *body[:2].ljust(2, b"\0"), 0, 0, 7, 0)
    marks = attribute(6, struct.pack("=I", rules.OUR_PRIORITY)) + attribute(21, b"\xce")
    for data in (body, head + body[2:], head + marks + attribute(1, body[2:])):
        try:
            rules.our_rule(data)
        except KernelError:
            continue
