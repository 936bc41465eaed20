"""A URL that we post to, and what was made ready for it once and is used each time.

What is posted goes straight to a pool of urllib3: a Session of requests looks for proxies, cookies
and hooks each time and copies what it is given, which takes a third as long again. Credentials and
cookies are those of requests all the same.
"""

from __future__ import annotations

import requests
import urllib3
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.hooks import default_hooks

from henbd.system.pool import Adapter, Pool
from henbd.system.target import Credentials, Target

UNAUTHORIZED = 401

# TR-069 3.4.1: SOAPAction has no value, not even quotes; an empty POST has neither header.
ENVELOPE_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": ""}


class Site:
    """Where a URL leads, over a pool of connections; the jar is that of the session."""

    def __init__(
        self, aim: Target, pool: Pool, credentials: Credentials, cookies: RequestsCookieJar
    ) -> None:
        self.target = aim
        self._pool = pool
        self._credentials = credentials
        self._cookies = cookies
        # By this one requests sends what it authenticates.
        self._adapter = Adapter()
        self._adapter.pool = pool
        self._full, self._empty = aim.request.copy(), aim.request.copy()
        self._full.headers.update(ENVELOPE_HEADERS)
        for request in (self._full, self._empty):
            # Whoever sends it again takes the jar from there.
            request.prepare_cookies(cookies)

    def at(self, aim: Target) -> Site:
        """Return another place on the same server."""
        return Site(aim, self._pool, self._credentials, self._cookies)

    def post(self, body: bytes, wait_s: float) -> urllib3.BaseHTTPResponse:
        """Post a body, authenticated as far as is asked for; return the answer, not read yet.

        Raises as requests and urllib3 do.
        """
        request = self._full if body else self._empty
        answered = self._sent(request, body, wait_s)
        if answered.status == UNAUTHORIZED and self._credentials.may_repeat(request):
            answered = self._sent(request, body, wait_s)
        return answered

    def _sent(
        self, request: requests.PreparedRequest, body: bytes, wait_s: float
    ) -> urllib3.BaseHTTPResponse:
        self._renew(request, body)
        answered = self._pool.urlopen(
            "POST",
            request.path_url,
            body=request.body,
            headers=dict(request.headers),
            retries=False,
            redirect=False,
            timeout=wait_s,
            preload_content=False,
            decode_content=False,
        )
        if answered.status == UNAUTHORIZED:
            answered = self._authenticated(request, answered, wait_s)
        self._keep_cookies(request, answered)
        return answered

    def _renew(self, request: requests.PreparedRequest, body: bytes) -> None:
        """Make a request what it is to be this time, of what it was the last time."""
        # To which the credentials add their own each time.
        request.hooks = default_hooks()
        request.headers.pop("Authorization", None)
        request.headers.pop("Cookie", None)
        request.prepare_body(body, None)
        if len(self._cookies):
            request.prepare_cookies(self._cookies)
        self._credentials(request)

    def _authenticated(
        self, request: requests.PreparedRequest, refused: urllib3.BaseHTTPResponse, wait_s: float
    ) -> urllib3.BaseHTTPResponse:
        """Return the answer to the request with Digest; where that is of no use, the refusal."""
        response = self._adapter.build_response(request, refused)
        response = self._credentials.handle_401(response, timeout=wait_s, stream=True)
        for earlier in response.history:
            self._keep_cookies(earlier.request, earlier.raw)
        answered: urllib3.BaseHTTPResponse = response.raw
        return answered

    def _keep_cookies(
        self, request: requests.PreparedRequest, answered: urllib3.BaseHTTPResponse
    ) -> None:
        if "Set-Cookie" in answered.headers:
            # types-requests leaves it without annotations.
            extract_cookies_to_jar(  # type: ignore[no-untyped-call]
                self._cookies, request, answered
            )
