"""What values must keep to beyond their types: references, lists that are parameters, keys.

Judged on the final state of a set, whatever its order (TR-069 A.3.2.1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from henbd.model import types
from henbd.model.nodes import ALIAS, Node, is_row, split_row
from henbd.model.schema import Object, Parameter, Reference
from henbd.model.table import generic

# TR-069 A.3.2.6.2: the aliases that the device itself chooses begin so.
OWN_ALIAS = "cpe-"


def spelt(row: Parameter, text: str) -> str:
    """Return the one spelling of a parameter's value; raises InvalidValueError as `types` does.

    A reference is spelt without the dot that its path may end in (TR-106 3.2.4).
    """
    value = types.canonical(row.type, text)
    if row.type.reference is None:
        return value
    return ",".join(item.removesuffix(".") for item in value.split(","))


def conflicts(
    changed: Mapping[str, str],
    nodes: Mapping[str, Node],
    instances: Mapping[str, tuple[int, ...]],
    values: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Yield the changed parameters that the values as a whole do not allow, each with the reason.

    `values` are those after the change.
    """
    for path, value in changed.items():
        row = nodes[path]
        assert isinstance(row, Parameter)
        for item in filter(None, value.split(",")):
            if row.type.reference is Reference.STRONG and not _names_row(item, row, nodes):
                yield path, f"{item!r} is no such row"
            if row.type.among and item not in values[row.type.among].split(","):
                yield path, f"{item!r} is not in {row.type.among}"
        if path.endswith(ALIAS) and (not value[:1].isalpha() or value.startswith(OWN_ALIAS)):
            yield path, f"an alias begins with a letter, and not with {OWN_ALIAS!r}"
    yield from _doubles(changed, nodes, instances, values)


def _names_row(item: str, row: Parameter, nodes: Mapping[str, Node]) -> bool:
    target = item + "."
    wanted = not row.type.targets or generic(target) in row.type.targets
    return wanted and target in nodes and is_row(target)


def _doubles(
    changed: Iterable[str],
    nodes: Mapping[str, Node],
    instances: Mapping[str, tuple[int, ...]],
    values: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Yield what gives its row the key of another one (TR-106: uniqueKey)."""
    touched: dict[str, set[str]] = {}
    for path in changed:
        above, _, name = path.rpartition(".")
        if is_row(above + "."):
            touched.setdefault(above + ".", set()).add(name)
    for table in dict.fromkeys(split_row(row)[0] for row in touched):
        kind = nodes[table]
        assert isinstance(kind, Object)
        rows = [f"{table}{number}." for number in instances[table]]
        for key in (*kind.identity, *kind.unique):
            names = key.split("+")
            counted = [
                r for r in rows if key in kind.identity or _has_key(kind, r, names, nodes, values)
            ]
            keys = {row: tuple(values.get(row + name, "") for name in names) for row in counted}
            often = Counter(keys.values())
            for row in counted:
                for name in sorted(touched.get(row, set()).intersection((*names, kind.enable))):
                    if often[keys[row]] > 1:
                        yield row + name, f"another row has {' and '.join(names)} of this value"


def _has_key(
    table: Object, row: str, names: list[str], nodes: Mapping[str, Node], values: Mapping[str, str]
) -> bool:
    """Return whether a row's unique key counts: it is turned on, or its key has been set."""
    if table.enable:
        return values[row + table.enable] == "true"
    parts = [(path, nodes[path]) for name in names if (path := row + name) in nodes]
    return any(isinstance(node, Parameter) and values[p] != node.default for p, node in parts)
