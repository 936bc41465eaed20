"""The head of an HTTP request as a connection request has it (RFC 9112). No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Line ends included; the longest that any HeMS is known to send is a quarter of it.
LONGEST_HEAD = 4096

_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(r"\r?\n")
_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\.([0-9])")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_AUTHORITY = re.compile(r"\Ahttps?://[^/?]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request. `target` as it was written; `fields` have names in lower case."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    keep_alive: bool

    def all(self, name: str) -> list[str]:
        """Return the values of every field of that name, which is in lower case."""
        return [value for key, value in self.fields if key == name]


@dataclass(frozen=True, slots=True)
class Malformed:
    """What is no HTTP, or more of it than belongs here: what follows cannot be understood."""

    why: str


def parse(data: bytes) -> tuple[Request | Malformed, bytes] | None:
    """Return the first request in these bytes, and the bytes behind it; None: not complete yet."""
    # RFC 9112 2.2: a server should ignore an empty line before a request.
    start = len(data) - len(data.lstrip(b"\r\n"))
    end = _END.search(data, start)
    if (len(data) if end is None else end.end()) > LONGEST_HEAD:
        return Malformed("the head is too long"), b""
    if end is None:
        return None
    return _head(data[start : end.start()].decode("latin-1")), data[end.end() :]


def path_of(target: str) -> str:
    """Return the path and query that a target in any form stands for."""
    return _AUTHORITY.sub("", target, count=1) or "/"


def _head(text: str) -> Request | Malformed:
    first, *lines = _LINE_END.split(text)
    line = _REQUEST_LINE.fullmatch(first)
    matches = [_FIELD.fullmatch(line) for line in lines]
    if line is None or None in matches:
        return Malformed(f"no HTTP: {first[:40]!r}")
    fields = tuple((m[1].lower(), m[2].rstrip(" \t")) for m in matches if m is not None)
    names = [name for name, _ in fields]
    lengths = [value for name, value in fields if name == "content-length"]
    if "transfer-encoding" in names or any(length != "0" for length in lengths):
        return Malformed("a connection request has no body")
    if names.count("authorization") > 1:
        return Malformed("more than one Authorization")
    method, target, minor = line.groups()
    options = set(_options(fields))
    keep = "keep-alive" in options if minor == "0" else "close" not in options
    return Request(method, target, fields, keep)


def _options(fields: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, value in fields:
        if name == "connection":
            yield from (option.strip().lower() for option in value.split(","))
