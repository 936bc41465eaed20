"""Links and peers as JSON objects, as each adapter that speaks JSON has them (see PROTOCOL.md).

Pure. Whatever is not exactly as the protocol says raises ValueError, with a text for the sender.
"""

from __future__ import annotations

import re
from typing import Any

from henbd.system.s1ap.json_object import JsonObject
from henbd.values import Cell, FarEnd, Peer, PeerState, S1Link

# What every JSON implementation can count to (RFC 8259 section 6).
LARGEST_GENERATION = 2**53 - 1

# TS 36.413: home eNB id 9.2.1.37, TAC 9.2.3.7, CSG-Id 9.2.1.62, TimeToWait 9.2.1.61.
LARGEST_HOME_ENB_ID = 2**28 - 1
LARGEST_TAC = 2**16 - 1
LARGEST_CSG_ID = 2**27 - 1
LONGEST_TIME_TO_WAIT_S = 60

PLMN = re.compile(r"[0-9]{5,6}")


def link_object(link: S1Link) -> dict[str, Any]:
    """Return the object that a link is written as."""
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
            "parameters": dict(cell.parameters),
        },
    }


def read_link(link: JsonObject) -> S1Link:
    """Return the link that somebody echoes."""
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
            parameters=cell.texts("parameters"),
        ),
    )


def read_peer(peer: JsonObject) -> Peer:
    """Return the peer of a status."""
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


def _far_end(peer: JsonObject) -> FarEnd:
    return FarEnd(peer.address("address"), peer.integer("port", 1, 65_535))


def _plmn(path: str, value: object) -> str:
    if not isinstance(value, str) or not PLMN.fullmatch(value):
        raise ValueError(f"{path} is not 5 or 6 digits")
    return value
