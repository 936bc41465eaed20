"""Whom we speak to over TLS, and as whom."""

from __future__ import annotations

import base64
import errno
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from henbd.errors import ConfigurationError
from henbd.system import tls
from henbd.system.acs import Answer, TlsFiles
from tests.functional.hems_client import NO_FILES, Client
from tests.functional.http_server import Server, Visit, mute, polite
from tests.functional.tls import self_signed
from tests.lab import pki
from tests.lab.namespaces import run
from tests.lab.pki import HEMS_ADDRESS, HEMS_NAME, KeyPair, Pki

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return pki.make(tmp_path_factory.mktemp("pki") / "keys")


@pytest.fixture
def files(keys: Pki) -> TlsFiles:
    return TlsFiles(str(keys.tls_ca.certificate), None, None)


def context(pair: KeyPair, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pair.certificate, pair.key)
    if version is not None:
        made.minimum_version = made.maximum_version = version
    return made


def url(server: Server, host: str = HEMS_NAME) -> str:
    return f"https://{host}:{server.port}/acs"


@contextmanager
def using(files: TlsFiles) -> Iterator[Client]:
    client = Client(files)
    try:
        yield client
    finally:
        client.acs.close()


def talk(client: Client, server: Server, host: str = HEMS_NAME) -> None:
    """Hold a session of two exchanges."""
    client.open(url(server, host))
    assert client.post() == Answer(200, b"<soap/>")
    assert client.post(b"") == Answer(200, b"")
    client.acs.end()


def refused(client: Client, server: Server, host: str = HEMS_NAME) -> str:
    """Begin a session in vain, and return why, without the URL before it."""
    client.open(url(server, host))
    failure = client.fail()
    client.acs.abort()
    start = f"https://{host}:{server.port}: "
    assert failure.startswith(start)
    return failure.removeprefix(start)


@pytest.mark.conformance("C010")
@pytest.mark.conformance("C011")
@pytest.mark.conformance("C014")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("host", [HEMS_NAME, HEMS_ADDRESS])
def test_the_host_of_the_url_is_verified_whatever_its_address(
    keys: Pki, files: TlsFiles, version: ssl.TLSVersion, host: str
) -> None:
    asked: list[str | None] = []
    secure = context(keys.hems, version)
    secure.sni_callback = lambda _socket, name, _context: asked.append(name)
    with Server(polite, context=secure) as server, using(files) as client:
        talk(client, server, host)
    assert asked == [HEMS_NAME if host == HEMS_NAME else None]
    assert [r.connection for r in server.requests] == [0, 0]
    assert server.requests[0].headers["host"] == f"{host}:{server.port}"


@pytest.mark.conformance("C011")
@pytest.mark.conformance("C012")
@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ("hems_wrong_name", f"Hostname mismatch, certificate is not valid for '{HEMS_NAME}'"),
        ("hems_expired", "certificate has expired"),
        ("hems_stranger", "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_that_is_not_right_is_refused(
    keys: Pki, files: TlsFiles, pair: str, why: str
) -> None:
    with Server(polite, context=context(getattr(keys, pair))) as server, using(files) as client:
        assert refused(client, server) == f"certificate verify failed: {why}"
    assert not server.requests


@pytest.mark.conformance("C010")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
def test_no_older_version_of_tls_is_spoken(keys: Pki, files: TlsFiles) -> None:
    old = context(keys.hems)
    # Else OpenSSL itself would not offer it.
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with Server(polite, context=old) as server, using(files) as client:
        assert refused(client, server).startswith("TLS: ")
    assert not server.requests


@pytest.mark.conformance("C013")
def test_without_a_clock_dates_alone_do_not_count(keys: Pki, files: TlsFiles) -> None:
    for pair, why in (
        ("hems_expired", None),
        ("hems_wrong_name", "Hostname mismatch"),
        ("hems_stranger", "unable to get local issuer"),
    ):
        secure = context(getattr(keys, pair))
        with Server(polite, context=secure) as server, using(files) as client:
            client.open(url(server), passed=LONG_AGO)
            if why is None:
                assert client.post() == Answer(200, b"<soap/>")
            else:
                assert why in client.fail()
            client.acs.abort()
            if why is None:
                # What was taken on trust then is looked at when the clock is set.
                assert "certificate has expired" in refused(client, server)


@pytest.mark.conformance("C013")
def test_without_a_clock_a_certificate_that_has_ended_for_sure_is_refused(
    keys: Pki, files: TlsFiles
) -> None:
    end = expiry(keys.hems_expired)
    with Server(polite, context=context(keys.hems_expired)) as server, using(files) as client:
        for _ in range(2):
            # Also of a session that could be resumed.
            client.open(url(server), passed=end)
            client.post()
            client.acs.end()
        client.open(url(server), passed=end + timedelta(seconds=1))
        assert (
            client.fail()
            == f"{url(server)[:-4]}: certificate has expired, whatever the clock shows"
        )
        client.acs.abort()
    assert len(server.requests) == 2


