"""What stack and henbd have told each other over the native protocol (see PROTOCOL.md).

Pure. What is out of order raises ValueError, with a text for the sender, and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from henbd.system.s1ap.native_messages import Ack, Hello, Status, config
from henbd.values import S1Link, Stack


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What was said. `newest` is the greatest generation that either side has ever named.

    `stack` is None before its hello. `described`: it has said how S1 is, or there was nothing to
    say, for it stays down.
    """

    newest: int = 0
    stack: Stack | None = None
    described: bool = False


def hear(dialogue: Dialogue, message: Hello | Ack | Status) -> Dialogue:
    """Return the dialogue after a message of the stack."""
    if isinstance(message, Hello):
        return _greeted(dialogue, message)
    if dialogue.stack is None:
        raise ValueError("hello comes first")
    if message.generation > dialogue.stack.generation:
        raise ValueError(f"there is no config of generation {message.generation}")
    if message.generation < dialogue.stack.generation:
        # Out of date: the config that replaces it is on its way.
        return dialogue
    if isinstance(message, Ack):
        return replace(dialogue, stack=replace(dialogue.stack, acknowledged=True))
    return _described(dialogue, dialogue.stack, message)


def tell(dialogue: Dialogue, link: S1Link | None) -> tuple[Dialogue, bytes]:
    """Return the dialogue after the stack was told a link, and the line that tells it.

    What it said of far ends that it keeps stands until it says something else: they are not to be
    disturbed, and one that was up before the local address changed is known by its old address.
    """
    assert dialogue.stack is not None
    generation = dialogue.newest + 1
    kept = frozenset(link.peers) if link else frozenset()
    stack = replace(
        dialogue.stack,
        told=link,
        generation=generation,
        acknowledged=False,
        peers=tuple(peer for peer in dialogue.stack.peers if peer.far_end in kept),
    )
    return Dialogue(generation, stack, described=True), config(generation, link)


def ended(dialogue: Dialogue) -> Dialogue:
    """Return what outlives a connection: generations are never used twice."""
    return Dialogue(dialogue.newest)


def _greeted(dialogue: Dialogue, hello: Hello) -> Dialogue:
    """Take the stack for what it says: what it works by is what it was told last."""
    if dialogue.stack is not None:
        raise ValueError("hello was said already")
    stack = Stack(
        name=hello.name,
        told=hello.link,
        generation=hello.generation,
        acknowledged=True,
        peers=(),
        transmitting=False,
        user_plane_peers=(),
    )
    return Dialogue(max(dialogue.newest, hello.generation), stack, described=hello.link is None)


def _described(dialogue: Dialogue, stack: Stack, status: Status) -> Dialogue:
    if not stack.acknowledged:
        raise ValueError(f"status of generation {status.generation} comes after its ack")
    told = stack.told.peers if stack.told else ()
    if tuple(peer.far_end for peer in status.peers) != told:
        raise ValueError(f"peers are not those of generation {status.generation}, in its order")
    described = replace(
        stack,
        peers=status.peers,
        transmitting=status.transmitting,
        user_plane_peers=status.user_plane_peers,
        parameters=status.parameters,
    )
    return replace(dialogue, stack=described, described=True)
