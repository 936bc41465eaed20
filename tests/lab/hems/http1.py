"""HTTP messages as the HeMS sees and sends them: exact bytes, no socket."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from tests.lab.hems.script import Chunked, ConnectionClose, Continue, Gzip, Header, Manner

# A head of a CPE is some hundred bytes; a stream without an end of head is no HTTP.
HEAD_LIMIT = 65536


class HttpError(ValueError):
    """What was sent is no HTTP request that can be answered."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first line and the headers of a request, as they were written."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Return the values of all headers of that name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str | None:
        """Return the value of the first header of that name."""
        return next(iter(self.all(name)), None)


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request; `first_byte_at` is when its first byte was read, in monotonic seconds."""

    head: Head
    body: bytes
    first_byte_at: float


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, before it is known how it is sent."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=())


def read_head(text: bytes) -> Head:
    """Read the head of a request, without the empty line at its end."""
    try:
        first, *lines = text.decode("ascii").split("\r\n")
    except UnicodeDecodeError as error:
        raise HttpError("the head is not ASCII") from error
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise HttpError(f"{first!r} is no request line")
    return Head(words[0], words[1], words[2], tuple(_header(line) for line in lines))


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise HttpError(f"{line!r} is no header")
    return name, value.strip(" \t")


def body_length(head: Head) -> int:
    """Return the length of the body that follows a head; HttpError if it cannot be known."""
    if head.all("Transfer-Encoding"):
        raise HttpError("a request with Transfer-Encoding, where Content-Length is wanted")
    lengths = head.all("Content-Length")
    if head.method == "POST" and len(lengths) != 1:
        raise HttpError(f"{len(lengths)} Content-Length headers on a POST")
    if any(not (length.isascii() and length.isdigit()) for length in lengths):
        raise HttpError(f"the Content-Length {lengths[0]!r} is no number")
    return int(lengths[0]) if lengths else 0


@dataclass(frozen=True, slots=True)
class Pieces:
    """An answer as bytes: its head (with what comes before it), and its body as on the wire.

    `closes`: the connection is announced to be closed after it.
    """

    head: bytes
    body: bytes
    closes: bool


def encode(response: Response, manners: Sequence[Manner]) -> Pieces:
    """Return the bytes of an answer in these manners."""
    body, headers = response.body, list(response.headers)
    chunked = next((manner for manner in manners if isinstance(manner, Chunked)), None)
    if any(isinstance(manner, Gzip) for manner in manners) and body:
        body = gzip.compress(body)
        headers.append(("Content-Encoding", "gzip"))
    if chunked and body:
        body = _chunks(body, chunked.size)
        headers.append(("Transfer-Encoding", "chunked"))
    elif response.status != HTTPStatus.NO_CONTENT:
        headers.append(("Content-Length", str(len(body))))
    headers += [(manner.name, manner.value) for manner in manners if isinstance(manner, Header)]
    closes = any(isinstance(manner, ConnectionClose) for manner in manners)
    if closes:
        headers.append(("Connection", "close"))
    prelude = any(isinstance(manner, Continue) for manner in manners)
    before = _head(HTTPStatus.CONTINUE, ()) if prelude else b""
    return Pieces(before + _head(response.status, headers), body, closes)


def _head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {_reason(status)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"


def _chunks(body: bytes, size: int) -> bytes:
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
