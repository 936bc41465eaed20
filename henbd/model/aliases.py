"""Other names for parameters, by configuration: a vendor's paths for those of the standard."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from henbd.model.nodes import ROOT, Node
from henbd.model.schema import Access, Object
from henbd.model.table import Table, generic

# TR-106 3.3: a name begins with a letter or `_`; a number is that of a row.
PATH = re.compile(r"Device(\.([A-Za-z_][A-Za-z0-9_-]*|[1-9][0-9]*))+")


def problem(alias: str, target: str, others: Iterable[str], table: Table) -> str | None:
    """Return why a path cannot be another name for a parameter; None: it can.

    `others` are the other aliases.
    """
    if not PATH.fullmatch(alias):
        return f"{alias!r} is no path of a parameter"
    if generic(target) not in table.parameters or "{i}" in target:
        return f"{target!r} is no parameter"
    known = {*table.parameters, *table.objects}
    if {generic(alias), generic(alias + ".")} & known:
        return f"{alias!r} is a path of the standard"
    above = list(_above(alias))
    if any(generic(path.removesuffix(".")) in table.parameters for path in above):
        return f"{alias!r} lies in a parameter"
    if any(path.removesuffix(".") in others for path in above):
        return f"{alias!r} lies in another alias"
    return None


def nodes_of(aliases: Mapping[str, str], nodes: Mapping[str, Node]) -> Iterator[tuple[str, Node]]:
    """Yield the aliases whose parameters are there, and the objects above them that are not."""
    if not aliases:
        return
    known = {*nodes}
    for alias, target in aliases.items():
        if target not in known:
            continue
        for path in _above(alias):
            if path not in known:
                known.add(path)
                yield path, Object(path, Access.READ_ONLY)
        yield alias, nodes[target]


def with_aliases(changes: Mapping[str, str], aliases: Mapping[str, str]) -> Mapping[str, str]:
    """Return changed values under every name that they have."""
    if not aliases:
        return changes
    return {**changes} | {a: changes[target] for a, target in aliases.items() if target in changes}


def _above(path: str) -> Iterator[str]:
    """Yield the objects that a path is in, from the root on."""
    end = len(ROOT)
    while end:
        yield path[:end]
        end = path.find(".", end) + 1
