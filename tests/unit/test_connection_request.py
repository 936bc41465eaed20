"""What a connection request is answered."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import pytest

from henbd.system import digest
from henbd.system.connection_request import MOST_CALLS, MOST_NONCES, Caller, Gate, Reply, encode
from henbd.system.digest import Authentication
from henbd.system.request_head import Malformed, Request

USER, PASSWORD, PATH = "00256D-HeNB-1", "secret word", "/d1b2"


class Doors:
    """A gate, and somebody before it."""

    def __init__(self, *, served: bool = True) -> None:
        self.calls = 0
        self.served = served
        self.gate = Gate(b"k" * 32, self._called)
        self.gate.caller = Caller(PATH, USER, PASSWORD)
        self.now = 1000.0

    def _called(self) -> bool:
        self.calls += 1
        return self.served

    def ask(
        self, authorization: str | None = None, target: str = PATH, method: str = "GET"
    ) -> Reply:
        fields = () if authorization is None else (("authorization", authorization),)
        return self.gate.answer(Request(method, target, fields, keep_alive=True), self.now)

    def challenges(self, authorization: str | None = None) -> list[Mapping[str, str]]:
        reply = self.ask(authorization)
        assert reply.status is HTTPStatus.UNAUTHORIZED
        found = [digest.parse(value) for name, value in reply.headers]
        return [challenge.fields for (challenge,) in found]

    def knock(self, **changes: str) -> HTTPStatus:
        """Answer a fresh challenge, and return how that is received."""
        return self.ask(authorization(self.challenges()[-1], 1, **changes)).status


def authorization(challenge: Mapping[str, str], count: int = 1, /, **changes: str) -> str:
    """Answer a challenge; `changes` are made before the response is computed, or to it."""
    password = changes.pop("password", PASSWORD)
    response = changes.pop("response", None)
    fields = {
        "username": USER,
        "realm": challenge["realm"],
        "nonce": challenge["nonce"],
        "uri": PATH,
        "cnonce": "0a4f113b",
        "nc": f"{count:08x}",
        "qop": "auth",
        "algorithm": challenge["algorithm"],
        "response": "",
        **changes,
    }
    right = digest.expected(Authentication("digest", fields), "GET", fields["username"], password)
    fields["response"] = str(right) if response is None else response
    return digest.challenge(fields, {})


def test_both_algorithms_are_offered_with_one_nonce() -> None:
    sha, md5 = Doors().challenges()
    assert (sha["algorithm"], md5["algorithm"]) == ("SHA-256", "MD5")
    assert {**sha, "algorithm": ""} == {**md5, "algorithm": ""}
    assert sha["qop"] == "auth"
    assert "stale" not in sha


@pytest.mark.conformance("C154")
@pytest.mark.parametrize("which", [0, 1], ids=["SHA-256", "MD5"])
def test_a_right_answer_is_let_in(which: int) -> None:
    doors = Doors()
    reply = doors.ask(authorization(doors.challenges()[which]))
    assert reply == Reply(HTTPStatus.OK)
    assert doors.calls == 1


@pytest.mark.conformance("C154")
@pytest.mark.parametrize(
    "changes",
    [
        {"password": "secret"},
        {"username": "admin"},
        {"realm": "elsewhere"},
        {"uri": "/other"},
        {"nc": "1"},
        {"nc": "0000000g"},
        {"qop": "auth-int"},
        {"algorithm": "MD5-sess"},
        {"response": ""},
        {"response": "\xe9"},
        {"response": "0" * 64},
    ],
    ids=str,
)
def test_a_wrong_answer_is_challenged_again_and_calls_nobody(changes: dict[str, str]) -> None:
    doors = Doors()
    said = authorization(doors.challenges()[0], 1, **changes)
    assert all("stale" not in fields for fields in doors.challenges(said))
    assert doors.calls == 0


def test_a_right_response_under_another_name_is_not_let_in() -> None:
    doors = Doors()
    said = authorization(doors.challenges()[0]).replace(USER, "admin")
    assert doors.challenges(said)
    assert doors.calls == 0


@pytest.mark.parametrize("said", ["", "Digest", "Basic YTpi", "Digest a=b, Digest c=d", "\x80"])
def test_an_answer_of_another_kind_is_challenged_again(said: str) -> None:
    assert Doors().challenges(said)


@pytest.mark.parametrize(("username", "password"), [("", PASSWORD), (USER, ""), ("", "")])
def test_without_credentials_nobody_is_let_in(username: str, password: str) -> None:
    doors = Doors()
    doors.gate.caller = Caller(PATH, username, password)
    assert doors.knock(username=username, password=password) is HTTPStatus.UNAUTHORIZED


@pytest.mark.conformance("C162")
def test_new_credentials_count_at_once() -> None:
    doors = Doors()
    said = authorization(doors.challenges()[0])
    doors.gate.caller = Caller(PATH, USER, "changed")
    assert doors.ask(said).status is HTTPStatus.UNAUTHORIZED
    assert doors.knock(password="changed") is HTTPStatus.OK


def test_a_nonce_counts_upwards_only() -> None:
    doors = Doors()
    challenge = doors.challenges()[0]
    assert doors.ask(authorization(challenge, 1)).status is HTTPStatus.OK
    assert doors.ask(authorization(challenge, 5)).status is HTTPStatus.OK
    for count in (5, 4, 1, 0):
        assert doors.challenges(authorization(challenge, count))[0]["stale"] == "true"
    assert doors.ask(authorization(challenge, 6)).status is HTTPStatus.OK
    assert doors.calls == 3


def test_a_nonce_has_its_time() -> None:
    doors = Doors()
    early, late = doors.challenges()[0], doors.challenges()[0]
    doors.now += 299
    assert doors.ask(authorization(early)).status is HTTPStatus.OK
    doors.now += 2
    assert doors.challenges(authorization(late))[0]["stale"] == "true"
    assert doors.challenges(authorization(early, 2))[0]["stale"] == "true"


@pytest.mark.parametrize("nonce", ["", "f-0-" + "0" * 32, "\xe9", "deadbeef"])
def test_the_nonce_of_a_stranger_is_stale(nonce: str) -> None:
    doors = Doors()
    said = authorization(doors.challenges()[0], nonce=nonce)
    assert doors.challenges(said)[0]["stale"] == "true"


def test_a_flood_of_nonces_replays_nothing() -> None:
    doors = Doors()
    first = authorization(doors.challenges()[0])
    assert doors.ask(first).status is HTTPStatus.OK
    for _ in range(MOST_NONCES + 10):
        doors.knock()
        assert doors.ask(first).status is HTTPStatus.UNAUTHORIZED
    doors.now += 1
    assert doors.knock() is not HTTPStatus.UNAUTHORIZED


@pytest.mark.conformance("C159")
def test_too_many_good_requests_are_put_off() -> None:
    doors = Doors()
    for _ in range(MOST_CALLS):
        doors.now += 1
        assert doors.knock() is HTTPStatus.OK
    assert doors.knock() is HTTPStatus.SERVICE_UNAVAILABLE
    assert doors.calls == MOST_CALLS
    doors.now += 32
    assert doors.knock() is HTTPStatus.OK
    assert doors.knock() is HTTPStatus.OK
    assert doors.knock() is HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.conformance("C159")
def test_bad_requests_are_no_hindrance_to_good_ones() -> None:
    doors = Doors()
    for _ in range(10 * MOST_CALLS):
        assert doors.knock(password="guess") is HTTPStatus.UNAUTHORIZED
    assert doors.knock() is HTTPStatus.OK


def test_a_call_that_is_not_served_is_put_off() -> None:
    doors = Doors(served=False)
    assert doors.knock() is HTTPStatus.SERVICE_UNAVAILABLE
    assert doors.calls == 1


@pytest.mark.conformance("C154")
@pytest.mark.conformance("C155")
@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("HEAD", PATH, HTTPStatus.METHOD_NOT_ALLOWED),
        ("POST", "/", HTTPStatus.METHOD_NOT_ALLOWED),
        ("GET", "/", HTTPStatus.NOT_FOUND),
        ("GET", PATH + "/", HTTPStatus.NOT_FOUND),
        ("GET", "*", HTTPStatus.NOT_FOUND),
        ("GET", PATH + "?x=1", HTTPStatus.UNAUTHORIZED),
        ("GET", "http://10.99.0.1:7547" + PATH, HTTPStatus.UNAUTHORIZED),
    ],
)
def test_method_and_path_are_looked_at_first(method: str, target: str, status: HTTPStatus) -> None:
    assert Doors().ask(method=method, target=target).status is status


def test_an_answer_may_name_its_target_in_either_form() -> None:
    doors = Doors()
    said = authorization(doors.challenges()[0], uri="http://10.99.0.1" + PATH + "?x=1")
    assert doors.ask(said, target=PATH + "?x=1").status is HTTPStatus.OK


def test_what_is_no_request_ends_the_connection() -> None:
    reply = Doors().gate.answer(Malformed("noise"), 0.0)
    assert reply == Reply(HTTPStatus.BAD_REQUEST, keep_alive=False)


def test_a_reply_is_written_with_its_headers() -> None:
    reply = Reply(HTTPStatus.METHOD_NOT_ALLOWED, (("Allow", "GET"),), keep_alive=False)
    assert encode(reply) == (
        b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
