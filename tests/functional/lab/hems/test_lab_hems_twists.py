"""Each misbehaviour of the HeMS, as a CPE meets it."""

from __future__ import annotations

import gzip
import http.client
import threading
import time
from collections.abc import Callable

import pytest

from tests.functional.bytewise import SHORT_S, connect, receive, send_inform
from tests.lab.events import PATIENCE, Log
from tests.lab.hems import Hems
from tests.lab.hems.attempts import Outcome
from tests.lab.hems.cpe import STATUS_OK, Cpe, id_of, inform, message
from tests.lab.hems.rpc import Set
from tests.lab.hems.script import (
    Chunked,
    Close,
    ConnectionClose,
    Continue,
    Drip,
    Empty,
    Garbage,
    Gzip,
    Hang,
    Header,
    Manner,
    Point,
    Redirect,
    SoapFault,
    Status,
    always,
    on_inform,
)

SET = Set({"Device.A": ("10.30.0.2", "xsd:string")})


@pytest.mark.parametrize(
    ("point", "is_right"),
    [
        (Point.BEFORE, lambda got: got == b""),
        (Point.AFTER_HEADERS, lambda got: got.endswith(b"\r\n\r\n") and b"Envelope" not in got),
        (Point.MID_BODY, lambda got: b"<soapenv:Envelope" in got and b"</soapenv:Env" not in got),
        (Point.AFTER, lambda got: got.endswith(b"</soapenv:Envelope>")),
    ],
)
def test_hang_lasts_until_it_is_released(
    hems: Hems, log: Log, point: Point, is_right: Callable[[bytes], bool]
) -> None:
    hems.play([on_inform(Hang(point))])
    with connect(hems) as sock:
        send_inform(sock)
        assert log.wait("hang").facts["what"] == f"hanging {point.value}"
        first = receive(sock, SHORT_S)
        assert is_right(first)
        assert bool(log.events("InformResponse")) is (point is not Point.BEFORE)
        hems.release()
        if point is not Point.AFTER:
            sock.settimeout(10 * PATIENCE)
            assert (first + sock.recv(65536)).endswith(b"</soapenv:Envelope>")
    assert log.wait("session-end").facts["outcome"] is Outcome.UNCLEAR
    assert hems.violations == []


def test_abandoned_hang_is_noticed_at_once(hems: Hems, log: Log) -> None:
    hems.play([on_inform(Hang())])
    with connect(hems) as sock:
        send_inform(sock)
        log.wait("hang")
        closed_at = time.monotonic()
    end = log.wait("session-end")
    assert end.facts["reason"] == "connection closed while the HeMS hung"
    assert end.at - closed_at < 1 * PATIENCE


def test_another_session_may_begin_while_one_hangs(hems: Hems, log: Log) -> None:
    hems.play([on_inform(Hang())])
    with connect(hems) as sock, Cpe(hems.url) as cpe:
        send_inform(sock)
        log.wait("hang")
        assert cpe.post(inform()).status == 200
        assert cpe.post().status == 204
        log.wait("session-end", where=lambda event: event.facts["ok"])
    assert hems.violations == []


def test_close_ends_hangs_and_all_threads(log: Log) -> None:
    hems = Hems(log, "127.0.0.1")
    hems.play(*[[on_inform(Hang())]] * 5)
    socks = [connect(hems) for _ in range(6)]
    for sock in socks[:5]:
        send_inform(sock)
    log.wait("connection", where=lambda event: event.facts["number"] == 6)
    log.wait("hang", where=lambda _: len(log.events("hang")) == 5)
    hems.close()
    hems.close()
    assert not [thread for thread in threading.enumerate() if str(hems.port) in thread.name]
    for sock in socks:
        assert sock.recv(1) == b""
        sock.close()


def test_dripping_body_comes_byte_by_byte_until_released(hems: Hems, log: Log) -> None:
    hems.play([on_inform(Drip(SHORT_S / 5))])
    with connect(hems) as sock:
        send_inform(sock)
        log.wait("hang")
        got = receive(sock, SHORT_S)
        _, _, body = got.partition(b"\r\n\r\n")
        assert 1 <= len(body) <= 12
        hems.release()
        while not got.endswith(b"</soapenv:Envelope>"):
            sock.settimeout(10 * PATIENCE)
            got += sock.recv(65536)
    assert hems.violations == []


@pytest.mark.parametrize(
    ("point", "error"),
    [
        (Point.BEFORE, http.client.RemoteDisconnected),
        (Point.AFTER_HEADERS, http.client.IncompleteRead),
        (Point.MID_BODY, http.client.IncompleteRead),
    ],
)
def test_closed_connection_fails_the_session(
    hems: Hems, log: Log, point: Point, error: type[Exception]
) -> None:
    hems.play([on_inform(Close(point))])
    with Cpe(hems.url) as cpe, pytest.raises(error):
        cpe.post(inform())
    assert log.wait("session-end").facts["outcome"] is Outcome.FAILED
    with Cpe(hems.url) as cpe:
        cpe.post(inform(retry_count=1))
    assert hems.violations == []


