"""The Broadband Forum's own data models as rows of our table, where they are at hand.

They are not ours to hand on: HENBD_REFERENCE names a folder that has them in `bbf/`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lxml import etree

from henbd.model.schema import Access, Base, Notify, Object, Parameter, Role, Type

# The root data model, and a service object that stands below Device.Services.
FILES = (
    ("tr-181-2-12-0-cwmp-full.xml", ""),
    ("tr-196-2-1-2-cwmp-full.xml", "Device.Services."),
)
# The data models have a name of their own for what is base64Binary on the wire.
BASES = {base.value: base for base in Base} | {"base64": Base.BASE64}
ACCESS = {
    "readOnly": Access.READ_ONLY,
    "readWrite": Access.READ_WRITE,
    "writeOnceReadOnly": Access.READ_WRITE,
}
NOTIFY = {
    "normal": Notify.NORMAL,
    "canDeny": Notify.DENIABLE,
    "forceDefaultEnabled": Notify.DEFAULT_ACTIVE,
    "forceEnabled": Notify.ALWAYS_ACTIVE,
}


@dataclass(frozen=True, slots=True)
class Official:
    """What the standard says of the rows that our table can have, by path."""

    parameters: Mapping[str, Parameter]
    objects: Mapping[str, Object]


@cache
def official() -> Official | None:
    """Return the official data models; None if we were not told where they are."""
    reference = os.environ.get("HENBD_REFERENCE")
    if not reference:
        return None
    parameters: dict[str, Parameter] = {}
    objects: dict[str, Object] = {}
    for file, prefix in FILES:
        document = etree.parse(Path(reference, "bbf", file))
        named = {t.get("name", ""): t for t in document.iterfind("dataType")}
        for element in document.iterfind("model/object"):
            path = prefix + element.get("name", "")
            objects[path] = _object(path, element)
            for child in element.iterfind("parameter"):
                name = path + child.get("name", "")
                parameters[name] = _parameter(name, child, named)
    return Official(parameters, objects)


def _object(path: str, element: etree._Element) -> Object:
    most = element.get("maxEntries", "")
    keys = (
        "+".join(parameter.get("ref", "") for parameter in key.iterfind("parameter"))
        for key in element.iterfind("uniqueKey")
    )
    return Object(
        path,
        ACCESS[element.get("access", "")],
        int(element.get("minEntries", "0")),
        None if most == "unbounded" else int(most),
        element.get("numEntriesParameter", ""),
        tuple(key for key in keys if key != "Alias"),
    )


def _parameter(
    path: str, element: etree._Element, named: Mapping[str, etree._Element]
) -> Parameter:
    """Return a parameter; its role is ours to choose, and a default that it has not is empty."""
    syntax = element.find("syntax")
    assert syntax is not None, path
    default = syntax.find("default")
    return Parameter(
        path,
        _type(syntax, named),
        ACCESS[element.get("access", "")],
        Role.STORED,
        "" if default is None else default.get("value", "").replace("[]", ""),
        NOTIFY[element.get("activeNotify", "normal")],
        forced=element.get("forcedInform") == "true",
        hidden=syntax.get("hidden") == "true",
    )


def _type(syntax: etree._Element, named: Mapping[str, etree._Element]) -> Type:
    parts = list(_parts(syntax, named))
    facets = [facet for part in parts for facet in part]
    ranges = [_bounds(facet, "Inclusive") for facet in facets if facet.tag == "range"]
    sizes = [_bounds(facet, "Length") for facet in facets if facet.tag == "size"]
    # What is said first is nearest to the parameter, and goes before what its type says.
    minimum, maximum = ranges[0] if ranges else (None, None)
    shortest, longest = sizes[0] if sizes else (None, None)
    listed = syntax.find("list")
    list_size = None if listed is None else listed.find("size")
    return Type(
        base=next(BASES[str(part.tag)] for part in parts if part.tag in BASES),
        size=None if longest is None else (shortest or 0, longest),
        minimum=minimum,
        maximum=maximum,
        enumeration=tuple(f.get("value", "") for f in facets if f.tag == "enumeration"),
        patterns=tuple(f.get("value", "") for f in facets if f.tag == "pattern"),
        is_list=listed is not None,
        list_size=None if list_size is None else _bounds(list_size, "Length")[1],
        least_items=0 if listed is None else int(listed.get("minItems", "0")),
    )


def _parts(syntax: etree._Element, named: Mapping[str, etree._Element]) -> Iterator[etree._Element]:
    """Yield the elements that bear facets: of the parameter, of its type, of what that is from."""
    yield from (part for part in syntax if part.tag in BASES)
    reference = syntax.find("dataType")
    if reference is None:
        return
    yield reference
    name = reference.get("ref")
    while name is not None:
        # A derived type bears its facets itself, the first one in a line within a base type.
        yield named[name]
        yield from (part for part in named[name] if part.tag in BASES)
        name = named[name].get("base")


def _bounds(facet: etree._Element, what: str) -> tuple[int | None, int | None]:
    least, most = facet.get("min" + what), facet.get("max" + what)
    return (None if least is None else int(least), None if most is None else int(most))
