"""Bytes to messages and back: SOAP 1.1 as CWMP uses it (TR-069 3.5).

Strict in what it builds, forgiving in what it reads (`parser`). What stands in the Body is for
`writer` and `reader`.
"""

from __future__ import annotations

from collections.abc import Iterable

from henbd.cwmp.messages import (
    AutonomousTransferComplete,
    Envelope,
    Inform,
    Outgoing,
    TransferComplete,
)
from henbd.cwmp.versions import CWMP, SOAP
from henbd.cwmp.writer import body, escape

ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"


def envelope(outgoing: Outgoing, identity: str | None, version: str) -> bytes:
    """Return the bytes of one envelope.

    `identity` is the text of cwmp:ID, None for none; `version` the number at the end of the cwmp
    namespace, such as "1-2".
    """
    header = "" if identity is None else ID % escape(identity)
    if isinstance(outgoing, Inform) and outgoing.versions:
        header += VERSIONS % outgoing.versions
    header = f"<soap:Header>{header}</soap:Header>" if header else ""
    # A body may be large: it is copied once.
    return "".join([HEAD % (version, header), *_body(outgoing), TAIL]).encode()


def _body(outgoing: Outgoing) -> Iterable[str]:
    if isinstance(outgoing, Inform | TransferComplete | AutonomousTransferComplete):
        return body(outgoing)
    from henbd.cwmp.answers import answer

    return answer(outgoing)


HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:soapenc="{ENCODING}"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' xmlns:cwmp="{CWMP}%s">%s<soap:Body>'
)
TAIL = "</soap:Body></soap:Envelope>\n"
ID = '<cwmp:ID soap:mustUnderstand="1">%s</cwmp:ID>'
VERSIONS = '<cwmp:SupportedCWMPVersions soap:mustUnderstand="0">%s</cwmp:SupportedCWMPVersions>'


def parse(data: bytes) -> Envelope:
    """Return the envelope in these bytes; raises HemsError with what is wrong with it."""
    # The first Inform is on its way while lxml, and whatever else it does not need, is imported.
    from henbd.cwmp import parser

    return parser.parse(data)
