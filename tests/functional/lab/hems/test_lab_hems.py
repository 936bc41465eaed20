"""The HeMS on real sockets, seen by a correct CPE and by wrong ones."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import requests
from requests.auth import HTTPDigestAuth

from tests.functional.tls import self_signed
from tests.lab.events import PATIENCE, Log
from tests.lab.hems import Hems, TlsFiles
from tests.lab.hems.attempts import Outcome
from tests.lab.hems.cpe import (
    ENVELOPE_HEADERS,
    STATUS_OK,
    Cpe,
    id_of,
    inform,
    message,
    value_list,
)
from tests.lab.hems.rpc import Get, Set

SET = Set({"Device.A": ("10.30.0.2", "xsd:string")}, parameter_key="k1")


@pytest.fixture(scope="module")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["http", "https"])
def hems(request: pytest.FixtureRequest, log: Log) -> Iterator[Hems]:
    """Run a HeMS, once without and once with TLS."""
    secure = request.param == "https"
    tls = request.getfixturevalue("tls_files") if secure else None
    with Hems(log, "127.0.0.1", tls=tls, path="/acs") as running:
        yield running


@pytest.fixture
def context(request: pytest.FixtureRequest, hems: Hems) -> ssl.SSLContext | None:
    """Return what a CPE needs to trust that HeMS."""
    if hems.url.startswith("http:"):
        return None
    return ssl.create_default_context(cafile=request.getfixturevalue("tls_files").certificate)


def play_session(cpe: Cpe) -> None:
    """Be a CPE that answers the script [SET, Get(["Device.A"])]."""
    assert cpe.post(inform()).status == 200
    request = cpe.post()
    request = cpe.post(message("SetParameterValuesResponse", STATUS_OK, id=id_of(request.body)))
    values = value_list({"Device.A": "10.30.0.2"})
    answer = message("GetParameterValuesResponse", values, id=id_of(request.body))
    assert cpe.post(answer).status == 204


def test_correct_session_has_no_violation(
    hems: Hems, log: Log, context: ssl.SSLContext | None
) -> None:
    hems.play([SET, Get(["Device.A"])])
    before = time.monotonic()
    with Cpe(hems.url, context=context) as cpe:
        play_session(cpe)
        end = log.wait("session-end")
    assert hems.violations == []
    assert end.facts["ok"]
    (informed,) = log.events("Inform")
    assert before < informed.facts["first_byte_at"] <= informed.at < end.at
    assert informed.facts["source"][0] == "127.0.0.1"
    assert informed.facts["tls"] is (context is not None)
    assert log.wait("SetParameterValuesResponse").facts["status"] == 0
    assert hems.sessions[0].values == {"Device.A": "10.30.0.2"}


@pytest.mark.parametrize("hems", ["https"], indirect=True)
def test_second_connection_resumes_tls(
    hems: Hems, log: Log, context: ssl.SSLContext | None
) -> None:
    assert context is not None
    address = ("127.0.0.1", hems.port)
    with (
        socket.create_connection(address) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as first,
    ):
        first.sendall(b"POST /acs HTTP/1.1\r\n\r\n")
        first.recv(100)
        ticket = first.session
    with (
        socket.create_connection(address) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1", session=ticket) as second,
    ):
        assert second.session_reused
        log.wait("connection", where=lambda event: event.facts.get("resumed") is True)


def test_requests_is_a_correct_cpe_too(log: Log) -> None:
    with Hems(log, "127.0.0.1", digest=("u", "p"), algorithms=("SHA-256",)) as hems:
        hems.play([SET])
        with requests.Session() as cpe:
            cpe.auth = HTTPDigestAuth("u", "p")
            assert cpe.post(hems.url, inform(), headers=dict(ENVELOPE_HEADERS)).ok
            request = cpe.post(hems.url)
            answer = message("SetParameterValuesResponse", STATUS_OK, id=id_of(request.content))
            assert cpe.post(hems.url, answer, headers=dict(ENVELOPE_HEADERS)).status_code == 204
            log.wait("session-end", where=lambda event: event.facts["ok"])
        assert hems.violations == []


def test_digest_and_redirect_and_port_of_ipv6(log: Log) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    with Hems(log, "::1", digest=("u", "p")) as hems, Cpe(hems.url, digest=("u", "p")) as cpe:
        assert hems.url == f"http://[::1]:{hems.port}/"
        cpe.post(inform())
        cpe.post()
        assert log.wait("session-end").facts["ok"]
        assert log.events("Inform")[0].facts["source"][0] == "::1"
        assert hems.violations == []


def test_client_certificate_is_asked_for(log: Log, tls_files: TlsFiles) -> None:
    tls = TlsFiles(tls_files.certificate, tls_files.key, client_ca=tls_files.certificate)
    context = ssl.create_default_context(cafile=tls_files.certificate)
    with Hems(log, "127.0.0.1", tls=tls) as hems:
        refusals = (ssl.SSLError, ConnectionError)
        with Cpe(hems.url, context=context) as anonymous, pytest.raises(refusals):
            anonymous.post(inform())
        context.load_cert_chain(tls_files.certificate, tls_files.key)
        with Cpe(hems.url, context=context) as known:
            assert known.post(inform()).status == 200
        assert hems.violations == []


def test_untrusted_certificate_is_an_attempt_that_may_have_failed(
    log: Log, tls_files: TlsFiles
) -> None:
    with Hems(log, "127.0.0.1", tls=tls_files) as hems:
        with (
            Cpe(hems.url, context=ssl.create_default_context()) as cpe,
            pytest.raises(ssl.SSLError),
        ):
            cpe.post(inform())
        log.wait("connection", where=lambda event: event.facts["state"] == "closed")
        trusting = ssl.create_default_context(cafile=tls_files.certificate)
        with Cpe(hems.url, context=trusting) as cpe:
            cpe.post(inform(retry_count=1))
        assert hems.violations == []


def test_several_connections_are_served_at_once(log: Log) -> None:
    with Hems(log, "127.0.0.1") as hems:
        cpes = [Cpe(hems.url) for _ in range(8)]
        for cpe in cpes:
            assert cpe.post(inform(retry_count=0)).status == 200
        cpes[-1].post()
        for cpe in cpes:
            cpe.close()
        log.wait("session-end", where=lambda event: event.facts["session"] == 8)
        assert [session.outcome for session in hems.sessions] == [Outcome.UNCLEAR] * 7 + [
            Outcome.OK
        ]
        assert hems.violations == []


# Wrong ones.


def talk(hems: Hems, *pieces: bytes) -> bytes:
    """Send bytes over a connection of one's own, close our half, and return what comes."""
    with socket.create_connection(("127.0.0.1", hems.port), 10 * PATIENCE) as sock:
        for piece in pieces:
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
        received = b""
        while data := sock.recv(65536):
            received += data
        return received


