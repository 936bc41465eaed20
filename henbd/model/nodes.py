"""What is there: the objects, rows and parameters of a tree, by their full paths.

Full paths have instance numbers where those of the table have `{i}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from henbd.model.schema import Access, Object, Parameter
from henbd.model.table import Table, parent

Node = Object | Parameter

ROOT = "Device."

# The name of the parameter by which a row may be called (TR-069 A.3.2.6.2).
ALIAS = ".Alias"


def nodes(table: Table, instances: Mapping[str, tuple[int, ...]]) -> dict[str, Node]:
    """Return every node by its full path, in document order; a row bears its table's Object.

    `instances` has the numbers of a table's rows. One that is not in it is as it is made: with as
    many rows as it must have.
    """
    found: dict[str, Node] = {}
    _collect(table, instances, ROOT, ROOT, found)
    return found


def _collect(
    table: Table,
    instances: Mapping[str, tuple[int, ...]],
    generic: str,
    full: str,
    found: dict[str, Node],
) -> None:
    found[full] = table.objects[generic]
    skipped = len(generic)
    for child in table.children[generic]:
        path = full + child[skipped:]
        parameter = table.parameters.get(child)
        if parameter is not None:
            found[path] = parameter
        elif table.objects[child].is_table:
            rows = path.removesuffix("{i}.")
            found[rows] = table.objects[child]
            for number in instances.get(rows, _first_rows(table.objects[child])):
                _collect(table, instances, child, f"{rows}{number}.", found)
        else:
            _collect(table, instances, child, path, found)


def _first_rows(table: Object) -> tuple[int, ...]:
    if table.access is not Access.READ_WRITE:
        return ()
    return tuple(range(1, table.minimum + 1))


def is_row(path: str) -> bool:
    """Return whether a full path is that of a table's row."""
    return path.endswith(".") and path[:-1].rpartition(".")[2].isdigit()


def split_row(path: str) -> tuple[str, int]:
    """Return the table of a row, and the row's number."""
    table, _, number = path[:-1].rpartition(".")
    return table + ".", int(number)


def initial(path: str, row: Parameter) -> str:
    """Return the value of a parameter that has just come: its default, or an alias of ours."""
    if not path.endswith(ALIAS):
        return row.default
    _, number = split_row(path.removesuffix(ALIAS) + ".")
    return f"cpe-{number}"


def instances_of(nodes: Mapping[str, Node]) -> dict[str, tuple[int, ...]]:
    """Return the row numbers of every table that is there."""
    found: dict[str, tuple[int, ...]] = {}
    for path, node in nodes.items():
        if not isinstance(node, Object) or not node.is_table:
            continue
        if is_row(path):
            table, number = split_row(path)
            found[table] = (*found[table], number)
        else:
            found[path] = ()
    return found


def counters(
    nodes: Mapping[str, Node], instances: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, str]]:
    """Yield the path and value of each NumberOfEntries; it stands beside its table."""
    for path, numbers in instances.items():
        table = nodes[path]
        assert isinstance(table, Object)
        yield parent(path) + table.counter, str(len(numbers))
