"""The data model as data: Device:2.12 with FAPService:2.1, and a few rows of our own.

`tables/device.tsv` is made from the standard by `make model`; `tables/vendor.tsv` is by hand.

Each line of the file is a row: path, type, access, facets, default, flags, role; tabs between them.
Facets are separated by `;`, choices within a facet by `|`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from henbd.model import types
from henbd.model.schema import (
    Access,
    Base,
    Notify,
    Object,
    Parameter,
    Range,
    Reference,
    Role,
    Type,
)

FACETS = frozenset(
    {
        "size",
        "range",
        "enum",
        "pattern",
        "list",
        "items",
        "among",
        "strong",
        "weak",
        "unit",
        "entries",
        "ours",
        "counter",
        "enable",
        "identity",
        "unique",
    }
)
# The number in the path of a row, or of something in it.
INSTANCE = re.compile(r"\.[0-9]+\.")

NOTIFY = {n.value: n for n in Notify if n is not Notify.NORMAL}


@dataclass(frozen=True, slots=True)
class Table:
    """Every row by its generic path, in the order of the file: an object before what is in it."""

    parameters: Mapping[str, Parameter]
    objects: Mapping[str, Object]
    children: Mapping[str, tuple[str, ...]]
    """The generic paths directly below an object, parameters and objects."""


@cache
def device_table(oui: str) -> Table:
    """Return the table of this program, with rows of our own under the OUI of the device.

    TR-106 3.3: what a vendor adds is named X_ and its OUI.
    """
    tables = resources.files("henbd.model").joinpath("tables")
    standard, ours = (
        tables.joinpath(name).read_text(encoding="utf-8").splitlines()
        for name in ("device.tsv", "vendor.tsv")
    )
    return parse([*standard, *(line.replace("X_OUI_", f"X_{oui}_") for line in ours[1:])])


def parse(lines: Iterable[str]) -> Table:
    """Return the table of a file's lines; raises ValueError, naming the line, where it is wrong."""
    parameters: dict[str, Parameter] = {}
    objects: dict[str, Object] = {}
    children: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        if number == 1 or not line:
            continue
        try:
            path, kind, access, facets, default, flags, role = line.split("\t")
            if path in parameters or path in objects:
                raise ValueError("the path is there twice")
            if above := parent(path):
                children[above].append(path)
            if kind in ("object", "table"):
                objects[path] = _object(path, access, _facets(facets))
                children[path] = []
            else:
                parameters[path] = _parameter(
                    path, kind, access, _facets(facets), default, flags, role
                )
        except (KeyError, ValueError) as error:
            raise ValueError(f"line {number}, {line!r}: {error}") from error
    return Table(parameters, objects, {path: tuple(below) for path, below in children.items()})


def parent(path: str) -> str:
    """Return the object that a path is directly in; "" above the root. `A.B.{i}.` is in `A.`."""
    inner = path.removesuffix(".").removesuffix(".{i}")
    return inner[: inner.rfind(".") + 1]


def generic(path: str) -> str:
    """Return the path of the table's row that a full path is one of."""
    return INSTANCE.sub(".{i}.", path)


def _facets(text: str) -> list[tuple[str, str]]:
    pairs = [facet.partition("=") for facet in text.split(";")] if text else []
    if strange := {name for name, _, _ in pairs} - FACETS:
        raise ValueError(f"facets {sorted(strange)}")
    return [(name, value) for name, _, value in pairs]


def _range(text: str) -> Range:
    """Return the bounds in `1..6`, `1..`, `..6`, or `6` for that number alone."""
    least, dots, most = text.partition("..")
    if not dots:
        return (int(text), int(text))
    return (int(least) if least else None, int(most) if most else None)


def _choices(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(text.split("|"))


def _object(path: str, access: str, facets: list[tuple[str, str]]) -> Object:
    known = dict(facets)
    minimum, maximum = _range(known.get("entries", "0.."))
    return Object(
        path,
        Access(access),
        minimum or 0,
        maximum,
        known.get("counter", ""),
        known.get("enable", ""),
        _choices(known.get("identity")),
        _choices(known.get("unique")),
        ours="ours" in known,
    )


def _parameter(
    path: str,
    kind: str,
    access: str,
    facets: list[tuple[str, str]],
    default: str,
    flags: str,
    role: str,
) -> Parameter:
    words = set(flags.split(",")) - {""}
    notify = [NOTIFY[word] for word in words & NOTIFY.keys()]
    if words - NOTIFY.keys() - {"forced", "hidden"} or len(notify) > 1:
        raise ValueError(f"flags {flags!r}")
    value_type = _type(Base(kind), facets)
    return Parameter(
        path,
        value_type,
        Access(access),
        Role(role),
        # An empty list is written as TR-106 has it, to be told from none.
        types.first(value_type) if not default else default.replace("[]", ""),
        specified=bool(default),
        notify=notify[0] if notify else Notify.NORMAL,
        forced="forced" in words,
        hidden="hidden" in words,
        unit=dict(facets).get("unit", ""),
    )


def _type(base: Base, facets: list[tuple[str, str]]) -> Type:
    known = dict(facets)
    least, most = _range(known["size"]) if "size" in known else (None, None)
    least_items, most_items = _range(known.get("items", "0.."))
    strength = next((r for r in Reference if r.value in known), None)
    return Type(
        base=base,
        size=None if most is None else (least or 0, most),
        ranges=tuple(_range(span) for span in _choices(known.get("range"))),
        enumeration=_choices(known.get("enum")),
        patterns=tuple(value for name, value in facets if name == "pattern"),
        is_list="list" in known,
        list_size=int(known["list"]) if known.get("list") else None,
        items=(least_items or 0, most_items),
        among=known.get("among", ""),
        reference=strength,
        targets=tuple(filter(None, known[strength.value].split("|"))) if strength else (),
    )
