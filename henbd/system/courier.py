"""Fetches and sends one file over HTTP or HTTPS: what the threads of transfers do. Blocks.

Basic, Digest and redirects are as with the HeMS, except that Basic is given in the clear, too: the
HeMS has named these credentials for this very server.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import requests
import urllib3
from requests.hooks import default_hooks

from henbd.errors import ExchangeError, FaultCode, TransferError
from henbd.system.channel import MOST_REDIRECTS, REDIRECTS
from henbd.system.checksums import Checksums
from henbd.system.failures import describe, root
from henbd.system.grip import Grip
from henbd.system.pool import Adapter, Connection, KeepingSession, Pool
from henbd.system.site import UNAUTHORIZED
from henbd.system.target import Credentials, Target, redirected, target
from henbd.system.trust import ends_at

CONNECT_TIMEOUT_S = 20.0
READ_TIMEOUT_S = 60.0

PIECE_BYTES = 65536

# A challenge or a redirect has a body for people, of which nothing is needed.
LONGEST_TALK = 65536


@dataclass(frozen=True, slots=True)
class Server:
    """Where a file is, and as whom it is asked for."""

    url: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trusted:
    """How a server of https is believed; `passed` as of a HeMS (see acs.Endpoint)."""

    context: ssl.SSLContext
    passed: datetime | None


def fetch(
    server: Server,
    trusted: Trusted,
    grip: Grip,
    keep: Callable[[bytes], object],
    *,
    size: int,
    most_bytes: int,
) -> None:
    """Hand a file to `keep`, piece by piece; raises TransferError.

    `size` is what the file has to have, 0: not known. `grip` has hold of the connection meanwhile.
    """
    way = partial(_session, trusted, grip)
    with _answered("GET", server, way, None, FaultCode.TRANSFER_FAILURE) as response:
        if response.status_code != requests.codes.ok:
            raise _refused(response, FaultCode.FILE_UNREACHABLE, FaultCode.TRANSFER_FAILURE)
        checksums, received = Checksums(response.headers), 0
        try:
            for piece in response.raw.stream(PIECE_BYTES, decode_content=False):
                received += len(piece)
                if received > most_bytes:
                    text = f"the file has over {most_bytes} bytes"
                    raise TransferError(FaultCode.TRANSFER_FAILURE, text)
                checksums.update(piece)
                keep(piece)
        except (urllib3.exceptions.HTTPError, requests.RequestException) as error:
            text = f"{describe(root(error))} after {received} bytes"
            raise TransferError(FaultCode.FILE_INCOMPLETE, text) from error
        if response.raw.length_remaining:
            raise TransferError(
                FaultCode.FILE_INCOMPLETE, f"the answer was cut short after {received} bytes"
            )
    if size and received != size:
        text = f"the file has {received} bytes, not {size}"
        raise TransferError(FaultCode.FILE_CORRUPTED, text)
    if (name := checksums.wrong()) is not None:
        raise TransferError(FaultCode.FILE_CORRUPTED, f"the {name} of the file is another one")


def send(server: Server, trusted: Trusted, grip: Grip, content: bytes) -> None:
    """Put a file (TR-069 A.4.1.5); raises TransferError. `grip` as for `fetch`."""
    way = partial(_session, trusted, grip)
    with _answered("PUT", server, way, content, FaultCode.UPLOAD_FAILURE) as response:
        if not 200 <= response.status_code < 300:
            raise _refused(response, FaultCode.UPLOAD_FAILURE, FaultCode.UPLOAD_FAILURE)


@contextmanager
def _answered(
    method: str,
    server: Server,
    way: Callable[[Target], requests.Session],
    body: bytes | None,
    failure: FaultCode,
) -> Iterator[requests.Response]:
    """Return the answer from where redirects lead; its body was not read. Raises TransferError."""
    with ExitStack() as stack:
        try:
            here = target(server.url, server.username, server.password)
            response = _exchanged(stack.enter_context(way(here)), method, here, body)
            for _ in range(MOST_REDIRECTS):
                if response.status_code not in REDIRECTS:
                    break
                here = redirected(here, response.headers.get("Location"))
                response.close()
                response = _exchanged(stack.enter_context(way(here)), method, here, body)
        except ExchangeError as error:
            raise TransferError(failure, str(error)) from error
        except (urllib3.exceptions.HTTPError, requests.RequestException) as error:
            raise _unreachable(here, error) from error
        yield stack.enter_context(response)


def _session(trusted: Trusted, grip: Grip, here: Target) -> requests.Session:
    """Return what speaks to one server, over a connection of ours."""
    made, adapter = KeepingSession(), Adapter()
    adapter.pool = Pool(here.host, here.port, maxsize=1, dial=partial(_dial, here, trusted, grip))
    made.trust_env = False
    made.mount(f"{here.scheme}://", adapter)
    return made


def _dial(here: Target, trusted: Trusted, grip: Grip, connection: Connection) -> None:
    """Give a connection of the pool its socket.

    Raises OSError, which urllib3 wraps, and TransferError, which it lets by.
    """
    plain = socket.create_connection((here.host, here.port), CONNECT_TIMEOUT_S)
    plain.settimeout(READ_TIMEOUT_S)
    connection.sock = plain
    grip.take(plain)
    if here.scheme == "https":
        secured = trusted.context.wrap_socket(plain, server_hostname=here.host)
        connection.sock = secured
        if secured.version() is None:
            # It has just broken, and nothing was verified.
            raise TransferError(
                FaultCode.SERVER_UNREACHABLE, f"{here.origin}: TLS: connection closed"
            )
        if trusted.passed is not None and ends_at(secured) < trusted.passed:
            text = f"{here.origin}: certificate has expired, whatever the clock shows"
            raise TransferError(FaultCode.SERVER_AUTHENTICATION, text)


def _exchanged(
    session: requests.Session, method: str, here: Target, body: bytes | None
) -> requests.Response:
    """Return the answer to one request, authenticated as far as that server asks for it."""
    credentials = Credentials(here, _skip, basic=True)
    response = _sent(session, method, here, body, credentials)
    if response.status_code == UNAUTHORIZED and credentials.may_repeat(response.request):
        response.close()
        response = _sent(session, method, here, body, credentials)
    return response


def _sent(
    session: requests.Session,
    method: str,
    here: Target,
    body: bytes | None,
    credentials: Credentials,
) -> requests.Response:
    request = here.request.copy()
    request.method, request.hooks = method, default_hooks()
    request.headers.pop("Content-Length", None)
    if body is not None:
        request.headers["Content-Type"] = "application/octet-stream"
        request.prepare_body(body, None)
    request.prepare_cookies(session.cookies)
    credentials(request)
    return session.send(
        request,
        timeout=READ_TIMEOUT_S,
        stream=True,
        allow_redirects=False,
        proxies={},
    )


def _skip(raw: urllib3.HTTPResponse) -> None:
    """Read what there is to a challenge, so that the connection can go on."""
    raw.read(LONGEST_TALK, decode_content=False)


def _refused(response: requests.Response, missing: FaultCode, other: FaultCode) -> TransferError:
    """Return what a status tells: who we are, that there is no such file, or something else."""
    text = f"HTTP {response.status_code} {response.reason or ''}".strip()
    match response.status_code:
        case 401 | 407:
            return TransferError(FaultCode.SERVER_AUTHENTICATION, text)
        case 403 | 404 | 410:
            return TransferError(missing, text)
        case _:
            return TransferError(other, text)


def _unreachable(here: Target, error: Exception) -> TransferError:
    cause = root(error)
    text = f"{here.origin}: {describe(cause)}"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TransferError(FaultCode.SERVER_AUTHENTICATION, text)
    return TransferError(FaultCode.SERVER_UNREACHABLE, text)