HEAD = (
    b"POST / HTTP/1.1\r\nHost: hems\r\nContent-Type: text/xml; charset=utf-8\r\n"
    b"SOAPAction: \r\nContent-Length: %d\r\n\r\n"
)


@pytest.mark.parametrize(
    ("pieces", "sentence"),
    [
        ([HEAD % 10, b"short"], "the connection was closed in the midst of a request"),
        ([b"POST / HT"], "the connection was closed in the midst of a request"),
        ([b"hello\r\n\r\n"], "'hello' is no request line"),
        ([b"POST / HTTP/1.1\r\nHost: a\r\n\r\n"], "0 Content-Length headers on a POST"),
        ([b"x" * 70000], "no end of the head in 65536 bytes"),
        ([b"\x16\x03\x01\x02\x00\x01\r\n\r\n"], "is no request line"),
    ],
)
def test_what_is_no_request_is_a_violation(log: Log, pieces: list[bytes], sentence: str) -> None:
    with Hems(log, "127.0.0.1") as hems:
        talk(hems, *pieces)
        log.wait("violation")
    (violation,) = hems.violations
    assert sentence in violation


def test_bytes_before_the_answer_are_a_violation(log: Log) -> None:
    body = inform()
    with Hems(log, "127.0.0.1") as hems:
        with socket.create_connection(("127.0.0.1", hems.port), 10 * PATIENCE) as sock:
            sock.sendall(HEAD % len(body) + body + b"POST / HTTP/1.1\r\n")
            assert sock.recv(12) == b"HTTP/1.1 200"
        assert log.wait("violation").text.endswith("bytes before the answer to the request")


def test_wrong_length_shows_as_bytes_before_the_answer(log: Log) -> None:
    body = inform() + b"\n"
    with Hems(log, "127.0.0.1") as hems:
        with socket.create_connection(("127.0.0.1", hems.port), 10 * PATIENCE) as sock:
            sock.sendall(HEAD % (len(body) - 1) + body)
            assert sock.recv(12) == b"HTTP/1.1 200"
        assert log.wait("violation").text.endswith("bytes before the answer to the request")


def test_expectation_of_100_continue_is_met(log: Log) -> None:
    body = inform()
    with Hems(log, "127.0.0.1") as hems:
        with socket.create_connection(("127.0.0.1", hems.port), 10 * PATIENCE) as sock:
            head = HEAD.replace(b"Host", b"Expect: 100-continue\r\nHost")
            sock.sendall(head % len(body))
            assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(body)
            assert sock.recv(12) == b"HTTP/1.1 200"
        assert hems.violations == []


def test_wrong_password_is_refused_and_noted(log: Log) -> None:
    with Hems(log, "127.0.0.1", digest=("u", "p")) as hems:
        with Cpe(hems.url, digest=("u", "guess")) as cpe:
            assert cpe.post(inform()).status == 401
        log.wait("connection", where=lambda event: event.facts["state"] == "closed")
        assert hems.sessions == ()
        assert hems.take_violations() == ["connection 1: the Digest has a wrong response"]
        with Cpe(hems.url, digest=("u", "p")) as cpe:
            assert cpe.post(inform(retry_count=1)).status == 200
        assert hems.violations == []


def test_program_prints_what_it_sees(tls_files: TlsFiles) -> None:
    options = ["--tls", str(tls_files.certificate), str(tls_files.key), "--digest", "u:p"]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.lab.hems", "--address", "127.0.0.1", *options],
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        url = program.stdout.readline().split()[-1]
        context = ssl.create_default_context(cafile=tls_files.certificate)
        with Cpe(url, digest=("u", "p"), context=context) as cpe:
            cpe.post(inform())
            cpe.post()
        program.send_signal(signal.SIGTERM)
        printed = program.stdout.read()
    assert program.returncode == 0
    assert "Inform  0 BOOTSTRAP, 1 BOOT  DeviceId 00256D/HeNB/000001  from 127.0.0.1" in printed
    assert "end of session 1: ok" in printed
    assert "1 sessions, 0 violations" in printed
