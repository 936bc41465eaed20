"""The SOAP envelopes of a HeMS, and what of them goes into our answers."""

from __future__ import annotations

from lxml import etree

from henbd.cwmp import soap
from henbd.cwmp.requests import UnknownMethod
from henbd.cwmp.structs import Fault
from henbd.errors import HemsError


def fuzz(data: bytes) -> None:
    """Read an envelope; whatever it calls itself, an answer to it is well-formed."""
    try:
        envelope = soap.parse(data)
    except HemsError:
        return
    name = envelope.message.name if isinstance(envelope.message, UnknownMethod) else "x"
    answer = soap.envelope(Fault(9000, name), envelope.id, envelope.version)
    etree.fromstring(answer)
