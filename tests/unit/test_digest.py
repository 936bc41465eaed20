"""The headers of HTTP authentication."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.system import digest
from henbd.system.digest import Authentication

# RFC 7616 3.9.1.
MUFASA = (
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
    'algorithm={}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{}", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
RESPONSES = {
    "MD5": "8ca523f5e9506fed4657c9700eebdbec",
    "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@pytest.mark.parametrize(("algorithm", "response"), RESPONSES.items())
def test_response_is_that_of_the_rfc(algorithm: str, response: str) -> None:
    (answer,) = digest.parse(MUFASA.format(algorithm, response))
    assert answer.fields["response"] == response
    assert digest.expected(answer, "GET", "Mufasa", "Circle of Life") == response
    assert digest.expected(answer, "GET", "Mufasa", "circle of life") != response
    assert digest.expected(answer, "PUT", "Mufasa", "Circle of Life") != response


@pytest.mark.parametrize(
    "change",
    [
        {"qop": "auth-int"},
        {"algorithm": "MD5-sess"},
        *({name: None} for name in ("username", "realm", "nonce", "uri", "qop", "nc", "cnonce")),
        {"response": None},
    ],
    ids=str,
)
def test_another_kind_of_answer_is_never_right(change: dict[str, str | None]) -> None:
    (answer,) = digest.parse(MUFASA.format("MD5", RESPONSES["MD5"]))
    fields: dict[str, Any] = {**answer.fields, **change}
    kept = {name: value for name, value in fields.items() if value is not None}
    changed = Authentication(answer.scheme, kept)
    assert digest.expected(changed, "GET", "Mufasa", "Circle of Life") is None


def test_several_challenges_in_one_header_are_told_apart() -> None:
    header = 'Basic realm="a, Digest b=c", Digest realm="x\\"y", nonce=n, qop="auth,auth-int"'
    assert digest.parse(header) == (
        Authentication("basic", {"realm": "a, Digest b=c"}),
        Authentication("digest", {"realm": 'x"y', "nonce": "n", "qop": "auth,auth-int"}),
    )


@pytest.mark.parametrize(
    ("header", "schemes"),
    [
        ("", []),
        (" , ,", []),
        ("Negotiate", ["negotiate"]),
        ("Negotiate, Basic realm=x", ["negotiate", "basic"]),
        ("Basic realm=x, Negotiate YWJj==", ["basic"]),
        ("Basic realm=x, realm=y", []),
        ('Basic realm="x', []),
        ("Basic realm=x y", []),
        ("=", []),
    ],
)
def test_what_cannot_be_read_ends_the_header(header: str, schemes: list[str]) -> None:
    assert [found.scheme for found in digest.parse(header)] == schemes


@pytest.mark.parametrize(
    ("headers", "basic", "chosen"),
    [
        (["Digest realm=a, nonce=1", "Digest realm=a, nonce=2, algorithm=SHA-256"], False, "2"),
        (["Digest realm=a, nonce=1, algorithm=md5", "Basic realm=a"], True, "1"),
        (["Digest realm=a, nonce=1, algorithm=MD5-sess, Digest realm=a, nonce=2"], True, "2"),
        (['Digest realm=a, nonce=1, qop="auth-int", Digest realm=a, nonce=2'], True, "2"),
        (['Digest realm=a, nonce=1, qop="auth-int, auth"'], False, "1"),
    ],
)
def test_the_strongest_challenge_that_can_be_answered_is_best(
    headers: list[str], basic: bool, chosen: str
) -> None:
    best = digest.best(headers, basic=basic)
    assert best is not None
    assert best.fields["nonce"] == chosen


def test_basic_is_best_only_where_it_may_be_and_nothing_better_is_offered() -> None:
    headers = ['Digest realm=a, nonce=1, qop="auth-int"', "Basic realm=b"]
    assert digest.best(headers, basic=True) == Authentication("basic", {"realm": "b"})
    assert digest.best(headers, basic=False) is None
    assert digest.best([], basic=True) is None


@given(st.dictionaries(st.sampled_from(["realm", "nonce", "opaque"]), TEXTS))
def test_a_challenge_that_is_written_is_read_again(fields: dict[str, str]) -> None:
    written = digest.challenge(fields, {"algorithm": "MD5"})
    assert digest.parse(written) == (Authentication("digest", {**fields, "algorithm": "MD5"}),)


@given(st.text())
def test_any_text_can_be_read(header: str) -> None:
    for found in digest.parse(header):
        assert found.scheme in header.lower()
