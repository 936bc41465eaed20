"""A URL of a HeMS, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.errors import ExchangeError
from henbd.system.target import target


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "host_header", "path"),
    [
        ("http://hems.lab/acs", "http", "hems.lab", 80, "hems.lab", "/acs"),
        ("HTTPS://HEMS.lab", "https", "hems.lab", 443, "hems.lab", "/"),
        ("https://hems.lab:443/a?b=c#d", "https", "hems.lab", 443, "hems.lab", "/a?b=c"),
        ("http://hems.lab:443/", "http", "hems.lab", 443, "hems.lab:443", "/"),
        ("http://10.0.0.1:7547/a b", "http", "10.0.0.1", 7547, "10.0.0.1:7547", "/a%20b"),
        ("https://[FD00::1]:7547/", "https", "fd00::1", 7547, "[fd00::1]:7547", "/"),
        ("http://[fd00::1]/", "http", "fd00::1", 80, "[fd00::1]", "/"),
    ],
)
def test_a_url_says_whom_to_speak_to(
    url: str, scheme: str, host: str, port: int, host_header: str, path: str
) -> None:
    made = target(url, "name", "word")
    assert (made.scheme, made.host, made.port) == (scheme, host, port)
    assert made.origin == f"{scheme}://{host_header}"
    request = made.request
    assert request.method == "POST"
    assert request.path_url == path
    assert request.headers["Host"] == host_header
    assert "Authorization" not in request.headers


def test_a_password_is_not_shown() -> None:
    assert "word" not in repr(target("http://hems.lab/", "name", "word"))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "hems.lab",
            "ftp://hems.lab/",
            "ftp://hems.lab:21/",
            "http://",
            "http:///a",
            "http://a:b/",
        ),
        *("http://a:65536/", "http://[a/", "http://a\x00/", "http://\u4e2d/"),
        *("http://1.2.3.4.5/", "http://.a/"),
    ],
)
def test_what_cannot_be_spoken_to_is_told_at_once(url: str) -> None:
    with pytest.raises(ExchangeError):
        target(url, "name", "word")


@pytest.mark.parametrize("name", ["\u4e2d", "a\nb", "a\x00"])
def test_a_name_that_no_header_can_have_is_told_at_once(name: str) -> None:
    with pytest.raises(ExchangeError, match="user name"):
        target("http://hems.lab/", name, "word")


@given(st.text(), st.text())
def test_any_text_is_a_target_or_none(text: str, name: str) -> None:
    for url in (text, f"http://{text}", f"https://hems.lab/{text}"):
        try:
            made = target(url, name, "word")
        except ExchangeError:
            continue
        for value in (made.username, *made.request.headers.values()):
            assert str(value).isprintable()
            str(value).encode("latin-1")