def test_reset_connection_is_reset(hems: Hems) -> None:
    hems.play([on_inform(Close(Point.BEFORE, reset=True))])
    with Cpe(hems.url) as cpe, pytest.raises(ConnectionResetError) as caught:
        cpe.post(inform())
    assert not isinstance(caught.value, http.client.RemoteDisconnected)


def test_connection_may_be_closed_silently_between_messages(hems: Hems, log: Log) -> None:
    hems.play([on_inform(Close(Point.AFTER)), SET])
    with Cpe(hems.url) as cpe:
        cpe.post(inform())
        with pytest.raises(ConnectionError):
            cpe.post()
        request = cpe.post()
        answer = message("SetParameterValuesResponse", STATUS_OK, id=id_of(request.body))
        assert cpe.post(answer).status == 204
        assert log.wait("session-end").facts["ok"]
    assert hems.violations == []


def test_every_answer_may_close_its_connection(hems: Hems, log: Log) -> None:
    hems.play([always(ConnectionClose()), SET])
    with Cpe(hems.url) as cpe:
        assert cpe.post(inform()).headers["Connection"] == "close"
        request = cpe.post()
        answer = message("SetParameterValuesResponse", STATUS_OK, id=id_of(request.body))
        assert cpe.post(answer).status == 204
    assert log.wait("session-end").facts["ok"]
    log.wait("connection", where=lambda e: (e.facts["state"], e.facts["number"]) == ("closed", 3))
    assert hems.violations == []


@pytest.mark.parametrize(
    ("manners", "header"),
    [
        ((Chunked(10),), ("Transfer-Encoding", "chunked")),
        ((Gzip(),), ("Content-Encoding", "gzip")),
        ((Gzip(), Chunked(10), Continue()), ("Content-Encoding", "gzip")),
        ((Continue(),), ("Content-Type", "text/xml; charset=utf-8")),
        ((Header("Set-Cookie", "a=b; Path=/"),), ("Set-Cookie", "a=b; Path=/")),
    ],
)
def test_odd_manners_carry_the_same_answer(
    hems: Hems, log: Log, manners: tuple[Manner, ...], header: tuple[str, str]
) -> None:
    hems.play([always(*manners), SET])
    with Cpe(hems.url) as cpe:
        answer = cpe.post(inform())
        assert header[1] in answer.headers.get_all(header[0], [])
        gzipped = answer.headers["Content-Encoding"] == "gzip"
        body = gzip.decompress(answer.body) if gzipped else answer.body
        assert b"InformResponse" in body
        request = cpe.post()
        body = gzip.decompress(request.body) if gzipped else request.body
        assert (
            cpe.post(message("SetParameterValuesResponse", STATUS_OK, id=id_of(body))).status == 204
        )
        assert log.wait("session-end").facts["ok"]
    assert hems.violations == []


@pytest.mark.parametrize(
    ("twist", "status", "body"),
    [
        (Status(503, "later"), 503, b"later"),
        (Status(404), 404, b""),
        (Status(599), 599, b""),
        (Empty(200), 200, b""),
        (Empty(), 204, b""),
        (Garbage(b"\x00\xff"), 200, b"\x00\xff"),
    ],
)
def test_wrong_answer_is_sent_and_the_session_over(
    hems: Hems, log: Log, twist: Status, status: int, body: bytes
) -> None:
    hems.play([on_inform(twist)])
    with Cpe(hems.url) as cpe:
        answer = cpe.post(inform())
        assert (answer.status, answer.body) == (status, body)
    assert log.wait("session-end").facts["outcome"] is Outcome.FAILED
    assert hems.violations == []


@pytest.mark.parametrize("code", [302, 307])
def test_redirect_leads_to_another_hems(hems: Hems, log: Log, code: int) -> None:
    with Hems(log, "127.0.0.1", path="/other") as other:
        hems.play([on_inform(Redirect(other.url, code))])
        with Cpe(hems.url) as cpe:
            first = cpe.exchange(inform())
            assert (first.status, first.headers["Location"]) == (code, other.url)
            cpe.close()
        with Cpe(other.url) as cpe:
            cpe.post(inform())
            cpe.post()
        assert log.wait("session-end").facts["ok"]
        assert other.violations == []
    assert hems.violations == []


def test_redirect_within_a_hems_keeps_the_session(hems: Hems, log: Log) -> None:
    hems.play([on_inform(Redirect("/elsewhere", 307)), SET])
    with Cpe(hems.url) as cpe:
        cpe.post(inform())
        request = cpe.post()
        cpe.post(message("SetParameterValuesResponse", STATUS_OK, id=id_of(request.body)))
        assert log.wait("session-end").facts["ok"]
    assert len(hems.sessions) == 1
    assert hems.violations == []


def test_retry_request_is_a_soap_fault(hems: Hems, log: Log) -> None:
    hems.play([on_inform(SoapFault(8005, "Retry <request>"))])
    with Cpe(hems.url) as cpe:
        answer = cpe.post(inform()).body
        assert b"<FaultCode>8005</FaultCode><FaultString>Retry &lt;request&gt;<" in answer
        assert b"InformResponse" in cpe.post(inform()).body
        cpe.post()
        assert log.wait("session-end").facts["ok"]
    assert hems.violations == []
