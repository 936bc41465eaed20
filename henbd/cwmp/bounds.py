"""What an envelope may be at most, looked at before any parser sees it.

A parser is given what it can only take in a memory and a time that the board has, in UTF-8 that is
declared by us: in an encoding of the HeMS's choice these bounds could be passed under cover.
libxml2 keeps bounds of its own, of depth and of what entities come to, which are tested with it.
"""

from __future__ import annotations

import re

from henbd.errors import HemsError

# The largest message that a HeNB's HeMS has reason to send is a SetParameterValues of the whole
# model, about 300 kB.
LARGEST_BYTES = 4 * 1024 * 1024

# Of these every element has two, every attribute one of the other kind. The whole model needs a
# fifth; libxml2 makes 100 bytes and more of each.
MOST_TAGS, MOST_ATTRIBUTES = 60_000, 60_000

# No tag has fewer bytes, and no attribute: what is not large need not be counted through.
SHORTEST = len("<a>")

# CWMP is UTF-8 (TR-069 3.5). Others are seen in the field: these, where they are declared, and
# those that begin with a byte order mark (XML 1.0 appendix F; UTF-16's is the half of UTF-32's).
DECLARED = frozenset({"utf-8", "utf8", "us-ascii", "iso-8859-1", "windows-1252"})
MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)

# Blanks before the declaration are no XML, and are seen in the field.
_DECLARATION = re.compile(rb"[ \t\r\n]*(<\?xml\s[^>]*>)?")
_ENCODING = re.compile(rb"""\sencoding\s*=\s*["']([^"']*)""")


def plain(data: bytes) -> bytes:
    """Return an envelope in UTF-8 behind a declaration that says so.

    Raises HemsError for what is no text, or more than anybody has reason to send.
    """
    if len(data) > LARGEST_BYTES:
        raise HemsError(f"the message is longer than {LARGEST_BYTES} bytes")
    mark, encoding = next((pair for pair in MARKS if data.startswith(pair[0])), (b"", ""))
    data = _in_utf_8(data[len(mark) :], encoding) if mark else data
    declaration = _DECLARATION.match(data)
    assert declaration is not None
    content = data[declaration.end() :]
    if not mark:
        content = _in_utf_8(content, _declared(declaration[0]))
    _check(content)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + content


def _declared(declaration: bytes) -> str:
    found = _ENCODING.search(declaration)
    name = found[1].decode("ascii", "replace").lower() if found else "utf-8"
    if name not in DECLARED:
        raise HemsError(f"encoded in {name}, not in UTF-8")
    return name


def _in_utf_8(data: bytes, encoding: str) -> bytes:
    try:
        return data if encoding == "utf-8" else data.decode(encoding).encode()
    except ValueError as error:
        raise HemsError(f"not encoded in {encoding}: {error}") from error


def _check(data: bytes) -> None:
    if len(data) > LARGEST_BYTES:
        raise HemsError(f"the message is longer than {LARGEST_BYTES} bytes in UTF-8")
    # To look for one byte takes a thirtieth of the time, and hardly any message has it.
    if b"!" in data and b"<!DOCTYPE" in data:
        raise HemsError("a document type declaration is not accepted")
    large = len(data) > SHORTEST * MOST_TAGS
    if large and (data.count(b"<") > MOST_TAGS or data.count(b"=") > MOST_ATTRIBUTES):
        raise HemsError(f"over {MOST_TAGS} tags or {MOST_ATTRIBUTES} attributes in one message")
