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

from henbd.model import types
from henbd.model.schema import Access, Base, Notify, Object, Parameter, Range, Reference, Role, Type
from henbd.model.table import parent

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
    "writeOnceReadOnly": Access.WRITE_ONCE,
}
NOTIFY = {
    "normal": Notify.NORMAL,
    "canDeny": Notify.DENIABLE,
    "forceDefaultEnabled": Notify.DEFAULT_ACTIVE,
    "forceEnabled": Notify.ALWAYS_ACTIVE,
}


@dataclass(frozen=True, slots=True)
class Standard:
    """What the standard says of the rows that our table can have, by path, in its order.

    `profiles` has the parameters that a profile wants, each with whether it is to be writable; its
    name follows that of its data model.
    """

    parameters: Mapping[str, Parameter]
    objects: Mapping[str, Object]
    profiles: Mapping[str, Mapping[str, bool]]
    deprecated: frozenset[str]


@cache
def standard() -> Standard | None:
    """Return the official data models; None if we were not told where they are."""
    reference = os.environ.get("HENBD_REFERENCE")
    if not reference:
        return None
    found = Standard({}, {}, {}, frozenset())
    for file, prefix in FILES:
        found = _with(found, etree.parse(Path(reference, "bbf", file)), prefix)
    return found


def _with(found: Standard, document: etree._ElementTree, prefix: str) -> Standard:
    parameters, objects = dict(found.parameters), dict(found.objects)
    profiles, deprecated = dict(found.profiles), set(found.deprecated)
    named = {t.get("name", ""): t for t in document.iterfind("dataType")}
    model = document.find("model")
    assert model is not None
    for element in document.iterfind("model/object"):
        path = prefix + element.get("name", "")
        objects[path] = _object(path, element)
        for child in element.iterfind("parameter"):
            name = path + child.get("name", "")
            parameters[name] = _parameter(name, path, child, named)
            if child.get("status", "current") != "current":
                deprecated.add(name)
    for profile in document.iterfind("model/profile"):
        profiles[f"{model.get('name')} {profile.get('name')}"] = {
            f"{prefix}{element.get('ref')}{parameter.get('ref')}": parameter.get("requirement")
            == "readWrite"
            for element in profile.iterfind("object")
            for parameter in element.iterfind("parameter")
        }
    return Standard(parameters, objects, profiles, frozenset(deprecated))


def _object(path: str, element: etree._Element) -> Object:
    least, most = int(element.get("minEntries", "0")), element.get("maxEntries", "")
    keys = [
        (
            key.get("functional", "true") == "true",
            "+".join(parameter.get("ref", "") for parameter in key.iterfind("parameter")),
        )
        for key in element.iterfind("uniqueKey")
    ]
    is_table = path.endswith("{i}.")
    return Object(
        path,
        ACCESS[element.get("access", "")],
        least if is_table else 0,
        int(most) if is_table and most != "unbounded" else None,
        element.get("numEntriesParameter", ""),
        element.get("enableParameter", ""),
        tuple(key for functional, key in keys if not functional),
        tuple(key for functional, key in keys if functional),
    )


def _parameter(
    path: str, above: str, element: etree._Element, named: Mapping[str, etree._Element]
) -> Parameter:
    """Return a parameter; its role is ours to choose."""
    syntax = element.find("syntax")
    assert syntax is not None, path
    kind = _type(syntax, named, above)
    default = syntax.find("default")
    text = None if default is None else default.get("value", "")
    if text is not None and kind.is_list:
        text = text.removeprefix("[").removesuffix("]")
    return Parameter(
        path,
        kind,
        ACCESS[element.get("access", "")],
        Role.STORED,
        types.first(kind) if text is None else text,
        specified=text is not None,
        notify=NOTIFY[element.get("activeNotify", "normal")],
        forced=element.get("forcedInform") == "true",
        hidden=syntax.get("hidden") == "true",
        unit=next((unit.get("value", "") for unit in syntax.iter("units")), ""),
    )


def _type(syntax: etree._Element, named: Mapping[str, etree._Element], above: str) -> Type:
    parts = list(_parts(syntax, named))
    # What is said first is nearest to the parameter, and goes before what its type says.
    facets = [list(part) for part in parts]
    sizes = _nearest(facets, "size", "Length")
    listed = syntax.find("list")
    list_size = None if listed is None else listed.find("size")
    reference = next((f for part in facets for f in part if f.tag == "pathRef"), None)
    among = next((f for part in facets for f in part if f.tag == "enumerationRef"), None)
    return Type(
        base=next(BASES[str(part.tag)] for part in parts if part.tag in BASES),
        size=None if not sizes or sizes[0][1] is None else (sizes[0][0] or 0, sizes[0][1]),
        ranges=tuple(_nearest(facets, "range", "Inclusive")),
        enumeration=_values(facets, "enumeration"),
        patterns=_values(facets, "pattern"),
        is_list=listed is not None,
        list_size=None if list_size is None else _bounds(list_size, "Length")[1],
        items=(0, None) if listed is None else _items(listed),
        among="" if among is None else _absolute(among.get("targetParam", ""), above),
        reference=None if reference is None else Reference(reference.get("refType")),
        targets=() if reference is None else _targets(reference, above),
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


def _nearest(facets: list[list[etree._Element]], tag: str, what: str) -> list[Range]:
    for part in facets:
        if found := [_bounds(facet, what) for facet in part if facet.tag == tag]:
            return found
    return []


def _values(facets: list[list[etree._Element]], tag: str) -> tuple[str, ...]:
    return tuple(f.get("value", "") for part in facets for f in part if f.tag == tag)


def _bounds(facet: etree._Element, what: str) -> Range:
    least, most = facet.get("min" + what), facet.get("max" + what)
    return (None if least is None else int(least), None if most is None else int(most))


def _items(listed: etree._Element) -> tuple[int, int | None]:
    most = listed.get("maxItems", "unbounded")
    return (int(listed.get("minItems", "0")), None if most == "unbounded" else int(most))


def _targets(reference: etree._Element, above: str) -> tuple[str, ...]:
    """Return the tables whose rows may be named, as the paths of their rows."""
    tables = (_absolute(path, above) for path in reference.get("targetParent", "").split())
    return tuple(path if path.endswith("{i}.") else path + "{i}." for path in tables)


def _absolute(path: str, above: str) -> str:
    """Return a path as it is from the root; `above` is the object that it is said in (TR-106).

    `.` begins at the root, each `#` is one level up, anything else is below the object.
    """
    if path.startswith("Device."):
        return path
    if path.startswith("."):
        return "Device" + path
    while path.startswith("#"):
        above = parent(above)
        path = path[1:]
    return above + path.removeprefix(".")
