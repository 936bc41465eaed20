"""What a hook is given and what it answers: JSON ⇄ values (see HOOK.md).

Pure. Whatever is not exactly as HOOK.md says raises ValueError, with a text for the log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from henbd.system.lines import LONGEST_LINE
from henbd.system.s1ap.json_object import JsonObject, address, parse_object
from henbd.system.s1ap.wire import LARGEST_GENERATION, link_object, read_link, read_peer
from henbd.values import Address, Peer, S1Link

VERSION = 1


@dataclass(frozen=True, slots=True)
class HookStatus:
    """What `status` tells: what the stack works by (generation 0: nothing yet), and how S1 is."""

    generation: int
    link: S1Link | None
    peers: tuple[Peer, ...]
    transmitting: bool
    user_plane_peers: tuple[Address, ...]
    parameters: tuple[tuple[str, str], ...]


def wanted(generation: int, link: S1Link | None) -> bytes:
    """Return what `apply` and `quiesce` are given; one line, for hooks that cut it up by hand."""
    said = None if link is None else link_object(link)
    fields = {"version": VERSION, "generation": generation, "link": said}
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def read_acknowledged(output: bytes) -> int:
    """Return the generation that `apply` or `quiesce` acknowledges."""
    return _generation(_object(output))


def read_status(output: bytes) -> HookStatus:
    """Return what `status` tells."""
    message = _object(output)
    applied = message.optional("applied", message.inner)
    link = None
    if applied is not None:
        link = applied.optional("link", lambda name: read_link(applied.inner(name)))
    peers = tuple(read_peer(peer) for peer in message.inners("peers"))
    if tuple(peer.far_end for peer in peers) != (link.peers if link else ()):
        raise ValueError("peers are not those that were applied, in their order")
    return HookStatus(
        generation=_generation(applied) if applied else 0,
        link=link,
        peers=peers,
        transmitting=message.boolean("transmitting"),
        user_plane_peers=tuple(address(*item) for item in message.items("user_plane_peers")),
        parameters=message.texts("parameters") if "parameters" in message.fields else (),
    )


def _generation(message: JsonObject) -> int:
    return message.integer("generation", 0, LARGEST_GENERATION)


def _object(output: bytes) -> JsonObject:
    if len(output) > LONGEST_LINE:
        raise ValueError(f"more than {LONGEST_LINE} bytes of answer")
    return parse_object(output)
