"""The messages of the native protocol: lines of JSON ⇄ values (see PROTOCOL.md).

Pure. Whatever is not exactly as the protocol says raises ValueError, with a text for the sender.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from henbd.system.lines import LONGEST_LINE
from henbd.system.s1ap.json_object import JsonObject, address, parse_object
from henbd.system.s1ap.wire import LARGEST_GENERATION, link_object, read_link, read_peer
from henbd.values import Address, Peer, S1Link

VERSION = 1

# A sentence, for our log.
LONGEST_COMPLAINT = 1000


@dataclass(frozen=True, slots=True)
class Hello:
    """The stack's first message. `link` is what it works by; None: it stays down."""

    name: str
    generation: int
    link: S1Link | None


@dataclass(frozen=True, slots=True)
class ForeignHello:
    """The first message of a stack that speaks another version."""

    version: int


@dataclass(frozen=True, slots=True)
class Ack:
    """The stack works by a config now, and by nothing older."""

    generation: int


@dataclass(frozen=True, slots=True)
class Status:
    """How S1 is."""

    generation: int
    peers: tuple[Peer, ...]
    transmitting: bool
    user_plane_peers: tuple[Address, ...]
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ping:
    """Is anybody there?"""


@dataclass(frozen=True, slots=True)
class Complaint:
    """An `error`: the stack refuses what it was sent."""

    text: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message of a type that this version does not know."""


Message = Hello | ForeignHello | Ack | Status | Ping | Complaint | Ignored


def parse(line: bytes) -> Message:
    """Return the message that a line is; raises ValueError saying what is wrong with it."""
    if len(line) > LONGEST_LINE:
        raise ValueError(f"a line of more than {LONGEST_LINE} bytes")
    message = parse_object(line)
    reader = READERS.get(message.string("type"))
    return reader(message) if reader else Ignored()


def config(generation: int, link: S1Link | None) -> bytes:
    """Return the line that tells the stack all that is wanted of it."""
    wire = None if link is None else link_object(link)
    return _line({"type": "config", "generation": generation, "link": wire})


def pong() -> bytes:
    """Return the answer to a ping."""
    return _line({"type": "pong"})


def error(text: str) -> bytes:
    """Return the line that says what was refused and why."""
    return _line({"type": "error", "text": text})


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def _hello(message: JsonObject) -> Hello | ForeignHello:
    version = message.integer("version", 0, LARGEST_GENERATION)
    if version != VERSION:
        return ForeignHello(version)
    return Hello(
        name=message.text("name"),
        generation=message.integer("generation", 0, LARGEST_GENERATION),
        link=message.optional("config", lambda name: read_link(message.inner(name))),
    )


def _ack(message: JsonObject) -> Ack:
    return Ack(message.integer("generation", 0, LARGEST_GENERATION))


def _status(message: JsonObject) -> Status:
    return Status(
        generation=message.integer("generation", 0, LARGEST_GENERATION),
        peers=tuple(read_peer(peer) for peer in message.inners("peers")),
        transmitting=message.boolean("transmitting"),
        user_plane_peers=tuple(address(*item) for item in message.items("user_plane_peers")),
        parameters=message.texts("parameters") if "parameters" in message.fields else (),
    )


def _ping(_message: JsonObject) -> Ping:
    return Ping()


def _complaint(message: JsonObject) -> Complaint:
    return Complaint(message.text("text", LONGEST_COMPLAINT))


READERS: dict[str, Callable[[JsonObject], Message]] = {
    "hello": _hello,
    "ack": _ack,
    "status": _status,
    "ping": _ping,
    "error": _complaint,
}
