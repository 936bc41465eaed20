"""The versions of CWMP, and which one is spoken with a HeMS (TR-069 3.5, A.6)."""

from __future__ import annotations

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
CWMP = "urn:dslforum-org:cwmp-"

# The end of the namespace of each version; from 1.2 on it stays the same.
NAMESPACES = {"1.0": "1-0", "1.1": "1-1", "1.2": "1-2", "1.3": "1-2", "1.4": "1-2"}

# [hems] cwmp_version.
CHOICES = ("auto", *NAMESPACES)

FIRST, FALLBACK = "1-2", "1-0"

# A HeMS is not taken for another one because it has refused an Inform or two: it may be ill.
PATIENCE = 4


def announced(choice: str) -> str:
    """Return the versions to offer in the header of an Inform, which is of 1.4; "" for none."""
    return ",".join(NAMESPACES) if choice == "1.4" else ""


def namespace(choice: str, known: str, refusals: int, *, booted: bool) -> str:
    """Return the namespace version of the next Inform, such as "1-2".

    `choice` is the configured one, `known` what this HeMS has acknowledged before, "" for nothing;
    `refusals` counts the Informs that it has refused since; `booted`: it has acknowledged none of
    this boot. Without a choice the first and the fallback take turns until one is taken; the
    fallback may be the work of an outage, and is taken for known until the next boot alone.
    """
    if choice in NAMESPACES:
        return NAMESPACES[choice]
    if booted and known == FALLBACK:
        known = ""
    first = known or FIRST
    turns = refusals // PATIENCE if known else refusals
    other = FIRST if first == FALLBACK else FALLBACK
    return other if turns % 2 else first
