"""The HeMS's port and connections, before anything is said."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.functional.bytewise import SHORT_S, connect, receive, send_inform
from tests.functional.tls import self_signed
from tests.lab.events import Log
from tests.lab.hems import Hems
from tests.lab.hems.attempts import Outcome
from tests.lab.hems.cpe import Cpe, inform
from tests.lab.hems.rpc import Set
from tests.lab.hems.script import (
    Close,
    Hang,
    on_connect,
)

SET = Set({"Device.A": ("10.30.0.2", "xsd:string")})


def test_connection_may_be_left_unread(hems: Hems, log: Log) -> None:
    hems.play([on_connect(Hang())])
    with connect(hems) as sock:
        log.wait("hang")
        send_inform(sock)
        assert receive(sock, SHORT_S) == b""
        assert log.events("Inform") == []
        hems.release()
        assert receive(sock, SHORT_S).startswith(b"HTTP/1.1 200 OK")
    assert hems.violations == []


def test_connection_may_be_reset_at_once(hems: Hems) -> None:
    hems.play([on_connect(Close(reset=True))])
    with pytest.raises(ConnectionResetError), connect(hems) as sock:
        sock.recv(1)


def test_connection_may_be_closed_at_once(hems: Hems, log: Log) -> None:
    hems.play([on_connect(Close())])
    with connect(hems) as sock:
        assert sock.recv(1) == b""
    log.wait("connection", where=lambda event: event.facts["state"] == "closed")
    with Cpe(hems.url) as cpe:
        cpe.post(inform(retry_count=1))
    assert hems.violations == []


def test_handshake_may_hang_or_be_cut(log: Log, tmp_path: Path) -> None:
    tls = self_signed(tmp_path)
    context = ssl.create_default_context(cafile=tls.certificate)
    with Hems(log, "127.0.0.1", tls=tls) as hems:
        hems.play([on_connect(Hang())], [on_connect(Close())], [SET])
        with connect(hems, SHORT_S) as sock, pytest.raises(TimeoutError):
            context.wrap_socket(sock, server_hostname="127.0.0.1")
        log.wait("connection", where=lambda event: event.facts["state"] == "closed")
        with connect(hems) as sock, pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(sock, server_hostname="127.0.0.1")
        with Cpe(hems.url, context=context) as cpe:
            cpe.post(inform(retry_count=1))
            assert b"SetParameterValues" in cpe.post().body
    assert hems.violations == []


def test_port_may_go_down_and_come_up(hems: Hems, log: Log) -> None:
    hems.play([SET])
    with Cpe(hems.url) as cpe:
        cpe.post(inform())
        hems.down()
        with pytest.raises(ConnectionError):
            cpe.post()
    assert log.wait("session-end").facts["outcome"] is Outcome.UNCLEAR
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            connect(hems)
    hems.up()
    with Cpe(hems.url) as cpe:
        assert cpe.post(inform(retry_count=4)).status == 200
    assert hems.violations == []


def test_port_may_be_deaf(hems: Hems) -> None:
    for _ in range(2):
        hems.deaf()
        with pytest.raises(TimeoutError):
            connect(hems, SHORT_S)
        hems.up()
        with Cpe(hems.url) as cpe:
            assert cpe.post(inform()).status == 200
    hems.deaf()
    hems.down()
    with pytest.raises(ConnectionRefusedError):
        connect(hems)
