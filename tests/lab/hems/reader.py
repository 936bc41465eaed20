"""The arguments of one message, read as the CWMP schema has them.

A `Reader` goes on where it can, and writes down each deviation as a sentence: an element that the
schema does not know or that is missing, a wrong count in soapenc:arrayType, a number that is none.
"""

from __future__ import annotations

import re

from lxml import etree

from tests.lab.hems.messages import ParameterValue

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
XSD = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

# The types of TR-106, and what their texts look like; base64 comes under two names.
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NATURAL = re.compile(r"[0-9]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}")
LEXICAL = {
    "xsd:string": re.compile(r"(?s).*"),
    "xsd:boolean": re.compile(r"0|1|true|false"),
    "xsd:int": _WHOLE,
    "xsd:long": _WHOLE,
    "xsd:unsignedInt": _NATURAL,
    "xsd:unsignedLong": _NATURAL,
    "xsd:dateTime": re.compile(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?"
    ),
    "xsd:hexBinary": re.compile(r"([0-9A-Fa-f]{2})*"),
    "xsd:base64Binary": _BASE64,
    "xsd:base64": _BASE64,
    "soapenc:base64": _BASE64,
}


def local(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname


def elements(parent: etree._Element) -> list[etree._Element]:
    """Return the child elements, without comments and processing instructions."""
    return [child for child in parent if isinstance(child.tag, str)]


class Reader:
    """Reads elements whose content the schema fixes; `violations` grows."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.violations: list[str] = []

    def parts(self, parent: etree._Element, *names: str) -> list[etree._Element]:
        """Return the children of these names, in this order; an empty one for a missing one."""
        found = {str(child.tag): child for child in reversed(elements(parent))}
        present = [str(child.tag) for child in elements(parent)]
        if present != list(names):
            self.violations.append(
                f"{local(parent)} consists of {', '.join(present) or 'nothing'}"
                f" instead of {', '.join(names) or 'nothing'}"
            )
        return [found[name] if name in found else etree.Element(name) for name in names]

    def texts(self, parent: etree._Element, *names: str) -> list[str]:
        """Return the texts of the children of these names, in this order."""
        return [self.text(part) for part in self.parts(parent, *names)]

    def text(self, element: etree._Element) -> str:
        """Return the text of an element that has no children."""
        if elements(element):
            self.violations.append(f"{local(element)} has elements in it")
        return (element.text or "") + "".join(child.tail or "" for child in element)

    def number(self, element: etree._Element) -> int:
        """Return a whole number; -1 for a text that is none."""
        text = self.text(element).strip()
        if not _WHOLE.fullmatch(text):
            self.violations.append(f"{local(element)} is {text!r}, which is no number")
            return -1
        return int(text)

    def boolean(self, element: etree._Element) -> bool:
        """Return a truth value; False for a text that is none."""
        text = self.text(element).strip()
        if not LEXICAL["xsd:boolean"].fullmatch(text):
            self.violations.append(f"{local(element)} is {text!r}, which is no boolean")
        return text in ("1", "true")

    def array(self, parent: etree._Element, item: str, kind: str = "") -> list[etree._Element]:
        """Return the items of a SOAP array, whose elements are named `item`.

        `kind` is the type in soapenc:arrayType, the CWMP struct of the same name by default.
        """
        items = elements(parent)
        if strangers := {str(child.tag) for child in items} - {item}:
            self.violations.append(f"{local(parent)} holds {', '.join(sorted(strangers))}")
        wanted = f"{kind or 'cwmp:' + item}[{len(items)}]"
        said = parent.get(f"{{{ENCODING}}}arrayType")
        if said is None:
            self.violations.append(f"{local(parent)} has no soapenc:arrayType")
        elif (read := self.qualified(parent, said)) != wanted:
            self.violations.append(f"{local(parent)} has the arrayType {read} instead of {wanted}")
        return items

    def qualified(self, element: etree._Element, name: str) -> str:
        """Return a qualified name with the usual prefix of its namespace."""
        prefix, _, rest = name.rpartition(":")
        usual = {self.namespace: "cwmp", XSD: "xsd", ENCODING: "soapenc"}
        urn = element.nsmap.get(prefix or None)
        return f"{usual.get(urn or '', '{' + str(urn) + '}')}:{rest}"

    def values(self, parent: etree._Element) -> tuple[ParameterValue, ...]:
        """Return a ParameterValueList."""
        return tuple(self._value(struct) for struct in self.array(parent, "ParameterValueStruct"))

    def _value(self, struct: etree._Element) -> ParameterValue:
        name_element, value_element = self.parts(struct, "Name", "Value")
        name, value = self.text(name_element), self.text(value_element)
        said = value_element.get(f"{{{XSI}}}type")
        kind = self.qualified(value_element, said) if said is not None else ""
        pattern = LEXICAL.get(kind)
        if not kind:
            self.violations.append(f"the value of {name} has no xsi:type")
        elif pattern is None:
            self.violations.append(f"the value of {name} has the unknown type {kind}")
        elif not pattern.fullmatch(value):
            self.violations.append(f"the value of {name}, {value!r}, is no {kind}")
        return ParameterValue(name, value, kind)

    def strings(self, parent: etree._Element) -> tuple[str, ...]:
        """Return an array of strings."""
        return tuple(self.text(item) for item in self.array(parent, "string", "xsd:string"))
