"""The connection request of an ACS: HTTP GET with Digest, and what the CPE owes to that."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from tests.lab.hems.auth import Credentials, authorization


@dataclass(frozen=True, slots=True)
class Kicked:
    """The status of the last answer, and what was wrong with the answers."""

    status: int
    violations: tuple[str, ...] = ()


def kick(url: str, credentials: Credentials | None, source: str, timeout_s: float) -> Kicked:
    """Make a connection request from an address of the calling thread's network namespace.

    Without credentials, only the first GET is made. OSError if the CPE cannot be reached.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port or 80, timeout_s, source_address=(source, 0)
    )
    try:
        status, challenges = _get(connection, target)
        if credentials is None or status == HTTPStatus.SERVICE_UNAVAILABLE:
            return Kicked(status)
        if status != HTTPStatus.UNAUTHORIZED:
            return Kicked(status, (f"{status} to a connection request without Authorization",))
        return _with_digest(connection, target, challenges, credentials)
    finally:
        connection.close()


def _with_digest(
    connection: http.client.HTTPConnection,
    target: str,
    challenges: list[str],
    credentials: Credentials,
) -> Kicked:
    digests = [challenge for challenge in challenges if challenge.startswith("Digest ")]
    if not digests:
        return Kicked(HTTPStatus.UNAUTHORIZED, (f"no Digest challenge in the 401: {challenges}",))
    try:
        said = authorization(digests[0], "GET", target, credentials)
    except ValueError as error:
        return Kicked(HTTPStatus.UNAUTHORIZED, (str(error),))
    status, _ = _get(connection, target, said)
    return Kicked(status)


def _get(
    connection: http.client.HTTPConnection, target: str, said: str | None = None
) -> tuple[int, list[str]]:
    connection.request("GET", target, headers={"Authorization": said} if said else {})
    response = connection.getresponse()
    response.read()
    return response.status, response.headers.get_all("WWW-Authenticate", [])
