"""Bytes to messages and back: SOAP 1.1 as CWMP uses it (TR-069 3.5).

Strict in what it builds, forgiving in what it reads. No DTD, no entities, no network; size and
depth are bounded. What stands in the Body is for `writer` and `reader`.
"""

from __future__ import annotations

import re

from lxml import etree

from henbd.cwmp import bounds
from henbd.cwmp.messages import Envelope, Outgoing, UnknownHeader
from henbd.cwmp.reader import child, local, message, truth
from henbd.cwmp.writer import body, escape
from henbd.errors import HemsError

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
CWMP = "urn:dslforum-org:cwmp-"

NAMESPACE = re.compile(re.escape(CWMP) + r"(1-[0-9])")

# The namespace of each version of CWMP; from 1.2 on it stays the same.
NAMESPACE_VERSIONS = {
    "auto": "1-2",
    "1.0": "1-0",
    "1.1": "1-1",
    "1.2": "1-2",
    "1.3": "1-2",
    "1.4": "1-2",
}

# The other headers of CWMP: nothing follows from them for us (TR-069 3.5).
HEADERS = frozenset({"NoMoreRequests", "SessionTimeout", "UseCWMPVersion"})


def envelope(outgoing: Outgoing, identity: str | None, version: str) -> bytes:
    """Return the bytes of one envelope.

    `identity` is the text of cwmp:ID, None for none; `version` the number at the end of the cwmp
    namespace, such as "1-2".
    """
    header = "" if identity is None else HEADER % escape(identity)
    text = ENVELOPE % (version, header, "".join(body(outgoing)))
    return text.encode()


ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:soapenc="{ENCODING}"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' xmlns:cwmp="{CWMP}%s">%s<soap:Body>%s</soap:Body></soap:Envelope>\n'
)
HEADER = '<soap:Header><cwmp:ID soap:mustUnderstand="1">%s</cwmp:ID></soap:Header>'


def parse(data: bytes) -> Envelope:
    """Return the envelope in these bytes; raises HemsError with what is wrong with it."""
    bounds.check(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise HemsError(f"no XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise HemsError("a document type declaration is not accepted")
    if local(root) != "Envelope":
        raise HemsError(f"the root element is {local(root)!r}, not a SOAP Envelope")
    content = child(root, "Body")
    if content is None or len(content) != 1:
        raise HemsError("there is not exactly one element in the SOAP Body")
    return _envelope(root, content[0])


def _envelope(root: etree._Element, element: etree._Element) -> Envelope:
    header = child(root, "Header")
    identity, hold, unknown = None, False, ""
    for entry in () if header is None else header:
        if local(entry) == "ID":
            identity = entry.text or ""
        elif local(entry) == "HoldRequests":
            hold = truth(entry) is True
        elif local(entry) not in HEADERS and entry.get(f"{{{SOAP}}}mustUnderstand") == "1":
            unknown = local(entry)
    incoming = UnknownHeader(unknown) if unknown else message(element)
    return Envelope(incoming, identity, _version(element), hold)


def _version(element: etree._Element) -> str:
    """Return the version of the message's own namespace; that of any other that is declared."""
    for namespace in (etree.QName(element).namespace, *element.nsmap.values()):
        if found := NAMESPACE.fullmatch(namespace or ""):
            return found[1]
    return "1-0"
