"""What Amarisoft's lteenb reads and says: enb.cfg, and the answers of its remote API. Experimental.

Pure. It follows what is publicly known of it, and was never seen with the real one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from henbd.system.s1ap.dialect import Dialect, Said
from henbd.values import FarEnd, PeerState, S1Link

# TS 36.412 7: the port of S1AP, which need not be written.
PORT = 36_412

# JSON with names that are not quoted, and with comments.
TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/|\s+|[A-Za-z_]\w*|[^"/\sA-Za-z_]|/(?![*/])', re.DOTALL
)
OPENING, CLOSING = ("[", "{"), ("]", "}")

# What the API says of a connection, without regard to case and blanks.
STATES = {
    "setup_done": Said(PeerState.UP),
    "setup": Said(PeerState.SETUP),
    "setup_pending": Said(PeerState.SETUP),
    "connecting": Said(PeerState.CONNECTING),
    "connected": Said(PeerState.SETUP),
    "inactive": Said(PeerState.DOWN, "stack/inactive"),
    "disconnected": Said(PeerState.DOWN, "stack/disconnected"),
}


class Place(NamedTuple):
    """A part of a text."""

    start: int
    stop: int


def rewrite(text: str, link: S1Link) -> str:
    """Return enb.cfg with these addresses; of `mme_list` nothing else is kept.

    Raises ValueError where it has no `mme_list` or no `gtp_addr`, or has one within the other.
    """
    mmes = ", ".join(
        f'{{ mme_addr: "{_mme(end)}", s1ap_bind_addr: "{link.local}" }}' for end in link.peers
    )
    (first, before), (second, after) = sorted(
        (_place(text, name), value)
        for name, value in (("mme_list", f"[{mmes}]"), ("gtp_addr", f'"{link.local}"'))
    )
    if second.start < first.stop:
        raise ValueError("of mme_list and gtp_addr one is within the other")
    between = text[first.stop : second.start]
    return text[: first.start] + before + between + after + text[second.stop :]


def _mme(far_end: FarEnd) -> str:
    if far_end.port == PORT:
        return str(far_end.address)
    host = f"[{far_end.address}]" if far_end.address.version == 6 else str(far_end.address)
    return f"{host}:{far_end.port}"


def _place(text: str, name: str) -> Place:
    """Return where the value of the first key of this name stands."""
    tokens = _tokens(text)
    for _, token in tokens:
        if token not in (name, f'"{name}"') or next(tokens, (0, ""))[1] != ":":
            continue
        start, first = next(tokens, (0, ""))
        end = start + len(first)
        if first not in OPENING:
            if not first.startswith('"'):
                break
            return Place(start, end)
        depth = 1
        while depth:
            at, inner = next(tokens, (0, ""))
            depth += (inner in OPENING) - (inner in CLOSING)
            end = at + 1
        return Place(start, end)
    raise ValueError(f"there is no {name}, or it is neither a list nor a text")


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    """Yield what is neither blank nor comment, with its place."""
    at, open_brackets = 0, []
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise ValueError("a text or a comment has no end")
        token = found[0]
        if token in OPENING:
            open_brackets.append(CLOSING[OPENING.index(token)])
        elif token in CLOSING and (not open_brackets or open_brackets.pop() != token):
            raise ValueError("brackets do not match")
        if not token.isspace() and not token.startswith(("//", "/*")):
            yield at, token
        at = found.end()
    if open_brackets:
        raise ValueError("brackets do not match")


def hear(answer: str, link: S1Link) -> Mapping[FarEnd, Said]:
    """Return what an answer to `s1` says of the far ends; other answers say nothing."""
    try:
        fields = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    found = fields.get("s1_list") if isinstance(fields, dict) else None
    if not isinstance(found, list):
        return {}
    said = {}
    for far_end in link.peers:
        items = [item for item in found if isinstance(item, dict) and _is(item, far_end)]
        state = str(items[0].get("state", "")) if items else "inactive"
        known = STATES.get("_".join(state.lower().split()))
        cause = f"stack/{state[:50]}" if state.isprintable() else "stack/unknown"
        said[far_end] = known or Said(PeerState.DOWN, cause)
    return said


def _is(item: Mapping[str, object], far_end: FarEnd) -> bool:
    """Return whether an item is about a far end; its port may be there or not."""
    address = str(item.get("address", ""))
    host = str(far_end.address)
    return address in (host, f"{host}:{far_end.port}", f"[{host}]:{far_end.port}")


def beyond(link: S1Link) -> str | None:
    """Return what of a link it cannot do."""
    return None if link.may_transmit else "lteenb transmits as soon as it runs"


AMARISOFT = Dialect("lteenb", beyond, hear)
