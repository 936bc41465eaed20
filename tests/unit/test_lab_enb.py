"""The parts of the reference S1AP stack that need no socket: lines, messages, and what is told."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab import gtpu, s1ap
from tests.lab.enb.messages import (
    LONGEST_LINE,
    Cell,
    Config,
    FarEnd,
    LineReader,
    Link,
    ProtocolError,
    Remark,
    decode,
    encode,
)
from tests.lab.enb.requests import (
    can_update,
    configuration_update,
    enb_name,
    setup_request,
)
from tests.lab.scripted_henbd import Json, config, link

CELL = Cell(0x0123456, 1, ("00101", "00102"), "henb-1", 0xABC)


def decode_message(message: Json) -> Config | Remark:
    return decode(json.dumps(message).encode())


def test_a_config_is_read_whole() -> None:
    wanted = link("fd00::1", "fd00::2", "10.0.0.2", user_plane_local="10.0.0.1", later_field=1)
    assert decode_message(config(7, wanted)) == Config(
        7,
        Link(
            ip_address("fd00::1"),
            ip_address("10.0.0.1"),
            (FarEnd(ip_address("fd00::2"), 36_412), FarEnd(ip_address("10.0.0.2"), 36_412)),
            inside=True,
            may_transmit=True,
            cell=Cell(0x0123456, 1, ("00101",), "henb-1", 0xABC),
        ),
        wanted,
    )


def test_null_means_no_s1() -> None:
    assert decode_message(config(7, None)) == Config(7, None, None)


def test_name_and_csg_may_be_null_but_not_missing() -> None:
    nulls = config(1, link("10.0.0.1", "10.0.0.2", name=None, csg_id=None))
    read = decode_message(nulls)
    assert isinstance(read, Config)
    assert read.link is not None
    assert (read.link.cell.name, read.link.cell.csg_id) == (None, None)
    for field in nulls["link"]["cell"]:
        lacking = json.loads(json.dumps(nulls))
        del lacking["link"]["cell"][field]
        with pytest.raises(ProtocolError, match=f"no {field}"):
            decode_message(lacking)


@pytest.mark.parametrize(
    "field", ["local", "user_plane_local", "peers", "inside", "may_transmit", "cell"]
)
def test_every_field_of_a_link_is_needed(field: str) -> None:
    message = config(1, link("10.0.0.1", "10.0.0.2"))
    del message["link"][field]
    with pytest.raises(ProtocolError, match=f"no {field}"):
        decode_message(message)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("local", 7),
        ("local", "example.org"),
        ("local", "[fd00::1]"),
        ("user_plane_local", "fe80::1%eth0"),
        ("may_transmit", 1),
        ("inside", "yes"),
        ("peers", {}),
        ("peers", [{"address": "10.0.0.2", "port": 0}]),
        ("peers", [{"address": "10.0.0.2", "port": 65_536}]),
        ("peers", [{"address": "10.0.0.2", "port": 36_412.0}]),
        ("cell", None),
        ("identity", -1),
        ("identity", 1 << 28),
        ("tac", 1 << 16),
        ("csg_id", 1 << 27),
        ("plmns", ["00101"] * 7),
        ("plmns", ["١٢٣٤٥"]),
        ("plmns", [101]),
        ("name", 7),
    ],
)
def test_wrong_values_are_refused(field: str, value: object) -> None:
    message = config(1, link("10.0.0.1", "10.0.0.2", **{field: value}))
    with pytest.raises(ProtocolError):
        decode_message(message)


@pytest.mark.parametrize("line", [b'{"type": NaN}', b"\xef\xbb\xbf{}", b'"x"', b"1" * 5000, b"{"])
def test_no_json_object_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(line)


@given(line=st.binary(max_size=100))
def test_garbage_is_refused(line: bytes) -> None:
    try:
        decode(line)
    except ProtocolError:
        return
    assert isinstance(json.loads(line)["type"], str)


def test_what_asks_for_nothing_is_a_remark() -> None:
    assert decode(b'{"type": "pong"}') == Remark("pong")
    assert decode(b'{"type": "error", "text": "no"}') == Remark("error", "no")
    assert decode(b'{"type": "error"}') == Remark("error")
    assert decode(b'{"type": "weather", "text": 7}') == Remark("weather", "7")


def test_a_message_is_one_line_of_ascii() -> None:
    line = encode({"type": "error", "text": "ü\n\ud800"})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert line.isascii()


@given(
    lines=st.lists(st.binary(max_size=20).filter(lambda b: b"\n" not in b)),
    size=st.integers(1, 30),
)
def test_lines_are_the_same_however_they_are_cut(lines: list[bytes], size: int) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    reader = LineReader()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [line for piece in pieces for line in reader.feed(piece)] == lines


@pytest.mark.parametrize("size", [1000, LONGEST_LINE, 3 * LONGEST_LINE])
def test_a_line_that_is_too_long_is_refused_once(size: int) -> None:
    longest = b"x" * (LONGEST_LINE - 1)
    stream = longest + b"\n" + longest + b"x\n" + b"y" * 2 * LONGEST_LINE + b"\nz\n"
    reader = LineReader()
    got = [
        line for at in range(0, len(stream), size) for line in reader.feed(stream[at : at + size])
    ]
    assert [type(line) for line in got] == [bytes, ProtocolError, ProtocolError, bytes]
    assert (got[0], got[-1]) == (longest, b"z")


def test_s1_setup_says_what_the_cell_is() -> None:
    assert setup_request(CELL) == s1ap.S1SetupRequest(
        s1ap.GlobalEnbId("00101", 0x0123456),
        (s1ap.SupportedTa(1, ("00101", "00102")),),
        enb_name="henb-1",
        csg_ids=(0xABC,),
    )
    bare = setup_request(replace(CELL, name=None, csg_id=None))
    assert (bare.enb_name, bare.csg_ids) == (None, ())


@pytest.mark.parametrize(
    ("change", "update"),
    [
        ({}, None),
        ({"tac": 2}, {"supported_tas": (s1ap.SupportedTa(2, CELL.plmns),)}),
        ({"plmns": ("00101",)}, {"supported_tas": (s1ap.SupportedTa(1, ("00101",)),)}),
        ({"name": "other"}, {"enb_name": "other"}),
        ({"csg_id": 0}, {"csg_ids": (0,)}),
    ],
)
def test_an_update_says_the_difference(change: Json, update: Json | None) -> None:
    wanted = replace(CELL, **change)
    assert can_update(CELL, wanted)
    expected = None if update is None else s1ap.EnbConfigurationUpdate(**update)
    assert configuration_update(CELL, wanted) == expected


@pytest.mark.parametrize(
    "change", [{"identity": 1}, {"plmns": ("00102", "00101")}, {"name": None}, {"csg_id": None}]
)
def test_some_differences_no_update_can_say(change: Json) -> None:
    assert not can_update(CELL, replace(CELL, **change))


@pytest.mark.parametrize(
    ("name", "expected"),
    [(None, None), ("", None), ("a_b", "a-b"), ("Küche", "K-che"), ("x" * 200, "x" * 150)],
)
def test_a_name_is_made_printable(name: str | None, expected: str | None) -> None:
    assert enb_name(name) == expected


def test_an_echo_is_asked_and_answered() -> None:
    # TS 29.281 7.2.1 and 7.2.2.
    assert gtpu.echo_request(0x1234).hex() == "320100040000000012340000"
    assert gtpu.echo_response(0x1234).hex() == "3202000600000000123400000e00"
    assert gtpu.request_sequence(gtpu.echo_request(7)) == 7
    assert gtpu.response_sequence(gtpu.echo_response(7)) == 7


@pytest.mark.parametrize(
    "data",
    [
        b"",
        gtpu.echo_request(7)[:-1],
        gtpu.echo_request(7) + b"\0",
        gtpu.echo_response(7),
        b"\x22" + gtpu.echo_request(7)[1:],
        b"\x30" + gtpu.echo_request(7)[1:],
        b"\x52" + gtpu.echo_request(7)[1:],
    ],
)
def test_what_is_no_echo_request_is_none(data: bytes) -> None:
    assert gtpu.request_sequence(data) is None
