"""The files of stacks, and what they say in their logs and answers."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

from henbd.system.s1ap import amarisoft_text, srsenb_text
from henbd.system.s1ap.service import procd, systemd
from henbd.values import Cell, FarEnd, S1Link

LINK = S1Link(
    ip_address("10.99.0.1"),
    (FarEnd(ip_address("10.30.0.2"), 36412), FarEnd(ip_address("fd00:30::2"), 36413)),
    inside=True,
    may_transmit=True,
    cell=Cell(1, 1, (), None, None),
)


def fuzz(data: bytes) -> None:
    """Rewriting twice is rewriting once; nothing but ValueError may come of what is wrong."""
    text = data.decode("utf-8", "surrogateescape")
    for stack in (srsenb_text, amarisoft_text):
        stack.hear(text, LINK)
        with suppress(ValueError):
            once = stack.rewrite(text, LINK)
            assert stack.rewrite(once, LINK) == once
    for manager in (systemd("x"), procd("x")):
        with suppress(ValueError, AttributeError):
            manager.running(data)
