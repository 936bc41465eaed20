"""The Broadband Forum's own schemas of CWMP, where they are at hand (HENBD_REFERENCE).

The schemas import two of SOAP 1.1 from the network, of which CWMP uses four things: what stands in
for them here defines these four and nothing else.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree

from tests.lab.hems.reader import ENCODING, SOAP, XSI

_SCHEMA = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{urn}">{content}'
_STAND_INS = {
    SOAP: """<xs:attribute name="mustUnderstand"><xs:simpleType>
        <xs:restriction base="xs:boolean"><xs:pattern value="0|1"/></xs:restriction>
        </xs:simpleType></xs:attribute></xs:schema>""",
    ENCODING: """<xs:attribute name="arrayType" type="xs:string"/>
        <xs:simpleType name="base64"><xs:restriction base="xs:base64Binary"/></xs:simpleType>
        <xs:complexType name="Array"><xs:sequence>
        <xs:any namespace="##any" minOccurs="0" maxOccurs="unbounded" processContents="lax"/>
        </xs:sequence><xs:anyAttribute namespace="##any" processContents="lax"/>
        </xs:complexType></xs:schema>""",
}
# The versions 1.3 and 1.4 of the protocol added to the namespace of 1.2: the last one has it all.
_FILES = {
    "urn:dslforum-org:cwmp-1-0": "cwmp-1-0.xsd",
    "urn:dslforum-org:cwmp-1-1": "cwmp-1-1.xsd",
    "urn:dslforum-org:cwmp-1-2": "cwmp-1-4.xsd",
}
# A vendor's own method, of which the schema cannot know.
_VENDOR = "X_"


class _Resolver(etree.Resolver):
    """Finds what a schema includes in the same folder, and SOAP's schemas here."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def resolve(self, system_url: str, public_id: str, context: Any = None) -> Any:  # noqa: ARG002 lxml calls it
        if system_url in _STAND_INS:
            text = _SCHEMA.format(urn=system_url, content=_STAND_INS[system_url])
            return self.resolve_string(text, context, base_url=system_url)
        path = self._folder / system_url.rpartition("/")[2]
        return self.resolve_file(path.open("rb"), context, base_url=system_url, close=True)


@lru_cache
def _schema(folder: Path, namespace: str) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Resolver(folder))
    return etree.XMLSchema(etree.parse(folder / _FILES[namespace], parser))


def folder() -> Path | None:
    """Return where the schemas are, or None if we were not told."""
    reference = os.environ.get("HENBD_REFERENCE")
    return Path(reference, "bbf") if reference else None


def prepare() -> None:
    """Read the schemas, if there are any, so that no message has to wait for it."""
    if where := folder():
        for namespace in _FILES:
            _schema(where, namespace)


def deviations(root: etree._Element, namespace: str) -> list[str]:
    """Return what the schema of that namespace has against an envelope; nothing without schemas."""
    where = folder()
    if where is None:
        return []
    schema = _schema(where, namespace)
    body = f"{{{SOAP}}}Body"
    payload = root.findall(f"{body}/{{{SOAP}}}Fault/detail/*") or root.findall(f"{body}/*")
    known = [e for e in payload if not etree.QName(e).localname.startswith(_VENDOR)]
    found: list[str] = []
    for element in [*root.findall(f"{{{SOAP}}}Header/*"), *known]:
        try:
            schema.assertValid(_plain(element))
        except etree.DocumentInvalid as error:
            found.append(f"schema: {error}")
    return found


def _plain(element: etree._Element) -> etree._Element:
    """Return a copy without what SOAP allows everywhere and the schemas do not know.

    That is the attribute encodingStyle, and the type soapenc:Array on an array.
    """
    # By way of text, since deepcopy drops the namespaces that only the texts of attributes use.
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    for child in copy.iter("*"):
        child.attrib.pop(f"{{{SOAP}}}encodingStyle", "")
        said = child.get(f"{{{XSI}}}type", "")
        prefix, _, name = said.rpartition(":")
        if name == "Array" and child.nsmap.get(prefix or None) == ENCODING:
            del child.attrib[f"{{{XSI}}}type"]
    return copy
