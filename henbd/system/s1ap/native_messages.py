"""The messages of the native protocol: lines of JSON ⇄ values (see PROTOCOL.md).

Pure. Whatever is not exactly as the protocol says raises ValueError, with a text for the sender.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from henbd.system.lines import LONGEST_LINE
from henbd.system.s1ap.json_object import JsonObject, address, parse_object
from henbd.values import Address, Cell, FarEnd, Peer, PeerState, S1Link

VERSION = 1

# What every JSON implementation can count to (RFC 8259 section 6).
LARGEST_GENERATION = 2**53 - 1

# TS 36.413: home eNB id 9.2.1.37, TAC 9.2.3.7, CSG-Id 9.2.1.62, TimeToWait 9.2.1.61.
LARGEST_HOME_ENB_ID = 2**28 - 1
LARGEST_TAC = 2**16 - 1
LARGEST_CSG_ID = 2**27 - 1
LONGEST_TIME_TO_WAIT_S = 60

# A sentence, for our log.
LONGEST_COMPLAINT = 1000

PLMN = re.compile(r"[0-9]{5,6}")


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
    wire = None if link is None else _wire(link)
    return _line({"type": "config", "generation": generation, "link": wire})


def pong() -> bytes:
    """Return the answer to a ping."""
    return _line({"type": "pong"})


def error(text: str) -> bytes:
    """Return the line that says what was refused and why."""
    return _line({"type": "error", "text": text})


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def _wire(link: S1Link) -> dict[str, Any]:
    cell = link.cell
    return {
        "local": str(link.local),
        "user_plane_local": str(link.local),
        "peers": [{"address": str(p.address), "port": p.port} for p in link.peers],
        "inside": link.inside,
        "may_transmit": link.may_transmit,
        "cell": {
            "identity": cell.identity,
            "tac": cell.tac,
            "plmns": list(cell.plmns),
            "name": cell.name,
            "csg_id": cell.csg_id,
        },
    }


def _hello(message: JsonObject) -> Hello | ForeignHello:
    version = message.integer("version", 0, LARGEST_GENERATION)
    if version != VERSION:
        return ForeignHello(version)
    return Hello(
        name=message.text("name"),
        generation=message.integer("generation", 0, LARGEST_GENERATION),
        link=message.optional("config", lambda name: _link(message.inner(name))),
    )


def _ack(message: JsonObject) -> Ack:
    return Ack(message.integer("generation", 0, LARGEST_GENERATION))


def _status(message: JsonObject) -> Status:
    return Status(
        generation=message.integer("generation", 0, LARGEST_GENERATION),
        peers=tuple(_peer(peer) for peer in message.inners("peers")),
        transmitting=message.boolean("transmitting"),
        user_plane_peers=tuple(address(*item) for item in message.items("user_plane_peers")),
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


def _far_end(peer: JsonObject) -> FarEnd:
    return FarEnd(peer.address("address"), peer.integer("port", 1, 65_535))


def _peer(peer: JsonObject) -> Peer:
    state = peer.string("state")
    if state not in {s.value for s in PeerState}:
        raise ValueError(f"{peer.path}state is none of {', '.join(s.value for s in PeerState)}")
    return Peer(
        far_end=_far_end(peer),
        state=PeerState(state),
        local=peer.optional("local", peer.address),
        cause=peer.optional("cause", peer.text),
        time_to_wait_s=peer.optional(
            "time_to_wait_s", lambda name: peer.integer(name, 0, LONGEST_TIME_TO_WAIT_S)
        ),
        mme_name=peer.optional("mme_name", peer.text),
    )


def _link(link: JsonObject) -> S1Link:
    """Return the link that the stack echoes."""
    local = link.address("local")
    if link.address("user_plane_local") != local:
        raise ValueError(f"{link.path}user_plane_local is not {link.path}local")
    peers = tuple(_far_end(peer) for peer in link.inners("peers"))
    if not peers:
        raise ValueError(f"{link.path}peers is empty")
    cell = link.inner("cell")
    return S1Link(
        local=local,
        peers=peers,
        inside=link.boolean("inside"),
        may_transmit=link.boolean("may_transmit"),
        cell=Cell(
            identity=cell.integer("identity", 0, LARGEST_HOME_ENB_ID),
            tac=cell.integer("tac", 0, LARGEST_TAC),
            plmns=tuple(_plmn(*item) for item in cell.items("plmns")),
            name=cell.optional("name", cell.string),
            csg_id=cell.optional("csg_id", lambda name: cell.integer(name, 0, LARGEST_CSG_ID)),
        ),
    )


def _plmn(path: str, value: object) -> str:
    if not isinstance(value, str) or not PLMN.fullmatch(value):
        raise ValueError(f"{path} is not 5 or 6 digits")
    return value
