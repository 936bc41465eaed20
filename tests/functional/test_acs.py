"""HTTP exchanges with a HeMS on a real connection."""

from __future__ import annotations

import gzip
import hashlib
import re
import socket
import time
import zlib
from collections.abc import Iterator

import pytest

from henbd.cwmp.bounds import LARGEST_BYTES
from henbd.errors import ExchangeError
from henbd.system import channel
from henbd.system.acs import Answer
from tests.functional.hems_client import Client
from tests.functional.http_server import Request, Script, Server, Visit, mute, polite
from tests.lab.namespaces import namespaces


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.acs.close()


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/acs?x=1"


def ask(visit: Visit) -> None:
    """Take a request, and go."""
    visit.request()


def wait(visit: Visit) -> None:
    """Take a request, and keep the client waiting."""
    visit.request()
    visit.request()


@pytest.mark.conformance("C009")
@pytest.mark.conformance("C019")
@pytest.mark.conformance("C021")
@pytest.mark.conformance("C029")
def test_an_envelope_is_posted_as_soap_and_an_empty_post_as_nothing(client: Client) -> None:
    with Server(polite) as server:
        client.open(url(server))
        assert client.post(b"<x>\xc3\xa9</x>") == Answer(200, b"<x>\xc3\xa9</x>")
        assert client.post(b"") == Answer(200, b"")
        client.acs.end()
    envelope, empty = server.requests
    assert envelope.line == empty.line == "POST /acs?x=1 HTTP/1.1"
    assert envelope.headers["host"] == f"127.0.0.1:{server.port}"
    assert envelope.headers["content-type"] == "text/xml; charset=utf-8"
    assert envelope.headers["soapaction"] == ""
    assert envelope.headers["content-length"] == "9"
    assert empty.headers["content-length"] == "0"
    assert not empty.headers.keys() & {"content-type", "soapaction", "transfer-encoding"}
    assert envelope.headers["accept-encoding"] == "identity"
    assert [r.connection for r in server.requests] == [0, 0]


@pytest.mark.conformance("C019")
@pytest.mark.conformance("C025")
@pytest.mark.conformance("C026")
def test_each_session_has_its_own_connection_and_its_own_cookies(client: Client) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.reply(b"", "200 OK", "Set-Cookie: a=1; Path=/", "Set-Cookie: b=2; Path=/elsewhere")
        while visit.request():
            visit.reply()

    with Server(script) as server:
        for _ in range(2):
            client.open(url(server))
            client.post()
            client.post()
            client.acs.end()
    assert [r.connection for r in server.requests] == [0, 0, 1, 1]
    assert [r.headers.get("cookie") for r in server.requests] == [None, "a=1", None, "a=1"]


@pytest.mark.conformance("C018")
@pytest.mark.conformance("C025")
@pytest.mark.parametrize("how", ["announced", "unannounced", "while we write"])
def test_a_hems_that_closes_between_messages_is_connected_to_again(
    client: Client, how: str
) -> None:
    def script(visit: Visit) -> None:
        close = ["Connection: close"] if how == "announced" else []
        visit.request()
        visit.reply(b"one", "200 OK", f"Set-Cookie: n={visit.number}", *close)
        if how == "while we write":
            # It takes the first bytes of the next request before it is gone.
            visit.socket.recv(1)

    with Server(script) as server:
        client.open(url(server), source="127.0.0.2")
        for _ in range(5):
            assert client.post() == Answer(200, b"one")
            client.turn(0.05)
        client.acs.end()
    assert server.peers == ["127.0.0.2"] * 5
    assert [r.connection for r in server.requests] == [0, 1, 2, 3, 4]
    cookies = [r.headers.get("cookie") for r in server.requests]
    assert cookies == [None, "n=0", "n=1", "n=2", "n=3"]


def test_a_fresh_connection_that_is_closed_is_not_tried_twice(client: Client) -> None:
    with Server(ask) as server:
        client.open(url(server))
        assert (
            client.fail() == f"http://127.0.0.1:{server.port}: connection closed without an answer"
        )
        client.acs.abort()
    assert len(server.peers) == 1


def takes_some(visit: Visit) -> None:
    # What is unread when it closes has it reset the connection.
    visit.socket.recv(10)


