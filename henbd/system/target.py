"""Whom we speak HTTP to, as whom, and how we show that we are."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import HTTPDigestAuth

from henbd import __version__
from henbd.control.refusal import is_host
from henbd.errors import ExchangeError
from henbd.system import digest

DEFAULT_PORTS = {"http": 80, "https": 443}

# Compression is not asked for: a box that wants it has Device.ManagementServer.HTTPCompression.
HEADERS = {"User-Agent": f"henbd/{__version__}", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart, and credentials; `host` has no brackets.

    `request` is a POST without a body, of which every exchange is to make a copy. `led`: another
    host has sent us there.
    """

    url: str
    scheme: str
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    request: requests.PreparedRequest = field(repr=False, compare=False)
    led: bool = False

    @property
    def origin(self) -> str:
        """The beginning of the URL, for people; the path may be a secret."""
        return f"{self.scheme}://{self.request.headers['Host']}"


def target(url: str, username: str, password: str) -> Target:
    """Return what is to be known of a HeMS; raises ExchangeError if it cannot be spoken to."""
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname or ""
        port = parts.port or DEFAULT_PORTS.get(scheme, 0)
    except ValueError as error:
        raise ExchangeError(f"{url}: {error}") from error
    # Others would be choked on by ssl or http.client, in the middle of an exchange.
    if scheme not in DEFAULT_PORTS or not is_host(host):
        raise ExchangeError(f"{url}: no http or https URL of a host")
    if not username.isprintable() or not _is_latin1(username):
        raise ExchangeError(f"user name {username!r}: no header can have it")
    literal = f"[{host}]" if ":" in host else host
    shown = literal if port == DEFAULT_PORTS[scheme] else f"{literal}:{port}"
    # Without `auth` requests would send a user name out of the URL, to whoever listens.
    request = requests.Request("POST", url, headers={"Host": shown, **HEADERS}, auth=_unchanged)
    try:
        prepared = request.prepare()
    except (ValueError, requests.RequestException) as error:
        raise ExchangeError(f"{url}: {error}") from error
    return Target(url, scheme, host, port, username, password, prepared)


def redirected(here: Target, location: str | None) -> Target:
    """Return where a redirect leads; raises ExchangeError where we do not go.

    What began with TLS does not go on in the clear.
    """
    if not location:
        raise ExchangeError(f"{here.origin}: a redirect without a Location")
    try:
        url = urljoin(here.url, location)
    except ValueError as error:
        raise ExchangeError(f"{here.origin}: redirect to {location!r}: {error}") from error
    there = target(url, here.username, here.password)
    if here.scheme == "https" and there.scheme != "https":
        raise ExchangeError(f"{here.origin}: the redirect to {there.origin} leaves TLS")
    return replace(there, led=here.led or there.host != here.host)


class Credentials(HTTPDigestAuth):
    """Digest as requests does it; Basic, over TLS, where the HeMS asks for nothing better.

    What the HeMS asked for once is sent with the first request of the next session already. To a
    host that another has led us to, one of a farm maybe, Digest alone: it shows no password.
    """

    def __init__(
        self, aim: Target, read: Callable[[Any], object], *, basic: bool | None = None
    ) -> None:
        """`read` is to read the body of a challenge, within bounds that requests does not know.

        `basic`: whether it may be Basic; else that is up to whether TLS is spoken.
        """
        super().__init__(aim.username, aim.password)
        self._read = read
        self._basic_allowed = not aim.led and (aim.scheme == "https" if basic is None else basic)
        self._basic = False

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Authenticate a request as far as it is known how."""
        # types-requests leaves the methods of HTTPDigestAuth without annotations.
        super().__call__(r)  # type: ignore[no-untyped-call]
        if self._basic:
            words = f"{self.username!s}:{self.password!s}".encode()
            r.headers["Authorization"] = "Basic " + base64.b64encode(words).decode()
        return r

    def handle_401(self, r: requests.Response, **kwargs: Any) -> requests.Response:
        """Answer a challenge with Digest by sending the request again, once."""
        if r.status_code != requests.codes.unauthorized:
            return r
        self._read(r.raw)
        best = digest.best(r.raw.headers.getlist("WWW-Authenticate"), basic=self._basic_allowed)
        if best is None:
            return r
        self._basic = best.scheme == "basic"
        if self._basic:
            return r
        # Of several challenges requests would make a mixture. Without qop it is that of RFC 2069.
        chosen = {"qop": "auth"} if "qop" in best.fields else {}
        r.headers["WWW-Authenticate"] = digest.challenge({**best.fields, **chosen}, {})
        # It would also send an old cookie for one that came with the challenge.
        r.request.headers.pop("Cookie", None)
        # Without annotations, as all of them.
        answer: requests.Response = super().handle_401(r, **kwargs)  # type: ignore[no-untyped-call]
        return answer

    def may_repeat(self, refused: requests.PreparedRequest) -> bool:
        """Return whether a request that was refused may be let in when it is made anew.

        That is so when it was answered with the first challenge for Basic.
        """
        sent = refused.headers.get("Authorization", "")
        return self._basic and not sent.startswith("Basic ")


def _is_latin1(text: str) -> bool:
    return all(ord(character) < 256 for character in text)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
