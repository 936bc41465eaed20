"""What an envelope may be at most, looked at before any parser sees it.

A parser is given what it can only take in a memory and a time that the board has. libxml2 keeps
bounds of its own, of depth and of what entities come to, which are tested with it.
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

# CWMP is UTF-8 (TR-069 3.5); others are seen in the field. In what is none of these, bounds could
# be passed under cover, and iconv knows hundreds.
ENCODINGS = re.compile(rb"(utf-?(8|16|16le|16be|32)|us-ascii|iso-8859-1|windows-1252)", re.I)

_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([^"'>]{0,40})""")


def check(data: bytes) -> None:
    """Raise HemsError for what is no envelope, or more than anybody has reason to send."""
    if len(data) > LARGEST_BYTES:
        raise HemsError(f"the message is longer than {LARGEST_BYTES} bytes")
    start = data[:1000].lstrip()
    # In UTF-16 and UTF-32 with a byte order mark, too.
    if b"<" not in start[:8]:
        raise HemsError("no XML")
    declared = _DECLARED.search(start)
    if declared is not None and not ENCODINGS.fullmatch(declared[1]):
        raise HemsError(f"encoded in {declared[1].decode('ascii', 'replace')}, not in UTF-8")
    if b"<!DOCTYPE" in data:
        raise HemsError("a document type declaration is not accepted")
    if data.count(b"<") > MOST_TAGS or data.count(b"=") > MOST_ATTRIBUTES:
        raise HemsError(f"over {MOST_TAGS} tags or {MOST_ATTRIBUTES} attributes in one message")