@pytest.mark.conformance("C056")
@pytest.mark.parametrize(
    ("script", "body", "unsent"),
    [(takes_some, bytes(4_000_000), True), (ask, b"one", False), (mute, b"one", False)],
    ids=["gone while we write", "takes it and goes", "says nothing"],
)
def test_it_is_known_whether_a_message_has_left(
    client: Client, script: Script, body: bytes, unsent: bool
) -> None:
    with Server(script) as server:
        client.open(url(server))
        assert client.failure(body, wait_s=0.5).unsent is unsent
        client.acs.abort()


@pytest.mark.conformance("C056")
def test_nothing_leaves_for_a_hems_that_is_gone_between_messages(client: Client) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.reply(b"one")

    with Server(script) as server:
        client.open(url(server))
        assert client.post() == Answer(200, b"one")
    assert client.failure().unsent
    client.acs.abort()


def test_nor_is_one_behind_a_connection_that_was_kept(client: Client) -> None:
    def closing(visit: Visit) -> None:
        visit.request()
        visit.reply(b"", "200 OK", "Connection: close")

    with Server(closing, ask, polite) as server:
        client.open(url(server))
        client.post()
        assert "connection closed without an answer" in client.fail()
        client.acs.abort()
    assert len(server.peers) == 2


@pytest.mark.conformance("C020")
@pytest.mark.parametrize(
    ("headers", "wire"),
    [
        (["Transfer-Encoding: chunked"], b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n"),
        (["Content-Encoding: gzip"], gzip.compress(b"abcde", mtime=0)),
        (
            ["content-encoding:  GZip"],
            gzip.compress(b"abc", mtime=0) + gzip.compress(b"de", mtime=0),
        ),
        (["Content-Encoding: deflate"], zlib.compress(b"abcde")),
        (["Content-Encoding: identity", "X-Folded: a", " b"], b"abcde"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_may_come_in_any_manner(client: Client, headers: list[str], wire: bytes) -> None:
    def script(visit: Visit) -> None:
        while visit.request():
            visit.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            visit.reply(wire, "200 OK", *headers)

    with Server(script) as server:
        client.open(url(server))
        assert client.post() == Answer(200, b"abcde")
        assert client.post() == Answer(200, b"abcde")
        client.acs.end()
    assert [r.connection for r in server.requests] == [0, 0]


def test_an_answer_without_a_length_ends_with_the_connection(client: Client) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.socket.sendall(b"HTTP/1.0 200 OK\r\n\r\nabc")

    with Server(script) as server:
        client.open(url(server))
        assert client.post() == Answer(200, b"abc")
        assert client.post() == Answer(200, b"abc")
        client.acs.end()


@pytest.mark.conformance("C030")
@pytest.mark.conformance("C031")
@pytest.mark.parametrize("status", ["204 No Content", "300 Choices", "404 No", "500 Fault"])
def test_any_status_is_an_answer(client: Client, status: str) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.reply(b"" if "204" in status else b"why", status, "Location: http://[nonsense/")

    with Server(script) as server:
        client.open(url(server))
        answer = client.post()
        client.acs.end()
    assert answer.status == int(status[:3])
    assert answer.body == (b"" if "204" in status else b"why")
    assert len(server.requests) == 1


def long_body(visit: Visit) -> None:
    visit.request()
    visit.socket.sendall(b"HTTP/1.1 401 No\r\nContent-Length: 99999999\r\n\r\n")
    while True:
        visit.socket.sendall(bytes(65536))


def bomb(visit: Visit) -> None:
    visit.request()
    visit.reply(gzip.compress(bytes(20 * LARGEST_BYTES)), "200 OK", "Content-Encoding: gzip")


def bomb_in_bomb(visit: Visit) -> None:
    visit.request()
    wire = gzip.compress(gzip.compress(bytes(1000)))
    visit.reply(wire, "200 OK", "Content-Encoding: gzip, gzip")


def short_body(visit: Visit) -> None:
    visit.request()
    visit.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")


def short_chunk(visit: Visit) -> None:
    visit.request()
    visit.socket.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc")


def no_gzip(visit: Visit) -> None:
    visit.request()
    visit.reply(b"plain", "200 OK", "Content-Encoding: gzip")


def no_http(visit: Visit) -> None:
    visit.request()
    visit.socket.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")


def strange_length(visit: Visit) -> None:
    visit.request()
    visit.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nabc")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (long_body, f"an answer of over {LARGEST_BYTES} bytes"),
        (bomb, f"an answer of over {LARGEST_BYTES} bytes"),
        (bomb_in_bomb, "the answer is encoded as 'gzip, gzip'"),
        (short_body, "the answer was cut short"),
        (short_chunk, "the answer was cut short"),
        (no_gzip, "incorrect header check"),
        (no_http, "SSH-2.0-OpenSSH"),
        (strange_length, "Content-Length contained multiple unmatching values"),
    ],
)
def test_a_bad_answer_is_a_failure(client: Client, script: Script, why: str) -> None:
    with Server(script, polite) as server:
        client.open(url(server))
        failure = client.fail()
        client.acs.abort()
        client.open(url(server))
        assert client.post() == Answer(200, b"<soap/>")
        client.acs.end()
    assert failure.startswith(f"http://127.0.0.1:{server.port}: ")
    assert why in failure
    assert "\n" not in failure


@pytest.mark.conformance("C032")
def test_a_hems_that_says_nothing_is_given_time_and_no_more(client: Client) -> None:
    assert channel.READ_TIMEOUT_S >= 30
    with Server(wait) as server:
        client.open(url(server))
        started = time.monotonic()
        why = client.fail(wait_s=0.2)
        assert why == f"http://127.0.0.1:{server.port}: no answer in time"
        assert 0.2 <= time.monotonic() - started < 20
        client.acs.abort()


def test_the_source_address_is_the_one_that_is_wanted(client: Client) -> None:
    with Server(polite) as server:
        client.open(url(server), source="127.9.9.9")
        client.post()
        client.acs.end()
    with Server(polite, host="::1") as server6:
        client.open(f"http://[::1]:{server6.port}/", "::1", "::1")
        client.post()
        client.acs.end()
    assert server.peers == ["127.9.9.9"]
    assert server6.peers == ["::1"]
    assert server6.requests[0].headers["host"] == f"[::1]:{server6.port}"


def test_what_cannot_even_begin_fails_at_once(client: Client) -> None:
    with pytest.raises(ExchangeError) as error:
        client.open("http://127.0.0.1:9/", source="192.0.2.77")
    assert str(error.value) == "127.0.0.1:9 from 192.0.2.77: cannot assign requested address"
    client.acs.abort()
    with namespaces("henb") as (empty,), empty.inside(), pytest.raises(ExchangeError) as error:
        client.open("http://127.0.0.1:9/", "192.0.2.77")
    assert str(error.value) == "192.0.2.77:9: network is unreachable"
    for bad in ("ftp://x/", "http:///x", "http://x:99999/", "nothing", "http://[x/", "http://.x/"):
        with pytest.raises(ExchangeError, match=re.escape(bad)):
            client.open(bad)
    for name in ("\u4e2d", "a\r\nX: y"):
        with pytest.raises(ExchangeError, match="no header can have it"):
            client.open("http://127.0.0.1:9/", username=name)


def test_nobody_who_listens_is_told_as_such(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client.open(f"http://127.0.0.1:{port}/")
    assert client.fail() == f"127.0.0.1:{port}: connection refused"
    client.acs.abort()


def test_a_name_in_the_url_is_sent_to_nobody(client: Client) -> None:
    with Server(polite) as server:
        client.open(f"http://somebody:secret@127.0.0.1:{server.port}/")
        client.post()
        client.acs.end()
    assert "authorization" not in server.requests[0].headers
    assert server.requests[0].headers["host"] == f"127.0.0.1:{server.port}"


class DigestHems:
    """Lets nobody in without Digest; each connection has the nonces of the ones before."""

    def __init__(self, *challenges: str) -> None:
        self.challenges = challenges
        self.nonce = 0
        self.refused = 0

    def __call__(self, visit: Visit) -> None:
        while True:
            request = visit.request()
            if self.right(request):
                visit.reply(request.body)
                continue
            self.refused += 1
            headers = [f"WWW-Authenticate: {c.format(nonce=self.nonce)}" for c in self.challenges]
            visit.reply(
                b"who?", "401 Unauthorized", "Set-Cookie: seen=" + str(self.nonce), *headers
            )

    def right(self, request: Request) -> bool:
        said = request.headers.get("authorization", "")
        fields = dict(re.findall(r'(\w+)="?([^",]*)', said))
        if fields.get("nonce") != str(self.nonce):
            return False
        hashed = hashlib.sha256 if fields.get("algorithm") == "SHA-256" else hashlib.md5

        def digest(*parts: str) -> str:
            return hashed(":".join(parts).encode()).hexdigest()

        secret = digest("henb", fields["realm"], "pass:word")
        deed = digest("POST", "/acs?x=1")
        qop = any("qop" in challenge for challenge in self.challenges)
        middle = (fields["nonce"], *((fields["nc"], fields["cnonce"], "auth") if qop else ()))
        return bool(fields["response"] == digest(secret, *middle, deed))


MD5 = 'Digest realm="HeMS", nonce="{nonce}", qop="auth"'
SHA256 = 'Digest realm="HeMS", nonce="{nonce}", qop="auth-int, auth", algorithm=SHA-256'


@pytest.mark.conformance("C022")
@pytest.mark.conformance("C023")
@pytest.mark.parametrize(
    "challenges",
    [
        (MD5,),
        (SHA256,),
        (SHA256, MD5),
        (MD5, SHA256),
        (f"{MD5}, {SHA256}",),
        ('Basic realm="x"', MD5),
    ],
)
def test_digest_is_answered_once_and_then_sent_unasked(
    client: Client, challenges: tuple[str, ...]
) -> None:
    hems = DigestHems(*challenges)
    with Server(hems) as server:
        for _ in range(2):
            client.open(url(server), username="henb", password="pass:word")
            assert client.post(b"one") == Answer(200, b"one")
            assert client.post(b"") == Answer(200, b"")
            client.acs.end()
        assert hems.refused == 1
        client.open(url(server), username="henb", password="pass:word")
        for hems.nonce in (1, 2):
            assert client.post(b"two") == Answer(200, b"two")
        client.acs.end()
    assert hems.refused == 3
    said = [r.headers.get("authorization", "") for r in server.requests]
    counts = [re.findall("nc=([0-9a-f]+)", text) for text in said]
    assert counts == [[], *([f"{n:08x}"] for n in (1, 2, 3, 4, 5, 1, 2, 1))]
    assert all(("SHA-256" in text) == (SHA256 in "".join(challenges)) for text in said[1:])
    # A cookie may come with the refusal, and belongs to the session.
    cookies = [r.headers.get("cookie") for r in server.requests]
    assert cookies == [None, "seen=0", "seen=0", *[None] * 3, "seen=1", "seen=1", "seen=2"]


@pytest.mark.conformance("C022")
def test_digest_without_qop_is_that_of_rfc_2069(client: Client) -> None:
    """An answer with qop is wrong for who knows of none (RFC 2617 3.2.2)."""
    hems = DigestHems('Digest realm="HeMS", nonce="{nonce}"')
    with Server(hems) as server:
        client.open(url(server), username="henb", password="pass:word")
        for body in (b"one", b"two"):
            assert client.post(body) == Answer(200, body)
        client.acs.end()
    assert hems.refused == 1
    for request in server.requests:
        assert not re.search("qop|nc=|cnonce", request.headers.get("authorization", ""))


@pytest.mark.conformance("C024")
def test_wrong_credentials_are_refused_after_two_requests(client: Client) -> None:
    hems = DigestHems(MD5)
    with Server(hems) as server:
        for refused in (2, 4, 6, 8):
            client.open(url(server), username="henb", password="wrong")
            assert client.post().status == 401
            client.acs.abort()
            assert hems.refused == refused
        client.open(url(server), username="henb", password="pass:word")
        assert client.post() == Answer(200, b"<soap/>")
        client.acs.end()


@pytest.mark.conformance("C023")
def test_basic_is_not_given_away_in_the_clear(client: Client) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.reply(b"", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"')

    with Server(script) as server:
        client.open(url(server), username="henb", password="secret")
        assert client.post().status == 401
        client.acs.end()
    assert [r.headers.get("authorization") for r in server.requests] == [None]
