"""A recorded session as JSON values, with every secret blotted out; no I/O.

A value is blotted by the name of its parameter or element, and again wherever a secret that is
known stands in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC
from functools import lru_cache
from html import escape
from typing import Any

from henbd.trace import Happening, Message, Recording

BLOT = "\N{FULL BLOCK}" * 6

# Shorter ones stand in every text: an empty password, a "1".
SHORTEST_SECRET = 4

# Whoever sends a body may wish us ill: nothing here is read twice (possessive quantifiers).
_ATTRIBUTES = r"""(?:\s(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+)?+>"""
_OPEN = rf"<(?:[\w.-]++:)?+{{name}}{_ATTRIBUTES.replace('{', '{{').replace('}', '}}')}"
_CLOSE = r"</(?:[\w.-]++:)?+{name}\s*+>"
_COMMENT = r"<!--(?:[^-]|-(?!->))*+(?:-->|\Z)"
_CONTENT = rf"((?:<!\[CDATA\[(?:[^]]|\](?!\]>))*+(?:\]\]>|\Z)|{_COMMENT}|[^<])*+)"

# A ParameterValueStruct (TR-069 A.3.2.1): its Name, then its Value.
_PAIR = re.compile(
    rf"({_OPEN.format(name='Name')}([^<]*+){_CLOSE.format(name='Name')}"
    rf"(?:\s|{_COMMENT})*+{_OPEN.format(name='Value')}){_CONTENT}"
)
# Download and Upload bring credentials of their own (A.3.2.8).
_PASSWORD = re.compile(rf"({_OPEN.format(name='[A-Za-z]*?Password')}){_CONTENT}")
_METHOD = re.compile(rf"{_OPEN.format(name='Body')}\s*+<(?:[\w.-]++:)?+(\w++)")

Hidden = Callable[[str], bool]


def document(record: Recording, secrets: frozenset[str], hidden: Hidden) -> dict[str, Any]:
    """Return a session; `in_s` of its parts counts from its beginning, in seconds.

    `hidden` tells of a parameter whether its value is a secret.
    """
    ended_at = record.ended_at
    return {
        "at": record.wall.astimezone(UTC).isoformat(timespec="milliseconds"),
        "url": record.url,
        "source": record.source,
        "events": list(record.events),
        "acknowledged": record.acknowledged,
        "failure": None if record.failure is None else blotted(record.failure, secrets, hidden),
        "took_s": None if ended_at is None else _seconds(ended_at - record.at),
        "messages": [_message(m, record.at, secrets, hidden) for m in record.messages],
        "happenings": happenings(record.happenings, record.at),
    }


def happenings(found: Iterable[Happening], since: float) -> list[dict[str, Any]]:
    """Return what happened, counted from a monotonic time."""
    return [{"in_s": _seconds(h.at - since), "about": h.about, "text": h.text} for h in found]


def blotted(text: str, secrets: frozenset[str], hidden: Hidden) -> str:
    """Return a text without its secrets."""
    text = _PAIR.sub(lambda m: m[1] + (BLOT if m[3] and hidden(m[2].strip()) else m[3]), text)
    text = _PASSWORD.sub(lambda m: m[1] + (BLOT if m[2] else ""), text)
    for spelt in _spelt(secrets):
        text = text.replace(spelt, BLOT)
    return text


@lru_cache(maxsize=1)
def _spelt(secrets: frozenset[str]) -> tuple[str, ...]:
    """Return secrets as they may stand in a text, the longest first. They are seldom others."""
    long = sorted((s for s in secrets if len(s) >= SHORTEST_SECRET), key=len, reverse=True)
    return tuple(spelt for secret in long for spelt in _spellings(secret))


def _spellings(text: str) -> set[str]:
    """Return a text as it stands in XML, with as much of it escaped as anybody does."""
    quoted = escape(text)
    apostrophe = quoted.replace("&#x27;", "&apos;")
    return {text, escape(text, quote=False), quoted, apostrophe, apostrophe.replace("&apos;", "'")}


def _message(
    message: Message, since: float, secrets: frozenset[str], hidden: Hidden
) -> dict[str, Any]:
    text = message.body.decode("utf-8", "replace")
    method = _METHOD.search(text)
    return {
        "in_s": _seconds(message.at - since),
        "from": "HeNB" if message.ours else "HeMS",
        "name": method[1] if method else "",
        "status": message.status,
        "bytes": message.size,
        "cut": len(message.body) < message.size,
        "body": blotted(text, secrets, hidden),
    }


def _seconds(value: float) -> float:
    return round(value, 4)
