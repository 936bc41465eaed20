"""The lines of an S1AP stack, and the dialogue that goes by them."""

from __future__ import annotations

from henbd.system.lines import LONGEST_LINE, LineBuffer
from henbd.system.s1ap.native_dialogue import Dialogue, hear
from henbd.system.s1ap.native_messages import Ack, Hello, Status, parse


def fuzz(data: bytes) -> None:
    """Hear every line; nothing but ValueError may come of one that is wrong."""
    dialogue = Dialogue()
    buffer = LineBuffer()
    half = len(data) // 2
    for line in (*buffer.feed(data[:half]), *buffer.feed(data[half:] + b"\n")):
        assert len(line) <= LONGEST_LINE + 1
        try:
            message = parse(line)
            if isinstance(message, Hello | Ack | Status):
                dialogue = hear(dialogue, message)
        except ValueError:
            continue
