"""Digest, Basic and the RetryCount: what the HeMS lets in, and what it counts."""

from __future__ import annotations

import pytest

from tests.lab.hems.attempts import Attempts, Outcome
from tests.lab.hems.auth import Credentials, Doorkeeper, authorization, digest_response, read_fields
from tests.lab.hems.http1 import Head

USER = Credentials("henb", 'say "\\"')


def head_with(said: str, target: str = "/") -> Head:
    """Return the head of a request with an Authorization."""
    return Head("POST", target, "HTTP/1.1", (("Authorization", said),))


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_is_that_of_rfc_7616(algorithm: str, response: str) -> None:
    fields = {
        "algorithm": algorithm,
        "realm": "http-auth@example.org",
        "uri": "/dir/index.html",
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "nc": "00000001",
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        "qop": "auth",
    }
    user = Credentials("Mufasa", "Circle of Life")
    assert digest_response(fields, "GET", user) == response


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_right_digest_is_let_in_again_and_again(algorithm: str) -> None:
    keeper = Doorkeeper(digest=USER, algorithms=[algorithm])
    (challenge,) = keeper.admit(Head("POST", "/", "HTTP/1.1", ())).challenges
    for nc in (1, 2, 9):
        said = authorization(challenge, "POST", "/", USER, nc=nc)
        assert keeper.admit(head_with(said)).admitted


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('response="', 'response="0', "the Digest has a wrong response"),
        ('username="henb"', 'username="bneh"', "has the username 'bneh' instead of 'henb'"),
        ('uri="/"', 'uri="/x"', "has the uri '/x' instead of '/'"),
        ('realm="', 'realm="X', "has the realm 'XHeMS"),
        ('opaque="', 'opaque="0', "has the opaque"),
        ("qop=auth", "qop=auth-int", "has the qop 'auth-int' instead of 'auth'"),
        ("nc=00000001", "nc=1", "nc is '1' instead of eight"),
        ("nc=00000001", "nc=00000000", "nc 00000000 is not above 00000000"),
        ("nc=00000001, ", "", "the Digest lacks nc"),
        ("algorithm=MD5", "algorithm=MD4", "uses 'MD4', which was not offered"),
        (' nonce="', ' nonce="0', "nonce is none of ours"),
        ("Digest ", "Basic ", "is Basic, which was not asked for"),
        ("qop=auth", "qop=auth, qop=auth", "the Digest has qop twice"),
        ("qop=auth", "qop auth", "the Digest cannot be read at ' qop auth"),
    ],
)
def test_wrong_digest_is_refused(old: str, new: str, sentence: str) -> None:
    keeper = Doorkeeper(digest=USER)
    said = authorization(keeper.challenges()[0], "POST", "/", USER)
    assert old in said
    verdict = keeper.admit(head_with(said.replace(old, new, 1)))
    assert not verdict.admitted
    assert any(sentence in violation for violation in verdict.violations), verdict.violations


def test_wrong_password_is_refused() -> None:
    keeper = Doorkeeper(digest=USER)
    said = authorization(keeper.challenges()[0], "POST", "/", Credentials("henb", "guess"))
    assert keeper.admit(head_with(said)).violations == ("the Digest has a wrong response",)


def test_count_of_a_nonce_must_grow() -> None:
    keeper = Doorkeeper(digest=USER)
    said = authorization(keeper.challenges()[0], "POST", "/", USER)
    assert keeper.admit(head_with(said)).admitted
    assert keeper.admit(head_with(said)).violations == (
        "the Digest's nc 00000001 is not above 00000001",
    )


def test_stale_nonce_is_good_no_longer() -> None:
    keeper = Doorkeeper(digest=USER)
    old = keeper.challenges()[0]
    (new,) = keeper.challenges(stale=True)
    assert read_fields(new.partition(" ")[2])["stale"] == "true"
    assert not keeper.admit(head_with(authorization(old, "POST", "/", USER))).admitted
    assert keeper.admit(head_with(authorization(new, "POST", "/", USER))).admitted


def test_basic_is_let_in_only_if_right() -> None:
    keeper = Doorkeeper(basic=Credentials("Aladdin", "open sesame"))
    assert keeper.challenges() == ('Basic realm="HeMS of the lab"',)
    assert keeper.admit(head_with("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")).admitted
    assert keeper.admit(head_with("Basic QWxhZGRpbjo=")).violations == ("wrong Basic credentials",)


def test_several_authorizations_are_a_breach() -> None:
    head = Head("POST", "/", "HTTP/1.1", (("Authorization", "a"), ("Authorization", "b")))
    verdict = Doorkeeper(digest=USER).admit(head)
    assert verdict.violations == ("several Authorization headers",)


def test_without_credentials_everybody_is_let_in() -> None:
    assert Doorkeeper().admit(Head("POST", "/", "HTTP/1.1", ())).admitted


@pytest.mark.parametrize(
    ("challenge", "reason"),
    [
        ('Basic realm="x"', "the challenge is Basic"),
        ('Digest realm="x", nonce="y"', "lacks qop"),
        ('Digest realm="x", nonce="y", qop="auth-int"', "offers no qop=auth"),
        ('Digest realm="x", nonce="y", qop="auth", algorithm=MD4', "the algorithm MD4"),
        ('Digest realm="x", nonce', "cannot be read at ' nonce'"),
    ],
)
def test_challenge_that_cannot_be_met_is_an_error(challenge: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        authorization(challenge, "GET", "/", USER)


def test_password_is_not_shown() -> None:
    assert "sesame" not in repr(Credentials("Aladdin", "open sesame"))


@pytest.mark.parametrize(
    ("outcomes", "right", "wrong"),
    [
        ((), [0], [1]),
        ((Outcome.FAILED,), [1], [0, 2]),
        ((Outcome.FAILED, Outcome.FAILED), [2], [1, 3]),
        ((Outcome.FAILED, Outcome.UNCLEAR), [1, 2], [0, 3]),
        ((Outcome.FAILED, Outcome.OK), [0], [1]),
    ],
)
def test_retry_count_is_what_the_hems_knows(
    outcomes: tuple[Outcome, ...], right: list[int], wrong: list[int]
) -> None:
    def breaches(count: int) -> list[str]:
        attempts = Attempts()
        for outcome in outcomes:
            attempts.add(outcome)
        return attempts.check(count)

    assert not any(breaches(count) for count in right)
    assert all(breaches(count) for count in wrong)


def test_retry_count_may_be_any_higher_after_unseen_attempts() -> None:
    attempts = Attempts()
    attempts.add(Outcome.FAILED)
    attempts.unreachable()
    assert attempts.check(7) == []
    attempts.add(Outcome.FAILED)
    assert attempts.check(7) == ["RetryCount is 7 instead of 8"]


def test_forgotten_attempts_count_no_more() -> None:
    attempts = Attempts()
    attempts.add(Outcome.FAILED)
    attempts.forget()
    assert attempts.check(0) == []
