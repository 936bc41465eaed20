"""What a hook answers."""

from __future__ import annotations

from contextlib import suppress

from henbd.system.s1ap.hook_messages import read_acknowledged, read_status


def fuzz(data: bytes) -> None:
    """Read it as each kind of answer; nothing but ValueError may come of what is wrong."""
    for read in (read_acknowledged, read_status):
        with suppress(ValueError):
            read(data)
