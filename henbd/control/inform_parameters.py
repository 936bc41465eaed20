"""What an Inform carries beside the forced parameters and what has changed.

The rows of ManagementServer.InformParameter say it (TR-181 2.8), and TS 32.593 5.1.3 (1.1): the
HeMS that a box registers with is told where the box is to be found.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from henbd.control import intent
from henbd.model import paths
from henbd.model.tree import Tree

# "4 VALUE CHANGE" is no reason to send more than what has changed (TR-069 A.3.3.1).
VALUE_CHANGE = "4 VALUE CHANGE"
REGISTRATION = ("0 BOOTSTRAP", "1 BOOT")

PATTERN = re.compile(r"Device\.((\w+|\*)\.)*\w*", re.ASCII)


def informed(tree: Tree, codes: Collection[str]) -> frozenset[str]:
    """Return the parameters that an Inform with events of these codes carries too."""
    found: set[str] = set()
    if any(code in codes for code in REGISTRATION):
        found.update(path for path in intent.inner_addresses(tree) if tree.values[path])
    others = set(codes) - {VALUE_CHANGE}
    for row in _rows(tree) if others else ():
        wanted = set(filter(None, tree.values[row + "EventList"].split(",")))
        if tree.values[row + "Enable"] == "true" and (not wanted or wanted & others):
            found.update(_matching(tree, tree.values[row + "ParameterName"]))
    return frozenset(found)


def problems(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the rows: path and text."""
    for row in _rows(tree):
        name = tree.values[row + "ParameterName"]
        if name and not PATTERN.fullmatch(name):
            yield row + "ParameterName", f"{name!r}: only an instance number may be a wildcard"
        elif not name.endswith(".") and set(_matching(tree, name)) & set(tree.forced):
            yield row + "ParameterName", f"{name!r} is in every Inform already"
        if VALUE_CHANGE in tree.values[row + "EventList"].split(","):
            yield row + "EventList", f"{VALUE_CHANGE!r} is no event that parameters go with"


def _rows(tree: Tree) -> list[str]:
    table = paths.INFORM_PARAMETERS
    return [f"{table}{number}." for number in tree.instances.get(table, ())]


def _matching(tree: Tree, name: str) -> list[str]:
    """Return the parameters that are there and that a pattern, or a partial path, is about."""
    if not name:
        return []
    rest = ".*" if name.endswith(".") else ""
    pattern = re.compile(re.escape(name).replace(r"\*", "[0-9]+") + rest)
    return [path for path in tree.rows if pattern.fullmatch(path)]
