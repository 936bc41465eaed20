"""What an operator is told of a failure."""

from __future__ import annotations

import errno
import os
import ssl
from http.client import IncompleteRead, RemoteDisconnected

import pytest
import requests
import urllib3

from henbd.system.failures import describe, root


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def tls(reason: str | None, text: str) -> ssl.SSLError:
    error = ssl.SSLError(1, text)
    if reason is not None:
        error.reason = reason
    return error


def unverified(text: str) -> ssl.SSLError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] and more")
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    error.verify_message = text
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (system(errno.ECONNREFUSED), "connection refused"),
        (system(errno.ETIMEDOUT), "connection timed out"),
        (system(errno.ENOTCONN), "connection closed"),
        (system(errno.ENETUNREACH), "network is unreachable"),
        (FileNotFoundError(errno.ENOENT, "x", "/a"), "no such file or directory"),
        (TimeoutError("timed out"), "no answer in time"),
        (RemoteDisconnected("Remote end closed"), "connection closed without an answer"),
        (IncompleteRead(b"abc", 7), "the answer was cut short"),
        (unverified("Hostname mismatch."), "certificate verify failed: Hostname mismatch"),
        (tls("WRONG_VERSION_NUMBER", "x (_ssl.c:1006)"), "TLS: wrong version number"),
        (tls(None, "[SSL] PEM lib (_ssl.c:3926)"), "TLS: [SSL] PEM lib"),
        (ssl.SSLEOFError(8, "EOF occurred (_ssl.c:2427)"), "TLS: connection closed"),
        (ValueError("two\r\n  lines."), "two lines"),
        (ValueError(), "ValueError"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_failure_is_told_in_a_line(error: BaseException, text: str) -> None:
    assert describe(error) == text


def wrapped(first: OSError) -> None:
    try:
        raise urllib3.exceptions.ProtocolError("Connection aborted.", first)
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error


def put_away() -> None:
    try:
        raise TypeError("an old way to call it")
    except TypeError:
        raise RemoteDisconnected("closed") from None


def test_the_root_is_found_through_causes_contexts_and_arguments() -> None:
    first = system(errno.ECONNRESET)
    with pytest.raises(requests.ConnectionError) as caught:
        wrapped(first)
    assert root(caught.value) is first


def test_a_context_that_was_put_away_is_no_root() -> None:
    with pytest.raises(RemoteDisconnected) as caught:
        put_away()
    assert root(caught.value) is caught.value
