"""HTTP as the HeMS reads and writes it: what is wrong with a request is seen."""

from __future__ import annotations

import gzip
import re

import pytest

from tests.lab.hems.check import check_http
from tests.lab.hems.http1 import HttpError, Request, Response, body_length, encode, read_head
from tests.lab.hems.script import Chunked, ConnectionClose, Continue, Gzip, Header

HEAD = (
    "POST / HTTP/1.1\r\nHost: hems\r\nContent-Length: 1\r\n"
    "Content-Type: text/xml; charset=utf-8\r\nSOAPAction: "
)
EMPTY_HEAD = "POST / HTTP/1.1\r\nHost: hems\r\nContent-Length: 0"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("POST", "GET", "GET instead of POST"),
        ("HTTP/1.1", "HTTP/1.0", "HTTP/1.0 instead of HTTP/1.1"),
        ("Host: hems", "Most: hems", "0 Host headers"),
        ("Host: hems", "Host: ", "or an empty one"),
        ("Host: hems", "Host: hems\r\nHost: hems", "2 Host headers"),
        ("; charset=utf-8", "", "the Content-Type of an envelope is 'text/xml'"),
        ("text/xml", "application/soap+xml", "the Content-Type of an envelope"),
        ("\r\nSOAPAction: ", "", r"an envelope with the SOAPAction \[\] instead"),
        ("SOAPAction: ", 'SOAPAction: ""', "an envelope with the SOAPAction"),
        ("SOAPAction: ", "SOAPAction: Inform", "an envelope with the SOAPAction"),
    ],
)
def test_breach_in_the_head_of_an_envelope_is_seen(old: str, new: str, sentence: str) -> None:
    assert check_http(Request(read_head(HEAD.encode()), b"x", 0.0)) == []
    wrong = Request(read_head(HEAD.replace(old, new).encode()), b"x", 0.0)
    (breach,) = check_http(wrong)
    assert re.search(sentence, breach)


@pytest.mark.parametrize("header", ["SOAPAction: ", "Content-Type: text/xml; charset=utf-8"])
def test_empty_post_wants_no_header_of_envelopes(header: str) -> None:
    assert check_http(Request(read_head(EMPTY_HEAD.encode()), b"", 0.0)) == []
    head = read_head(f"{EMPTY_HEAD}\r\n{header}".encode())
    (breach,) = check_http(Request(head, b"", 0.0))
    assert breach == f"an empty POST with a {header.partition(':')[0]} header"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1", "2 Content-Length"),
        ("POST / HTTP/1.1", "0 Content-Length"),
        ("POST / HTTP/1.1\r\nContent-Length: +1", "no number"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked", "Transfer-Encoding"),
        ("POST  / HTTP/1.1", "no request line"),
        ("POST / HTTP/1.1\r\nHost hems", "no header"),
        ("POST / HTTP/1.1\r\nHost : hems", "no header"),
        ("POST / HTTP/1.1\r\nHost: hëms", "not ASCII"),
    ],
)
def test_request_of_unknown_length_or_form_is_refused(text: str, reason: str) -> None:
    with pytest.raises(HttpError, match=reason):
        body_length(read_head(text.encode()))


def test_answer_has_its_length() -> None:
    pieces = encode(Response(200, b"hello", (("A", "b"),)), ())
    assert pieces.head == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\n"
    assert pieces.body == b"hello"
    assert not pieces.closes


def test_no_content_has_no_length() -> None:
    assert encode(Response(204), (Chunked(),)).head == b"HTTP/1.1 204 No Content\r\n\r\n"


def test_manners_change_the_bytes_only() -> None:
    manners = (Continue(), Chunked(4), ConnectionClose(), Header("X", "y"))
    pieces = encode(Response(200, b"hello"), manners)
    assert pieces.head == (
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\nConnection: close\r\n\r\n"
    )
    assert pieces.body == b"4\r\nhell\r\n1\r\no\r\n0\r\n\r\n"
    assert pieces.closes


def test_compressed_answer_can_be_read() -> None:
    pieces = encode(Response(200, b"hello"), (Gzip(),))
    assert gzip.decompress(pieces.body) == b"hello"
    assert b"Content-Encoding: gzip\r\n" in pieces.head
    assert f"Content-Length: {len(pieces.body)}\r\n".encode() in pieces.head
