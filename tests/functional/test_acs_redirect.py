"""Where a HeMS sends us instead, and which of its addresses we end at."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from henbd.system.acs import Answer, TlsFiles
from henbd.system.channel import MOST_REDIRECTS
from tests.functional.hems_client import Client
from tests.functional.http_server import Script, Server, Visit, mute, polite, wait_until
from tests.functional.tls import self_signed
from tests.lab.hems import TlsFiles as Files

CHALLENGE = 'WWW-Authenticate: Digest realm="HeMS", nonce="n", qop="auth"'


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.acs.close()


def away(location: Callable[[], str], status: str = "302 Found", *headers: str) -> Script:
    """Return what answers everything with one redirect."""

    def script(visit: Visit) -> None:
        while visit.request():
            visit.reply(b"go on", status, f"Location: {location()}", *headers)

    return script


def sends(location: Callable[[], str], status: str = "302 Found", *headers: str) -> Server:
    """Return a HeMS that does that."""
    return Server(away(location, status, *headers))


def secured(folder: Path, address: str) -> tuple[Files, ssl.SSLContext]:
    """Return a certificate for an address, and what a HeMS shows it with."""
    files = self_signed(folder, f"IP:{address}")
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(files.certificate, files.key)
    return files, secure


def exchanging() -> int:
    """Count the threads that wait for a HeMS, or for work."""
    return sum(thread.name == "exchange" for thread in threading.enumerate())


@pytest.mark.conformance("C027")
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_holds_for_the_session_and_has_the_same_body(
    client: Client, status: str
) -> None:
    with (
        Server(polite) as there,
        sends(lambda: f"http://127.0.0.1:{there.port}/there?y=2", status) as here,
    ):
        for _ in range(2):
            client.open(f"http://127.0.0.1:{here.port}/acs")
            assert client.post(b"<inform/>") == Answer(200, b"<inform/>")
            assert client.post(b"<more/>") == Answer(200, b"<more/>")
            assert client.post(b"") == Answer(200, b"")
            client.acs.end()
    assert [r.body for r in here.requests] == [b"<inform/>"] * 2
    assert [r.body for r in there.requests] == [b"<inform/>", b"<more/>", b""] * 2
    assert [r.connection for r in there.requests] == [0, 0, 0, 1, 1, 1]
    assert {r.line for r in there.requests} == {"POST /there?y=2 HTTP/1.1"}
    first = there.requests[0].headers
    assert first["host"] == f"127.0.0.1:{there.port}"
    assert first["content-type"] == "text/xml; charset=utf-8"
    assert first["soapaction"] == ""


@pytest.mark.conformance("C027")
def test_any_post_of_a_session_may_be_redirected(client: Client) -> None:
    def script(visit: Visit) -> None:
        while request := visit.request():
            if request.body == b"third" and request.line.startswith("POST /acs "):
                visit.reply(b"", "307 Temporary Redirect", "Location: /node/2")
            else:
                visit.reply(request.body)

    with Server(script) as server:
        client.open(f"http://127.0.0.1:{server.port}/acs")
        for body in (b"first", b"second", b"third", b"fourth"):
            assert client.post(body) == Answer(200, body)
        client.acs.end()
    paths = [r.line.split()[1] for r in server.requests]
    assert paths == ["/acs", "/acs", "/acs", "/node/2", "/node/2"]
    # A redirect within one server needs no other connection.
    assert {r.connection for r in server.requests} == {0}


@pytest.mark.conformance("C027")
@pytest.mark.conformance("C028")
@pytest.mark.parametrize("times", [MOST_REDIRECTS, MOST_REDIRECTS + 1])
def test_so_many_redirects_in_a_row_are_followed_and_no_more(client: Client, times: int) -> None:
    def script(visit: Visit) -> None:
        while request := visit.request():
            number = int(request.line.split()[1][1:])
            if number < times:
                visit.reply(b"", "302 Found", f"Location: /{number + 1}")
            else:
                visit.reply(b"here")

    with Server(script) as server:
        client.open(f"http://127.0.0.1:{server.port}/0")
        if times > MOST_REDIRECTS:
            assert client.fail().endswith("over 5 redirects in a row")
        else:
            assert client.post() == Answer(200, b"here")
        client.acs.abort()
    assert len(server.requests) == MOST_REDIRECTS + 1


@pytest.mark.conformance("C028")
@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("", "a redirect without a Location"),
        ("ftp://127.0.0.1/", "no http or https URL of a host"),
        ("http://[nonsense/", "Invalid IPv6 URL"),
        ("http://no-such-host.invalid/", "no-such-host.invalid: "),
        ("http://[::1]:7547/", "::1 cannot be reached from 127.0.0.1"),
    ],
)
def test_a_redirect_to_nowhere_is_a_failure(client: Client, location: str, why: str) -> None:
    with sends(lambda: location) as server:
        client.open(f"http://127.0.0.1:{server.port}/", source="127.0.0.1")
        assert why in client.fail()
        client.acs.abort()


@pytest.mark.conformance("C026")
def test_another_host_is_told_neither_unasked_who_we_are_nor_our_cookies(client: Client) -> None:
    def asking(visit: Visit) -> None:
        while request := visit.request():
            if "authorization" in request.headers:
                there = f"Location: http://127.0.0.2:{other.port}/"
                visit.reply(b"", "302 Found", there, "Set-Cookie: s=1")
            else:
                visit.reply(b"", "401 Unauthorized", CHALLENGE, "Set-Cookie: a=1; Domain=0.0.1")

    with Server(polite, host="127.0.0.2") as other, Server(asking) as server:
        client.open(f"http://127.0.0.1:{server.port}/", username="henb", password="secret")
        assert client.post() == Answer(200, b"<soap/>")
        client.acs.end()
        client.open(f"http://127.0.0.1:{server.port}/", username="henb", password="secret")
        client.post()
        client.acs.end()
    for request in other.requests:
        assert not request.headers.keys() & {"authorization", "cookie"}
    # What was learnt of the first is known in the next session.
    assert ["authorization" in r.headers for r in server.requests] == [False, True, True]


@pytest.mark.conformance("C022", "C027")
def test_a_node_of_another_name_is_answered_its_challenge(client: Client) -> None:
    """A farm of HeMS that all ask for Digest, behind one that sends each box to its own."""

    def node(visit: Visit) -> None:
        while request := visit.request():
            if 'username="henb"' in request.headers.get("authorization", ""):
                visit.reply(request.body)
            else:
                visit.reply(b"", "401 Unauthorized", CHALLENGE)

    with (
        Server(node, host="127.0.0.2") as there,
        sends(lambda: f"http://127.0.0.2:{there.port}/", "307 Temporary Redirect") as here,
    ):
        client.open(f"http://127.0.0.1:{here.port}/", username="henb", password="secret")
        for body in (b"<inform/>", b""):
            assert client.post(body) == Answer(200, body)
        client.acs.end()
    assert ["authorization" in r.headers for r in there.requests] == [False, True, True]


@pytest.mark.conformance("C026")
def test_another_port_of_the_same_host_is(client: Client) -> None:
    def asking(visit: Visit) -> None:
        while request := visit.request():
            if "authorization" in request.headers:
                visit.reply(b"", "200 OK")
            else:
                visit.reply(b"", "401 Unauthorized", CHALLENGE)

    with (
        Server(asking) as other,
        sends(lambda: f"http://127.0.0.1:{other.port}/", "302 Found", "Set-Cookie: s=1") as server,
    ):
        client.open(f"http://127.0.0.1:{server.port}/", username="henb", password="secret")
        assert client.post() == Answer(200, b"")
        client.acs.end()
    assert [r.headers.get("cookie") for r in other.requests] == ["s=1", "s=1"]


@pytest.mark.conformance("C016")
def test_tls_is_entered_by_a_redirect_and_never_left(tmp_path: Path) -> None:
    files, secure = secured(tmp_path, "127.0.0.1")

    def out(visit: Visit) -> None:
        while request := visit.request():
            if request.body == b"stay":
                visit.reply(request.body)
            else:
                visit.reply(b"", "302 Found", f"Location: http://127.0.0.1:{plain.port}/")

    client = Client(TlsFiles(str(files.certificate), None, None))
    with ExitStack() as stack:
        stack.callback(client.acs.close)
        inside = stack.enter_context(Server(out, context=secure))
        plain = stack.enter_context(sends(lambda: f"https://127.0.0.1:{inside.port}/"))
        client.open(f"http://127.0.0.1:{plain.port}/")
        assert client.post(b"stay") == Answer(200, b"stay")
        assert client.fail(b"go").endswith("leaves TLS")
        client.acs.abort()
    assert [r.body for r in plain.requests] == [b"stay"]
    assert [r.body for r in inside.requests] == [b"stay", b"go"]


@pytest.mark.conformance("C011")
def test_the_name_in_the_redirect_is_the_one_that_is_verified(tmp_path: Path) -> None:
    files, secure = secured(tmp_path, "127.0.0.9")
    client = Client(TlsFiles(str(files.certificate), None, None))
    with ExitStack() as stack:
        stack.callback(client.acs.close)
        inside = stack.enter_context(Server(polite, context=secure))
        plain = stack.enter_context(sends(lambda: f"https://127.0.0.1:{inside.port}/"))
        client.open(f"http://127.0.0.1:{plain.port}/")
        assert "IP address mismatch" in client.fail()
        client.acs.abort()


@pytest.mark.conformance("C011")
def test_the_ticket_of_the_hems_is_of_no_use_where_it_sends_us(tmp_path: Path) -> None:
    files, secure = secured(tmp_path, "127.0.0.1")

    client = Client(TlsFiles(str(files.certificate), None, None))
    with ExitStack() as stack:
        stack.callback(client.acs.close)
        there = stack.enter_context(Server(polite, host="127.0.0.2", context=secure))
        sent = away(lambda: f"https://127.0.0.2:{there.port}/")
        here = stack.enter_context(Server(polite, sent, context=secure))
        client.open(f"https://127.0.0.1:{here.port}/")
        client.post()
        client.acs.end()
        client.open(f"https://127.0.0.1:{here.port}/")
        assert "IP address mismatch" in client.fail()
        client.acs.abort()
    assert here.resumed == [False, True]


@pytest.mark.conformance("C011")
def test_the_ticket_of_where_the_hems_sends_us_is_of_no_use_to_it(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    files, secure = secured(tmp_path / "here", "127.0.0.1")
    other_files, other = secured(tmp_path, "127.0.0.2")
    both = tmp_path / "both.pem"
    both.write_bytes(files.certificate.read_bytes() + other_files.certificate.read_bytes())

    client = Client(TlsFiles(str(both), None, None))
    with ExitStack() as stack:
        stack.callback(client.acs.close)
        there = stack.enter_context(Server(polite, host="127.0.0.2", context=other))
        sent = away(lambda: f"https://127.0.0.2:{there.port}/")
        with Server(sent, context=secure) as here:
            client.open(f"https://127.0.0.1:{here.port}/")
            client.post()
            client.acs.end()
        with Server(polite, port=here.port, context=other):
            client.open(f"https://127.0.0.1:{here.port}/")
            assert "IP address mismatch" in client.fail()
            client.acs.abort()


@pytest.mark.conformance("C006")
def test_other_addresses_are_tried_and_the_one_that_answers_is_kept(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="henbd")

    def closing(visit: Visit) -> None:
        visit.reply(visit.request().body, "200 OK", "Connection: close")

    with Server(closing, host="127.0.0.3") as server:
        client.open(
            f"http://hems.lab:{server.port}/",
            "127.0.0.1",
            "127.0.0.5",
            others=("127.0.0.2", "127.0.0.3", "127.0.0.4"),
        )
        assert client.post() == Answer(200, b"<soap/>")
        assert client.post() == Answer(200, b"<soap/>")
        client.acs.end()
        assert server.peers == ["127.0.0.5"] * 2
        client.open(f"http://hems.lab:{server.port}/", "127.0.0.1", others=("127.0.0.2",))
        assert client.fail() == f"127.0.0.2:{server.port}: connection refused"
        client.acs.abort()
    assert [r.message for r in caplog.records] == [
        f"127.0.0.{n}:{server.port}: connection refused; the next address is tried"
        for n in (1, 2, 1)
    ]


@pytest.mark.conformance("C006")
def test_an_address_to_which_nothing_leads_is_passed_over_at_once(client: Client) -> None:
    with Server(polite) as server:
        client.open(f"http://hems.lab:{server.port}/", "::ffff:0:0", others=("127.0.0.1",))
        assert client.post() == Answer(200, b"<soap/>")
        client.acs.end()


@pytest.mark.conformance("C025")
def test_cookies_are_many_and_long_but_not_without_end(client: Client) -> None:
    def script(visit: Visit) -> None:
        number = 0
        while visit.request():
            number += 1
            cookies = [f"Set-Cookie: c{number}-{n}={'x' * 600}" for n in range(20)]
            visit.reply(b"", "200 OK", *cookies)

    with Server(script) as server:
        client.open(f"http://127.0.0.1:{server.port}/")
        for _ in range(5):
            client.post()
        assert len(server.requests[4].headers["cookie"].split("; ")) == 80
        assert client.fail().endswith("over 65536 bytes of cookies")
        client.acs.abort()
        client.open(f"http://127.0.0.1:{server.port}/")
        client.post()
        client.acs.end()
    assert "cookie" not in server.requests[6].headers


def test_an_abort_reaches_where_a_redirect_has_led(client: Client) -> None:
    with (
        Server(mute, host="127.0.0.2") as silent,
        sends(lambda: f"http://127.0.0.2:{silent.port}/") as server,
    ):
        for _ in range(2):
            seen = len(silent.peers)
            client.open(f"http://127.0.0.1:{server.port}/")
            client.acs.post(b"x")
            wait_until(client.doorbell, lambda: len(silent.peers) > seen, "the redirect")  # noqa: B023
            client.acs.abort()
            client.tick()
        # The threads that were left have ended by themselves.
        wait_until(client.doorbell, lambda: exchanging() == 2, "the end of the threads")
        assert not client.outcomes


@pytest.mark.conformance("C025")
def test_cookies_are_kept_by_the_rules_they_came_with(client: Client) -> None:
    kept = (
        "plain=1",
        'quoted="a b"; path=/; HTTPONLY; SameSite=Lax; Priority=High',
        "dated=3; Expires=Wed, 01-Jan-2070 00:00:00 GMT; Max-Age=60",
        "here=4; Path=/acs",
    )
    gone = (
        "past=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "aged=6; Max-Age=0",
        "there=7; Path=/elsewhere",
        "foreign=8; Domain=hems.example",
        "safe=9; Secure",
        "",
    )

    def script(visit: Visit) -> None:
        first = [f"Set-Cookie: {text}" for text in (*kept, *gone)]
        visit.request()
        visit.reply(b"", "200 OK", *first, 'Set-Cookie2: old=10; Version="1"')
        visit.request()
        visit.reply(b"", "200 OK", "Set-Cookie: plain=; Max-Age=0", "Set-Cookie: dated=new")
        while visit.request():
            visit.reply()

    with Server(script) as server:
        client.open(f"http://127.0.0.1:{server.port}/acs")
        for _ in range(3):
            client.post()
        client.acs.end()
    said = [sorted(r.headers.get("cookie", "").split("; ")) for r in server.requests]
    assert said == [
        [""],
        ["dated=3", "here=4", "plain=1", 'quoted="a b"'],
        ["dated=new", "here=4", 'quoted="a b"'],
    ]
