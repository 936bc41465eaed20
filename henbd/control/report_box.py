"""What only the box and its stack know of themselves → the read-only parameters."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

from henbd.errors import InvalidValueError
from henbd.model import paths, types
from henbd.model.schema import Role
from henbd.model.table import generic
from henbd.model.tree import Tree
from henbd.values import Kernel, Unknown, Vitals

# TR-181: StatsCounter and unsignedInt are 32 bits wide, and wrap.
COUNTER = 2**32

# TR-106 3.2.1: a positive integer; of more digits than any table has rows none is made.
# Ages are told in whole seconds: a moment that differs by so little is the same.
SAME_S = 2.0

ROW = re.compile(r"(?<=\.)([1-9][0-9]{0,8})\.")

# What `vitals` are about: these objects, and these parameters.
VITAL_OBJECTS = (paths.MEMORY, paths.SCTP, paths.IKE_SA, paths.IPSEC_STATS)
VITAL_PARAMETERS = (paths.UP_TIME, paths.TIME_STATUS, paths.LOCAL_TIME)

# The tables whose rows are the stack's to tell.
STACK_TABLES = (paths.REM_CELLS, paths.NEIGHBOURS_IN_USE)


def vitals(tree: Tree, seen: Vitals, wall: datetime) -> Tree:
    """Return the tree with how the box is, at a moment by its clock."""
    values = {
        paths.UP_TIME: str(seen.up_time_s),
        paths.MEMORY + "Total": str(seen.memory_total_kib),
        paths.MEMORY + "Free": str(seen.memory_free_kib),
        paths.TIME_STATUS: "Synchronized" if wall >= types.CLOCK_IS_SET else "Unsynchronized",
        paths.LOCAL_TIME: types.date_time(wall),
        # The kernel's counters began with it.
        paths.SCTP + "Discontinuity": since(
            tree, paths.SCTP + "Discontinuity", seen.up_time_s, wall
        ),
    }
    for name, number in seen.sctp.items():
        if (path := paths.SCTP + name) in tree.rows:
            values[path] = str(number % COUNTER)
    return tree.report(values)


def since(tree: Tree, path: str, age_s: int, seen_at: datetime) -> str:
    """Return since when something has been there; as it is told already where that is as good."""
    moment = seen_at - timedelta(seconds=age_s)
    known = tree.values[path]
    if types.UNKNOWN_TIME in (known, types.date_time(seen_at)):
        return types.date_time(moment)
    apart_s = abs((datetime.fromisoformat(known) - moment).total_seconds())
    return known if apart_s <= SAME_S else types.date_time(moment)


def addressing(tree: Tree, kernel: Kernel | Unknown) -> Tree:
    """Return the tree with whether this kernel does IPv6; one that does has an address of it."""
    if isinstance(kernel, Unknown):
        return tree
    there = any(held.address.version == 6 for held in kernel.addresses)
    return tree.report(
        {
            paths.IPV6_CAPABLE: "true" if there else "false",
            paths.IPV6_STATUS: "Enabled" if there else "Disabled",
        }
    )


def vitals_are_told(tree: Tree) -> bool:
    """Return whether the HeMS wants to be told when `vitals` change."""
    return any(path in VITAL_PARAMETERS or path.startswith(VITAL_OBJECTS) for path in tree.notified)


def stack_parameters(tree: Tree, told: tuple[tuple[str, str], ...]) -> Tree:
    """Return the tree with the parameters that only the stack knows, by path below the service.

    Its rows are those that are named; of what it says about others than read-only parameters, or
    what is no value of their types, nothing is taken. A stack that says nothing changes nothing.
    """
    if not told:
        return tree
    rows = _rows(told)
    # A table before those in its rows.
    for table in sorted({*STACK_TABLES, *rows}, key=len):
        if table in tree.instances and table.startswith(STACK_TABLES):
            most = tree.table.objects[generic(table) + "{i}."].maximum
            tree = tree.report_rows(table, rows.get(table, ())[:most])
    values = {}
    for relative, text in told:
        path = paths.FAP + relative
        if tree.values.get(path, text) != text and tree.rows[path].role is Role.REPORTED:
            try:
                values[path] = types.canonical(tree.rows[path].type, text)
            except InvalidValueError:
                continue
    return tree.report(values)


def state_origin(tree: Tree, oui: str, *, damaged: bool, previous: bool) -> Tree:
    """Return the tree with what became of the kept state at this start.

    `damaged`: it was not all there; then the one before it was used, or else there was none.
    """
    word = ("Previous" if previous else "Factory") if damaged else "Current"
    return tree.report({paths.state_origin(oui): word})


@lru_cache(maxsize=4)
def _rows(told: tuple[tuple[str, str], ...]) -> dict[str, tuple[int, ...]]:
    """Return the rows that paths name, by their table; a path may name rows within rows."""
    found: dict[str, set[int]] = {}
    for relative, _ in told:
        path = paths.FAP + relative
        for match in ROW.finditer(path, len(paths.FAP)):
            found.setdefault(path[: match.start()], set()).add(int(match[1]))
    return {table: tuple(sorted(numbers)) for table, numbers in found.items()}
