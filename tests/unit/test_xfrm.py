"""XFRM policies that block: values ⇄ bytes.

Those in hexadecimal digits are what a kernel 6.18 dumped, on a little-endian machine.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.errors import KernelError
from henbd.system import xfrm
from henbd.values import Address, Block, Direction

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="bytes of another machine")

FROM_ANYWHERE = Block(ip_network("0.0.0.0/0"), ip_network("10.30.0.0/24"), device=3)
FROM_INNER = Block(ip_network("fd99::1"), ip_network("::/0"), device=0)

UNLIMITED = "ff" * 32 + "00" * 32
NEVER_USED = "00" * 16 + "33bf046b00000000" + "00" * 8

# Selector, lifetimes, priority, index, direction and action; then the attribute of its type.
DUMPED = {
    FROM_ANYWHERE: (
        *("0a1e0000" + "00" * 12, "00" * 16, "00" * 8, "0200180000000000", "0300000000000000"),
        *(UNLIMITED, NEVER_USED, "40420f00", "01000000", "0101000000000000"),
        "0a0010000000000000000000",
    ),
    FROM_INNER: (
        *("00" * 16, "fd99" + "00" * 13 + "01", "00" * 8, "0a00008000000000", "00" * 8),
        *(UNLIMITED, NEVER_USED, "40420f00", "09000000", "0101000000000000"),
        "0a0010000000000000000000",
    ),
}
# The places of single fields in these bodies.
PRIORITY, DIRECTION, ACTION, FAMILY, SOURCE_LENGTH = 152, 160, 161, 40, 43
SOURCE = 16


def dumped(block: Block) -> bytes:
    return bytes.fromhex("".join(DUMPED[block]))


def changed(body: bytes, place: int, value: int) -> bytes:
    return body[:place] + bytes([value]) + body[place + 1 :]


@little_endian
@pytest.mark.parametrize(
    ("place", "value", "hosts"),
    [
        (ACTION, 0, {ip_address("fd99::1")}),
        (ACTION, 1, set()),
        (DIRECTION, 0, set()),
        (DIRECTION, 2, set()),
        (SOURCE_LENGTH, 64, set()),
    ],
)
def test_who_may_send_by_a_policy_of_others_is_protected(
    place: int, value: int, hosts: set[Address]
) -> None:
    allowing = changed(changed(dumped(FROM_INNER), ACTION, 0), place, value)
    if place == SOURCE_LENGTH:
        allowing = changed(allowing, SOURCE + 15, 0)
    assert xfrm.protected((dumped(FROM_ANYWHERE), allowing)) == hosts


@little_endian
@pytest.mark.parametrize("block", DUMPED)
def test_dumped_block_is_ours(block: Block) -> None:
    assert xfrm.our_block(dumped(block)) == block


@little_endian
@pytest.mark.parametrize("block", DUMPED)
def test_block_is_asked_for_as_it_is_dumped(block: Block) -> None:
    body, expected = xfrm.policy(block), dumped(block)
    # The kernel adds when it was made, an index and the type.
    assert body[:120] == expected[:120]
    assert body[PRIORITY : PRIORITY + 4] == expected[PRIORITY : PRIORITY + 4]
    assert body[DIRECTION:] == expected[DIRECTION:168]


@little_endian
@pytest.mark.parametrize("block", DUMPED)
def test_block_is_removed_by_selector_and_direction(block: Block) -> None:
    assert xfrm.identity(block) == dumped(block)[:56] + bytes.fromhex("0000000001000000")


@little_endian
@pytest.mark.parametrize(
    ("place", "value"),
    [(PRIORITY, 0x41), (DIRECTION, 3), (ACTION, 0)],
)
def test_policy_without_our_marks_is_not_ours(place: int, value: int) -> None:
    assert xfrm.our_block(changed(dumped(FROM_ANYWHERE), place, value)) is None


# The places of the protocol, of a port and of a user in a selector.
PROTOCOL, PORT, USER = 44, 33, 52


@little_endian
@pytest.mark.parametrize(
    ("place", "value"), [(PROTOCOL, 6), (PORT, 80), (USER, 1)], ids=["protocol", "port", "user"]
)
def test_block_of_some_packets_only_is_not_ours(place: int, value: int) -> None:
    assert xfrm.our_block(changed(dumped(FROM_ANYWHERE), place, value)) is None


@little_endian
@pytest.mark.parametrize(
    "attribute", ["0c00150007000000ff000000", "08001f002a000000"], ids=["mark", "if_id"]
)
def test_block_with_a_mark_or_an_interface_of_xfrm_is_not_ours(attribute: str) -> None:
    assert xfrm.our_block(dumped(FROM_ANYWHERE) + bytes.fromhex(attribute)) is None


@little_endian
@pytest.mark.parametrize(("direction", "number"), [(Direction.IN, 0), (Direction.FORWARD, 2)])
def test_block_of_the_other_directions(direction: Direction, number: int) -> None:
    block = replace(FROM_ANYWHERE, direction=direction)
    body = changed(dumped(FROM_ANYWHERE), DIRECTION, number)
    assert xfrm.our_block(body) == block
    assert xfrm.policy(block)[DIRECTION] == number
    assert xfrm.identity(block)[60] == number


networks = st.builds(
    lambda text, length: ip_network((text, length), strict=False),
    *(st.ip_addresses(v=4), st.integers(0, 32)),
) | st.builds(
    lambda text, length: ip_network((text, length), strict=False),
    *(st.ip_addresses(v=6), st.integers(0, 128)),
)


@given(networks, networks, st.integers(0, 2**31 - 1))
def test_block_is_read_as_it_was_written(source: object, destination: object, device: int) -> None:
    block = Block(source, destination, device)  # type: ignore[arg-type]
    if block.source.version == block.destination.version:
        assert xfrm.our_block(xfrm.policy(block)) == block


@little_endian
@pytest.mark.parametrize(
    "body",
    [
        b"",
        dumped(FROM_ANYWHERE)[:167],
        changed(dumped(FROM_ANYWHERE), SOURCE_LENGTH, 33),
        changed(dumped(FROM_INNER), SOURCE_LENGTH, 129),
        # The address has more bits than the length says.
        changed(dumped(FROM_INNER), SOURCE_LENGTH, 64),
    ],
)
def test_damaged_policy_is_an_error(body: bytes) -> None:
    with pytest.raises(KernelError):
        xfrm.our_block(body)


@given(st.binary(max_size=200))
def test_no_bytes_can_harm(body: bytes) -> None:
    marks = changed(changed(body.ljust(168, b"\0"), DIRECTION, 1), ACTION, 1)
    marks = marks[:PRIORITY] + xfrm.OUR_PRIORITY.to_bytes(4, sys.byteorder) + marks[PRIORITY + 4 :]
    for data in (body, marks):
        try:
            xfrm.our_block(data)
        except KernelError:
            continue
