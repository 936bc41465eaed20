"""SOAP envelopes of CWMP: bytes in, a message and what is wrong with it out; and our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from tests.lab.hems import reader as reading
from tests.lab.hems.messages import Message
from tests.lab.hems.reader import SOAP, Reader, elements, local
from tests.lab.hems.vocabulary import fault, read

NAMESPACES = tuple(f"urn:dslforum-org:cwmp-1-{minor}" for minor in (0, 1, 2))

# What a CPE may send: SupportedCWMPVersions and SessionTimeout came with the protocol's later
# versions, which kept the namespace of 1.2. HoldRequests is the ACS's, NoMoreRequests deprecated.
_HEADERS = frozenset({"ID", "SupportedCWMPVersions", "SessionTimeout"})
_DECLARATIONS = (
    f'xmlns:soapenv="{SOAP}" xmlns:soapenc="{reading.ENCODING}" '
    f'xmlns:xsd="{reading.XSD}" xmlns:xsi="{reading.XSI}"'
)
# The CPE is one of our own, yet what it sends must not make us read files or the network.
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


class SoapError(ValueError):
    """What was sent is no envelope at all."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message of a CPE; `method` is the name of the element in the Body."""

    namespace: str
    id: str | None
    headers: Mapping[str, str]
    method: str
    message: Message
    violations: tuple[str, ...]
    root: etree._Element


def parse(body: bytes) -> Envelope:
    """Read an envelope; SoapError if there is none."""
    try:
        root = etree.fromstring(body, _PARSER)
    except etree.XMLSyntaxError as error:
        raise SoapError(f"is no XML: {error.msg}") from error
    if root.tag != f"{{{SOAP}}}Envelope":
        raise SoapError(f"is no SOAP envelope, but {root.tag}")
    payload = root.findall(f"{{{SOAP}}}Body/*")
    if len(payload) != 1:
        raise SoapError(f"has {len(payload)} messages in its Body")
    namespace = _namespace(payload[0])
    reader = Reader(namespace)
    _check_document(reader, root)
    headers = _headers(reader, root)
    is_fault = payload[0].tag == f"{{{SOAP}}}Fault"
    message = fault(reader, payload[0]) if is_fault else read(reader, payload[0])
    return Envelope(
        namespace=namespace,
        id=headers.get("ID"),
        headers=headers,
        method=local(payload[0]),
        message=message,
        violations=tuple(reader.violations),
        root=root,
    )


def _namespace(message: etree._Element) -> str:
    """Return the CWMP namespace of a message; that of a fault is known by its detail."""
    detail = message.findall("detail/*")
    named = detail[0] if message.tag == f"{{{SOAP}}}Fault" and detail else message
    urn = etree.QName(named).namespace
    if urn not in NAMESPACES:
        raise SoapError(f"speaks of {local(named)} in the namespace {urn}")
    return str(urn)


def _check_document(reader: Reader, root: etree._Element) -> None:
    document = root.getroottree().docinfo
    if document.internalDTD is not None:
        reader.violations.append("a document type declaration")
    if document.encoding and document.encoding.upper() != "UTF-8":
        reader.violations.append(f"the XML is declared as {document.encoding} instead of UTF-8")
    tags = [str(child.tag) for child in elements(root)]
    if tags not in ([f"{{{SOAP}}}Body"], [f"{{{SOAP}}}Header", f"{{{SOAP}}}Body"]):
        reader.violations.append(f"the Envelope consists of {', '.join(tags)}")


def _headers(reader: Reader, root: etree._Element) -> dict[str, str]:
    headers: dict[str, str] = {}
    for header in root.findall(f"{{{SOAP}}}Header/*"):
        name = etree.QName(header)
        if name.namespace != reader.namespace or name.localname not in _HEADERS:
            reader.violations.append(f"the SOAP header {header.tag} is none of a CPE's")
        if name.localname in headers:
            reader.violations.append(f"the SOAP header {name.localname} is there twice")
        headers[name.localname] = reader.text(header)
        understand = header.get(f"{{{SOAP}}}mustUnderstand")
        if name.localname == "ID" and understand != "1":
            reader.violations.append(f"the ID has mustUnderstand {understand} instead of 1")
    return headers


def envelope(namespace: str, content: str, *, id: str | None, headers: str = "") -> bytes:  # noqa: A002 the word of the standard
    """Return an envelope with that content in its Body, in one line of XML text."""
    if id is not None:
        headers = f'<cwmp:ID soapenv:mustUnderstand="1">{id}</cwmp:ID>{headers}'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope {_DECLARATIONS} xmlns:cwmp="{namespace}">'
        f"<soapenv:Header>{headers}</soapenv:Header>"
        f"<soapenv:Body>{content}</soapenv:Body></soapenv:Envelope>"
    ).encode()


def cwmp_fault(code: int, text: str) -> str:
    """Return the fault of an ACS, as the content of a Body."""
    side = "Client" if code == 8003 else "Server"
    return (
        f"<soapenv:Fault><faultcode>{side}</faultcode><faultstring>CWMP fault</faultstring>"
        f"<detail><cwmp:Fault><FaultCode>{code}</FaultCode><FaultString>{text}</FaultString>"
        "</cwmp:Fault></detail></soapenv:Fault>"
    )
