"""Bytes to messages and back: SOAP 1.1 as CWMP uses it (TR-069 3.5).

Strict in what it builds, forgiving in what it reads. No DTD, no entities, no network; size and
depth are bounded. What stands in the Body is for `writer` and `reader`.
"""

from __future__ import annotations

import re

from lxml import etree

from henbd.cwmp import bounds
from henbd.cwmp.messages import Envelope, Inform, Outgoing
from henbd.cwmp.reader import child, local, message, truth, whole
from henbd.cwmp.requests import UnknownHeader
from henbd.cwmp.writer import body, escape
from henbd.errors import HemsError

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
CWMP = "urn:dslforum-org:cwmp-"

NAMESPACE = re.compile(re.escape(CWMP) + r"(1-[0-9])")

# The headers that we understand (TR-069 3.5); NoMoreRequests means nothing any more.
HEADERS = frozenset({"ID", "HoldRequests", "NoMoreRequests", "SessionTimeout", "UseCWMPVersion"})


def envelope(outgoing: Outgoing, identity: str | None, version: str) -> bytes:
    """Return the bytes of one envelope.

    `identity` is the text of cwmp:ID, None for none; `version` the number at the end of the cwmp
    namespace, such as "1-2".
    """
    header = "" if identity is None else ID % escape(identity)
    if isinstance(outgoing, Inform) and outgoing.versions:
        header += VERSIONS % outgoing.versions
    header = f"<soap:Header>{header}</soap:Header>" if header else ""
    text = ENVELOPE % (version, header, "".join(body(outgoing)))
    return text.encode()


ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:soapenc="{ENCODING}"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' xmlns:cwmp="{CWMP}%s">%s<soap:Body>%s</soap:Body></soap:Envelope>\n'
)
ID = '<cwmp:ID soap:mustUnderstand="1">%s</cwmp:ID>'
VERSIONS = '<cwmp:SupportedCWMPVersions soap:mustUnderstand="0">%s</cwmp:SupportedCWMPVersions>'


def parse(data: bytes) -> Envelope:
    """Return the envelope in these bytes; raises HemsError with what is wrong with it."""
    plain = bounds.plain(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(plain, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise HemsError(f"no XML: {error}") from error
    if local(root) != "Envelope":
        raise HemsError(f"the root element is {local(root)!r}, not a SOAP Envelope")
    content = child(root, "Body")
    if content is None or len(content) != 1:
        raise HemsError("there is not exactly one element in the SOAP Body")
    return _envelope(root, content[0])


def _envelope(root: etree._Element, element: etree._Element) -> Envelope:
    entries = child(root, "Header")
    headers = {local(entry): entry for entry in (() if entries is None else entries)}
    strange = [
        name
        for name, entry in headers.items()
        if name not in HEADERS and entry.get(f"{{{SOAP}}}mustUnderstand") == "1"
    ]
    texts = {name: (entry.text or "").strip() for name, entry in headers.items()}
    return Envelope(
        UnknownHeader(strange[0]) if strange else message(element),
        # The HeMS's own text, to be given back as it is.
        headers["ID"].text or "" if "ID" in headers else None,
        _version(element),
        hold_requests="HoldRequests" in headers and truth(headers["HoldRequests"]) is True,
        timeout_s=whole(texts.get("SessionTimeout", "")) or 0,
        use_version=texts.get("UseCWMPVersion", ""),
    )


def _version(element: etree._Element) -> str:
    """Return the version of the message's own namespace; that of any other that is declared."""
    for namespace in (etree.QName(element).namespace, *element.nsmap.values()):
        if found := NAMESPACE.fullmatch(namespace or ""):
            return found[1]
    return "1-0"
