"""The vendor configuration file: what the HeMS has made of the tree, out and in again.

It has parameters and rows, never commands. Secrets are not in it, and stay as they are when one
comes in; so do notification attributes and what only the agent itself writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from henbd.control import refusal
from henbd.errors import CwmpFault
from henbd.model.provisioning import Provisioning
from henbd.model.schema import Access, Object, Parameter, Role
from henbd.model.tree import Tree
from henbd.settings import Settings

FORMAT = "henbd configuration 1"

# TR-069 A.3.2.6: an InstanceNumber is an unsignedInt.
LARGEST_NUMBER = 2**32 - 1


def backup(tree: Tree) -> dict[str, Any]:
    """Return the configuration as JSON values."""
    kept = tree.provisioning
    return {
        "format": FORMAT,
        "parameters": {p: v for p, v in kept.values.items() if _travels(tree.rows.get(p))},
        "rows": {path: list(rows) for path, rows in kept.rows.items()},
    }


def restored(
    document: Mapping[str, Any], tree: Tree, factory: Tree, settings: Settings
) -> Provisioning:
    """Return what is to be kept of the tree instead; raises ValueError, and nothing has changed.

    The whole of it fits this box, or none of it is taken. `factory` is the tree of the factory.
    """
    values, rows = _read(document)
    before = tree.provisioning
    staying = {p: v for p, v in before.values.items() if not _travels(tree.rows.get(p))}
    numbers = dict(before.numbers)
    for path, found in rows.items():
        # TR-069 A.3.2.6: a number is never used again.
        numbers[path] = max(numbers.get(path, 1), *(number + 1 for number in found), 1)
    kept = Provisioning(staying, before.notifications, rows, numbers, before.closed)
    grown, _ = factory.provision(kept)
    for path, found in rows.items():
        table = grown.nodes.get(path)
        fits = grown.provisioning.rows.get(path) == found
        if not fits or not isinstance(table, Object) or len(found) < table.minimum:
            raise ValueError(f"{path} cannot have the rows {found} on this box")
    for path in values:
        if path in grown.rows and not _travels(grown.rows[path]):
            raise ValueError(f"{path} is not part of a configuration file")
    try:
        candidate = grown.set(values.items())
    except CwmpFault as fault:
        raise ValueError("; ".join(f"{c.path}: {c.text}" for c in fault.culprits)) from fault
    for culprit in refusal.refusals(candidate, frozenset(values), settings):
        raise ValueError(f"{culprit.path}: {culprit.text}")
    return candidate.provisioning


def _travels(row: Parameter | None) -> bool:
    """Return whether a parameter is part of the file."""
    if row is None or row.hidden:
        return False
    return row.role is Role.STORED and row.access is Access.READ_WRITE


def _read(document: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, tuple[int, ...]]]:
    if document.get("format") != FORMAT:
        raise ValueError(f"the format is not {FORMAT!r}")
    values, rows = document.get("parameters"), document.get("rows")
    if not isinstance(values, dict) or not isinstance(rows, dict):
        raise ValueError("there are no parameters or no rows in it")
    for path, value in values.items():
        if not isinstance(value, str):
            raise ValueError(f"{path}: {value!r} is no text")
    for path, found in rows.items():
        numbers = found if isinstance(found, list) else [None]
        if not all(type(n) is int and 0 < n <= LARGEST_NUMBER for n in numbers):
            raise ValueError(f"{path}: {found!r} are no instance numbers")
        if sorted(set(numbers)) != numbers:
            raise ValueError(f"{path}: {found!r} are not in order")
    return values, {path: tuple(found) for path, found in rows.items()}
