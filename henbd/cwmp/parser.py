"""Bytes to an envelope: SOAP 1.1 as CWMP uses it, by lxml (TR-069 3.5).

No DTD, no entities, no network; size and depth are bounded.
"""

from __future__ import annotations

import re

from lxml import etree

from henbd.cwmp import bounds
from henbd.cwmp.messages import Envelope
from henbd.cwmp.reader import child, local, message, truth, whole
from henbd.cwmp.requests import UnknownHeader
from henbd.cwmp.versions import CWMP, SOAP
from henbd.errors import HemsError

NAMESPACE = re.compile(re.escape(CWMP) + r"(1-[0-9])")

# The headers that we understand (TR-069 3.5); NoMoreRequests means nothing any more.
HEADERS = frozenset({"ID", "HoldRequests", "NoMoreRequests", "SessionTimeout", "UseCWMPVersion"})

# To make one takes half as long as to parse an InformResponse.
PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    collect_ids=False,
)


def parse(data: bytes) -> Envelope:
    """Return the envelope in these bytes; raises HemsError with what is wrong with it.

    Raises MemoryError where there is no memory for it.
    """
    plain = bounds.plain(data)
    try:
        root = etree.fromstring(plain, PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        if getattr(error, "code", None) == etree.ErrorTypes.ERR_NO_MEMORY:
            # It tells of that as of bad XML; the HeMS has done nothing wrong. (So does a text of
            # more than 10 MB, which is more than an envelope may be.)
            raise MemoryError from error
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
