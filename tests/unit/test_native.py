"""The messages of the native protocol, and the lines they are on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.system.lines import LONGEST_LINE, LineBuffer
from henbd.system.s1ap.native_messages import (
    Ack,
    Complaint,
    ForeignHello,
    Hello,
    Ignored,
    Ping,
    Status,
    config,
    error,
    parse,
    pong,
)
from henbd.values import Cell, FarEnd, Peer, PeerState, S1Link

MME, SECOND_MME = (FarEnd(IPv4Address(a), 36412) for a in ("10.30.0.2", "10.30.0.9"))
LINK = S1Link(
    local=IPv4Address("10.99.0.1"),
    peers=(MME,),
    inside=True,
    may_transmit=False,
    cell=Cell(0x0123456, 1, ("00101", "001001"), "hénb\n", 0x7FFFFFF, (("A.1.B", "x"), ("C", ""))),
)

HELLO: dict[str, Any] = {
    "type": "hello",
    "version": 1,
    "name": "example-l3",
    "generation": 7,
    "config": json.loads(config(7, LINK))["link"],
}
STATUS: dict[str, Any] = {
    "type": "status",
    "generation": 7,
    "peers": [
        {
            "address": "10.30.0.2",
            "port": 36412,
            "state": "failed",
            "local": "10.99.0.1",
            "cause": "misc/unknown-PLMN",
            "time_to_wait_s": 20,
            "mme_name": None,
        }
    ],
    "transmitting": True,
    "user_plane_peers": ["10.30.0.4", "fd00:30::4"],
}


def line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


# The lines.


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_lines_are_whole_however_they_arrive(step: int) -> None:
    data, buffer = b"one\n\ntwo\nthr", LineBuffer()
    pieces = [data[n : n + step] for n in range(0, len(data), step)]
    assert [found for piece in pieces for found in buffer.feed(piece)] == [b"one", b"", b"two"]
    assert buffer.feed(b"ee\n") == [b"three"]


def test_a_line_that_is_too_long_is_cut_off_and_the_next_one_is_whole() -> None:
    buffer = LineBuffer()
    for _ in range(100):
        assert buffer.feed(b"x" * 10_000) == []
    assert buffer.feed(b"\nnext\n") == [b"x" * (LONGEST_LINE + 1), b"next"]
    assert buffer.feed(b"y" * LONGEST_LINE + b"\n") == [b"y" * LONGEST_LINE]


# The messages.


def test_a_config_is_written_as_the_protocol_says() -> None:
    assert json.loads(config(7, LINK)) == {
        "type": "config",
        "generation": 7,
        "link": {
            "local": "10.99.0.1",
            "user_plane_local": "10.99.0.1",
            "peers": [{"address": "10.30.0.2", "port": 36412}],
            "inside": True,
            "may_transmit": False,
            "cell": {
                "identity": 0x0123456,
                "tac": 1,
                "plmns": ["00101", "001001"],
                "name": "hénb\n",
                "csg_id": 0x7FFFFFF,
                "parameters": {"A.1.B": "x", "C": ""},
            },
        },
    }
    assert json.loads(config(8, None)) == {"type": "config", "generation": 8, "link": None}
    assert json.loads(error("no")) == {"type": "error", "text": "no"}
    assert json.loads(pong()) == {"type": "pong"}
    assert b"\n" not in config(7, LINK)


def test_messages_are_read() -> None:
    assert parse(line(HELLO)) == Hello("example-l3", 7, LINK)
    assert parse(line({**HELLO, "config": None, "new": 1})) == Hello("example-l3", 7, None)
    assert parse(line({"type": "hello", "version": 2, "words": []})) == ForeignHello(2)
    assert parse(b'{"type": "ack", "generation": 3}\r') == Ack(3)
    assert parse(line(STATUS)) == Status(
        generation=7,
        peers=(Peer(MME, PeerState.FAILED, LINK.local, "misc/unknown-PLMN", 20, None),),
        transmitting=True,
        user_plane_peers=(IPv4Address("10.30.0.4"), IPv6Address("fd00:30::4")),
        parameters=(),
    )
    told = parse(line({**STATUS, "parameters": {"B": "2", "A": "1"}}))
    assert isinstance(told, Status)
    assert told.parameters == (("A", "1"), ("B", "2"))
    assert parse(b'{"type": "ping"}') == Ping()
    assert parse(b'{"type": "error", "text": "what?"}') == Complaint("what?")
    assert parse(b'{"type": "quiesced", "generation": "x"}') == Ignored()


def test_texts_of_the_stack_are_fit_for_a_log() -> None:
    hello = parse(line({**HELLO, "name": "two\nlines \x1b[31m \ud800" + "x" * 1000}))
    assert isinstance(hello, Hello)
    assert hello.name.startswith("two\N{REPLACEMENT CHARACTER}lines \N{REPLACEMENT CHARACTER}[31m")
    assert hello.name.isprintable()
    assert len(hello.name) == 150


# What stands instead in HELLO or STATUS (... for: nothing), and what is said of it.
WRONG: list[tuple[dict[str, Any], str, object, str]] = [
    (HELLO, "type", ..., "is missing"),
    (HELLO, "type", 7, "is no string"),
    (HELLO, "version", "1", "is no integer"),
    (HELLO, "version", True, "is no integer"),
    (HELLO, "version", 1.0, "is no integer"),
    (HELLO, "name", None, "is no string"),
    (HELLO, "generation", ..., "is missing"),
    (HELLO, "generation", -1, "is not within 0 to 9007199254740991"),
    (HELLO, "config", ..., "is missing"),
    (HELLO, "config", [], "is no object"),
    (HELLO, "config.local", "10.99.0.1/32", "is no address"),
    (HELLO, "config.local", "fe80::1%eth0", "is no address"),
    (HELLO, "config.local", 174260225, "is no string"),
    (HELLO, "config.user_plane_local", "10.99.0.2", "is not config.local"),
    (HELLO, "config.peers", [], "is empty"),
    (HELLO, "config.peers", {}, "is no list"),
    (HELLO, "config.peers[0]", 1, "is no object"),
    (HELLO, "config.peers[0].port", 0, "is not within 1 to 65535"),
    (HELLO, "config.peers[0].port", 65536, "is not within 1 to 65535"),
    (HELLO, "config.inside", ..., "is missing"),
    (HELLO, "config.inside", 1, "is no boolean"),
    (HELLO, "config.may_transmit", "true", "is no boolean"),
    (HELLO, "config.cell", None, "is no object"),
    (HELLO, "config.cell.identity", 2**28, "is not within 0 to 268435455"),
    (HELLO, "config.cell.tac", 65536, "is not within 0 to 65535"),
    (HELLO, "config.cell.plmns", "00101", "is no list"),
    (HELLO, "config.cell.plmns[1]", "0010", "is not 5 or 6 digits"),
    (HELLO, "config.cell.plmns[1]", 101, "is not 5 or 6 digits"),
    (HELLO, "config.cell.plmns[1]", "0010١", "is not 5 or 6 digits"),
    (HELLO, "config.cell.name", 5, "is no string"),
    (HELLO, "config.cell.csg_id", 2**27, "is not within 0 to 134217727"),
    (HELLO, "config.cell.parameters", ..., "is missing"),
    (HELLO, "config.cell.parameters", [], "is no object"),
    (HELLO, "config.cell.parameters.C", 1, "is no string"),
    (STATUS, "parameters", ["A"], "is no object"),
    (STATUS, "peers", None, "is no list"),
    (STATUS, "peers[0].address", "mme", "is no address"),
    (STATUS, "peers[0].state", "UP", "is none of down, connecting, setup, up, failed"),
    (STATUS, "peers[0].local", ..., "is missing"),
    (STATUS, "peers[0].local", "", "is no address"),
    (STATUS, "peers[0].cause", 3, "is no string"),
    (STATUS, "peers[0].time_to_wait_s", 61, "is not within 0 to 60"),
    (STATUS, "transmitting", 0, "is no boolean"),
    (STATUS, "user_plane_peers", "10.30.0.4", "is no list"),
    (STATUS, "user_plane_peers[1]", None, "is no string"),
]


@pytest.mark.parametrize(("original", "where", "value", "text"), WRONG)
def test_a_wrong_field_is_named(
    original: dict[str, Any], where: str, value: object, text: str
) -> None:
    message: Any = json.loads(line(original))
    *path, last = [int(p) if p.isdigit() else p for p in re.findall(r"\w+", where)]
    inner = message
    for name in path:
        inner = inner[name]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    with pytest.raises(ValueError, match=r".") as raised:
        parse(line(message))
    assert str(raised.value) == f"{where} {text}"


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"hello",
        b"[]",
        b"null",
        b'{"type": "ping"',
        b'{"type": "ack", "generation": NaN}',
        b'{"type": "ack", "generation": Infinity}',
        b'{"type": "ack", "generation": 1e999}',
        b'{"type": "ack", "generation": ' + b"9" * 5000 + b"}",
        b'{"type": "\xff"}',
        b"\xef\xbb\xbf{}",
        b"[" * LONGEST_LINE,
        b'{"a":' * 10_000,
        b'{"type": "ping", "x": "' + b"x" * LONGEST_LINE + b'"}',
    ],
)
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(garbage)


ADDRESSES = st.ip_addresses(v=4) | st.ip_addresses(v=6)
FAR_ENDS = st.builds(FarEnd, ADDRESSES, st.integers(1, 65_535))
LINKS = st.builds(
    S1Link,
    local=ADDRESSES,
    peers=st.lists(FAR_ENDS, min_size=1, max_size=3).map(tuple),
    inside=st.booleans(),
    may_transmit=st.booleans(),
    cell=st.builds(
        Cell,
        identity=st.integers(0, 2**28 - 1),
        tac=st.integers(0, 2**16 - 1),
        plmns=st.lists(st.from_regex(r"[0-9]{5,6}", fullmatch=True), max_size=6).map(tuple),
        name=st.none() | st.text(max_size=48),
        csg_id=st.none() | st.integers(0, 2**27 - 1),
    ),
)


@given(LINKS)
def test_a_link_comes_back_as_it_was_sent(link: S1Link) -> None:
    echo = json.loads(config(3, link))["link"]
    assert parse(line({**HELLO, "config": echo})) == Hello("example-l3", 7, link)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner: Iterable[tuple[str | int, Any]] = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path] * bool(path) + [p for key, v in inner for p in _paths(v, (*path, key))]


@given(st.data(), st.sampled_from([HELLO, STATUS]), JSON)
def test_anything_anywhere_in_a_message_is_read_or_refused(
    data: st.DataObject, original: dict[str, Any], value: Any
) -> None:
    message = json.loads(line(original))
    *where, last = data.draw(st.sampled_from(_paths(message)))
    inner = message
    for name in where:
        inner = inner[name]
    inner[last] = value
    try:
        parse(line(message))
    except ValueError as refusal:
        json.loads(error(str(refusal)))
