"""What comes from charon's socket."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from henbd.errors import CharonError
from henbd.system import charon_answers as answers
from henbd.system.vici_connection import Framing, Reply


def fuzz(data: bytes) -> None:
    """Read every message in each way in which an answer is read."""
    framing = Framing()
    with suppress(CharonError):
        for part in framing.receive(data):
            if isinstance(part, Reply):
                understand(part)


def understand(reply: Reply) -> None:
    """Take one answer for each of those that are asked for."""
    reply.refusal()
    readings: tuple[Callable[[], object], ...] = (
        lambda: answers.ike_sas(reply.items),
        lambda: answers.torn(reply.items),
        lambda: answers.ike_sas((reply.message,)),
        lambda: answers.loaded(reply.items, reply.message, reply.message),
        lambda: answers.esp_mode(reply.message),
    )
    for read in readings:
        with suppress(CharonError):
            read()