def expiry(pair: KeyPair) -> datetime:
    told = run("openssl", "x509", "-in", str(pair.certificate), "-noout", "-enddate")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(told.strip().partition("=")[2]), UTC)


@pytest.mark.conformance("C013")
def test_a_ticket_taken_on_trust_is_no_good_when_the_clock_is_set(
    keys: Pki, files: TlsFiles
) -> None:
    with Server(polite, context=context(keys.hems)) as server, using(files) as client:
        for passed in (LONG_AGO, LONG_AGO, None, None, LONG_AGO):
            client.open(url(server), passed=passed)
            client.post()
            client.acs.end()
    assert server.resumed == [False, True, False, True, False]


def test_without_a_file_of_authorities_those_of_the_system_count(keys: Pki) -> None:
    with Server(polite, context=context(keys.hems)) as server, using(NO_FILES) as client:
        why = "certificate verify failed: unable to get local issuer certificate"
        assert refused(client, server) == why


def test_the_address_in_the_url_has_to_be_in_the_certificate(keys: Pki, files: TlsFiles) -> None:
    with Server(polite, context=context(keys.hems)) as server, using(files) as client:
        assert "IP address mismatch" in refused(client, server, "127.0.0.1")


def test_a_hems_without_tls_is_refused(files: TlsFiles) -> None:
    def script(visit: Visit) -> None:
        visit.socket.recv(65536)
        visit.socket.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with Server(script) as server, using(files) as client:
        assert refused(client, server) == "TLS: wrong version number"


@pytest.mark.conformance("C015")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_our_certificate_is_shown_to_a_hems_that_asks(
    keys: Pki, files: TlsFiles, version: ssl.TLSVersion
) -> None:
    subjects = []

    def script(visit: Visit) -> None:
        assert isinstance(visit.socket, ssl.SSLSocket)
        subjects.append(visit.socket.getpeercert())
        polite(visit)

    secure = context(keys.hems, version)
    secure.verify_mode = ssl.CERT_REQUIRED
    secure.load_verify_locations(keys.ike_ca.certificate)
    pair = TlsFiles(files.ca_file, str(keys.henb.certificate), str(keys.henb.key))
    with Server(script, context=secure) as server:
        with using(pair) as client:
            talk(client, server)
        with using(files) as client:
            # With TLS 1.2 the handshake fails, with TLS 1.3 the exchange does.
            assert refused(client, server).startswith("TLS: ")
    assert [subject["subjectAltName"] for subject in subjects if subject] == [
        (("DNS", pki.HENB_ID),)
    ]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "closed"])
def test_the_next_session_resumes_with_the_ticket_of_the_last(
    keys: Pki, files: TlsFiles, version: ssl.TLSVersion, keeps: bool
) -> None:
    def script(visit: Visit) -> None:
        while visit.request():
            visit.reply(b"", "200 OK", *([] if keeps else ["Connection: close"]))
            if not keeps:
                return

    with Server(script, context=context(keys.hems, version)) as server, using(files) as client:
        for _ in range(3):
            client.open(url(server))
            client.post()
            client.acs.end()
    assert server.resumed == [False, True, True]


