"""The head of a connection request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.system.request_head import LONGEST_HEAD, Malformed, Request, parse, path_of

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-!#", min_size=1).filter(
    lambda name: name not in ("authorization", "connection", "content-length", "transfer-encoding")
)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))


def read(text: str) -> Request | Malformed:
    found = parse(text.encode("latin-1"))
    assert found is not None
    head, rest = found
    assert not rest
    return head


def test_a_request_is_read_with_its_fields() -> None:
    assert read("GET /a?b HTTP/1.1\r\nHost: x:1\r\nX-Y:  a\t\r\n\r\n") == Request(
        "GET", "/a?b", (("host", "x:1"), ("x-y", "a")), keep_alive=True
    )


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        ("1.1", None, True),
        ("1.1", "close", False),
        ("1.1", "Upgrade, CLOSE", False),
        ("1.0", None, False),
        ("1.0", "Keep-Alive", True),
    ],
)
def test_the_version_says_whether_the_connection_is_kept(
    version: str, connection: str | None, keep_alive: bool
) -> None:
    field = "" if connection is None else f"Connection: {connection}\r\n"
    head = read(f"GET / HTTP/{version}\r\n{field}\r\n")
    assert isinstance(head, Request)
    assert head.keep_alive is keep_alive


def test_a_bare_line_feed_ends_a_line_too() -> None:
    assert read("\r\n\nGET / HTTP/1.0\nA: b\n\n") == Request("GET", "/", (("a", "b"),), False)


@pytest.mark.parametrize(
    "text",
    [
        "GET /\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / http/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        "GET /\xe9 HTTP/1.1\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nNo colon\r\n\r\n",
        "GET / HTTP/1.1\r\nSpace : x\r\n\r\n",
        "GET / HTTP/1.1\r\n: x\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
        "GET / HTTP/1.1\r\nA: \x00\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 3\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
        "\x16\x03\x01\r\n\r\n",
        "A: b\r\n\r\n",
    ],
)
def test_what_is_no_request_is_malformed(text: str) -> None:
    assert isinstance(read(text), Malformed)


def test_a_head_may_be_so_long_and_no_longer() -> None:
    start, end = b"GET / HTTP/1.1\r\nA: ", b"\r\n\r\n"
    longest = start + b"x" * (LONGEST_HEAD - len(start) - len(end)) + end
    found = parse(longest)
    assert found is not None
    assert isinstance(found[0], Request)
    for longer in (longest[:-4] + b"x" + end, longest[:-4] + b"xxxxx", b"\r" * (LONGEST_HEAD + 1)):
        assert parse(longer) == (Malformed("the head is too long"), b"")


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a?b", "/a?b"),
        ("http://10.0.0.1:7547/a?b", "/a?b"),
        ("HTTPS://[::1]/a", "/a"),
        ("http://x", "/"),
        ("/http://x/a", "/http://x/a"),
        ("*", "*"),
    ],
)
def test_a_target_in_absolute_form_has_a_path(target: str, path: str) -> None:
    assert path_of(target) == path


@given(st.binary(max_size=2 * LONGEST_HEAD))
def test_any_bytes_can_be_read(data: bytes) -> None:
    found = parse(data)
    if found is not None:
        assert len(found[1]) < len(data)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=5), st.lists(st.integers(0, 600), max_size=5))
def test_a_request_is_the_same_in_pieces(fields: list[tuple[str, str]], cuts: list[int]) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    data = f"GET /x HTTP/1.1\r\n{head}\r\n".encode("latin-1")
    for cut in cuts:
        assert cut >= len(data) or parse(data[:cut]) is None
    wanted = tuple((name, value.strip(" ")) for name, value in fields)
    assert parse(data + b"GET") == (Request("GET", "/x", wanted, True), b"GET")