def test_what_the_next_session_says_first_is_made_when_the_last_has_ended(
    keys: Pki, files: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted(*arguments: Any) -> tls.Greeting:
        made.append(greeting(*arguments))
        return made[-1]

    greeting = tls.greeting
    monkeypatch.setattr(tls, "greeting", counted)
    with Server(polite, context=context(keys.hems)) as server, using(files) as client:
        for session in range(3):
            client.open(url(server))
            client.post()
            assert len(made) == 1 + session
            client.acs.end()
    assert server.resumed == [False, True, True]
    assert [each.hello for each in made[:-1]] == server.hellos


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_nothing_is_said_first_twice(keys: Pki, files: TlsFiles, version: ssl.TLSVersion) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.reply(b"", "200 OK", "Connection: close")

    with Server(script, context=context(keys.hems, version)) as server, using(files) as client:
        for _ in range(3):
            client.open(url(server))
            client.post()
            client.post(b"")
            client.acs.end()
    assert server.resumed == [False] + [True] * 5
    # RFC 8446 4.1.2: the random bytes of a ClientHello.
    assert len({hello[11:43] for hello in server.hellos}) == 6


def test_what_was_made_ready_is_not_said_by_other_rules(keys: Pki, files: TlsFiles) -> None:
    with Server(polite, context=context(keys.hems)) as server, using(files) as client:
        talk(client, server)
        client.acs.trust(TlsFiles(str(keys.ike_ca.certificate), None, None))
        assert "unable to get local issuer" in refused(client, server)
        client.acs.trust(files)
        talk(client, server)
    assert server.resumed[0] is server.resumed[-1] is False


def test_where_nothing_can_be_made_ready_the_next_session_makes_its_own(
    keys: Pki, files: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(polite, context=context(keys.hems)) as server, using(files) as client:
        with monkeypatch.context() as without:
            client.open(url(server))
            client.post()
            without.setattr(socket, "socketpair", no_descriptor)
            client.acs.end()
            client.open(url(server))
            assert client.fail().endswith(": too many open files")
            client.acs.end()
        talk(client, server)
    assert server.resumed == [False, False]


def no_descriptor() -> NoReturn:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_a_long_ticket_is_given_back_whole(keys: Pki, tmp_path: Path) -> None:
    """A HeMS may keep our certificate in it; OpenSSL hands on 4 KiB at a time."""
    ours = self_signed(tmp_path, ",".join(f"DNS:{number:060}.lab" for number in range(200)))
    asking = context(keys.hems, ssl.TLSVersion.TLSv1_3)
    asking.verify_mode = ssl.CERT_REQUIRED
    asking.load_verify_locations(ours.certificate)
    files = TlsFiles(str(keys.tls_ca.certificate), str(ours.certificate), str(ours.key))
    with Server(polite, context=asking) as server, using(files) as client:
        for _ in range(3):
            talk(client, server)
    assert server.resumed == [False, True, True]
    assert len(server.hellos[-1]) > 8192


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_hems_that_has_forgotten_its_tickets_is_spoken_to_all_the_same(
    keys: Pki, files: TlsFiles, version: ssl.TLSVersion
) -> None:
    with using(files) as client:
        with Server(polite, context=context(keys.hems, version)) as server:
            talk(client, server)
            talk(client, server)
            port = server.port
        with Server(polite, port=port, context=context(keys.hems, version)) as restarted:
            talk(client, restarted)
            talk(client, restarted)
    assert server.resumed == [False, True]
    assert restarted.resumed == [False, True]


def test_a_ticket_is_good_for_one_name_alone(keys: Pki, files: TlsFiles) -> None:
    with Server(polite, context=context(keys.hems)) as server, using(files) as client:
        talk(client, server)
        assert "Hostname mismatch" in refused(client, server, "other.lab")
        talk(client, server)
    assert server.resumed == [False, False]


def test_a_ticket_outlives_an_abort(keys: Pki, files: TlsFiles) -> None:
    def script(visit: Visit) -> None:
        visit.reply(visit.request().body)
        visit.request()
        mute(visit)

    with Server(script, polite, context=context(keys.hems)) as server, using(files) as client:
        client.open(url(server))
        client.post()
        client.acs.post(b"never answered")
        client.turn(0.05)
        client.acs.abort()
        talk(client, server)
    assert server.resumed == [False, True]


@pytest.mark.conformance("C022")
@pytest.mark.conformance("C023")
@pytest.mark.conformance("C024")
def test_basic_is_given_over_tls_to_who_asks_for_nothing_better(keys: Pki, files: TlsFiles) -> None:
    words = "Basic " + base64.b64encode("hénb:pass:wörd".encode()).decode()

    def script(visit: Visit) -> None:
        while request := visit.request():
            if request.headers.get("authorization") == words:
                visit.reply(request.body)
            else:
                visit.reply(b"", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"')

    with Server(script, context=context(keys.hems)) as server, using(files) as client:
        for password, statuses in (("pass:wörd", [200, 200]), ("wrong", [401, 401])):
            client.open(url(server), username="hénb", password=password)
            assert [client.post().status for _ in range(2)] == statuses
            client.acs.end()
    # Each wrong answer is given once.
    assert len(server.requests) == 3 + 3


def test_files_of_no_use_are_told(keys: Pki, tmp_path: Path) -> None:
    noise = tmp_path / "noise.pem"
    noise.write_text("no certificate")
    locked = tmp_path / "locked.key"
    lock = ("openssl", "ec", "-aes256", "-passout", "pass:x")
    run(*lock, "-in", str(keys.henb.key), "-out", str(locked))
    certificate, other = str(keys.henb.certificate), str(keys.hems.key)
    without = f"{certificate}: no certificate with the key"
    for given, text in (
        (TlsFiles("/nowhere", None, None), "/nowhere: no such file or directory"),
        (TlsFiles(str(noise), None, None), f"{noise}: TLS: no certificate or crl found"),
        (TlsFiles(None, certificate, other), f"{without} {other}: TLS: key values mismatch"),
        (TlsFiles(None, certificate, str(locked)), f"{without} {locked}: TLS: "),
        (TlsFiles(None, certificate, "/none"), f"{without} /none: no such file or directory"),
    ):
        with pytest.raises(ConfigurationError) as error:
            Client(given)
        assert str(error.value).startswith(text)


def test_files_that_go_away_later_were_read_at_the_start(keys: Pki, tmp_path: Path) -> None:
    copy = tmp_path / "authority.pem"
    copy.write_bytes(keys.tls_ca.certificate.read_bytes())
    with (
        Server(polite, context=context(keys.hems_expired)) as server,
        using(TlsFiles(str(copy), None, None)) as client,
    ):
        copy.unlink()
        client.open(url(server), passed=LONG_AGO)
        assert client.post() == Answer(200, b"<soap/>")
