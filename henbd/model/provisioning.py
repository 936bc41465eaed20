"""What the HeMS made of the tree, and nobody else could make again: the part that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from henbd.errors import FaultCode, InvalidValueError
from henbd.model import types
from henbd.model.schema import Access, Parameter, Role
from henbd.model.table import Table, generic

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Provisioning:
    """Values and notification attributes by path; by table its rows, where the HeMS changed them.

    `numbers` has the instance number of a table's next row: one is never used again (TR-069
    A.3.2.6), not even after the row that bore the highest has gone. `closed` are the parameters
    whose AccessList is empty: the Subscriber may not set them (TR-069 A.3.2.4).
    """

    values: Mapping[str, str] = field(default_factory=dict)
    notifications: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    def with_row(self, table: str, rows: Iterable[int], number: int) -> Provisioning:
        """Return what is kept after a table got the row of this number."""
        return replace(
            self,
            rows={**self.rows, table: tuple(rows)},
            numbers={**self.numbers, table: number + 1},
        )

    def without_row(self, table: str, rows: Iterable[int], gone: str, number: int) -> Provisioning:
        """Return what is kept after a table lost the row at `gone`, with all that was in it.

        `number` is that of the table's next row.
        """
        return Provisioning(
            outside(gone, self.values),
            outside(gone, self.notifications),
            {**outside(gone, self.rows), table: tuple(rows)},
            {**outside(gone, self.numbers), table: number},
            frozenset(path for path in self.closed if not path.startswith(gone)),
        )


def outside(gone: str, entries: Mapping[str, Kept]) -> dict[str, Kept]:
    """Return the entries of paths that are not below this one."""
    return {path: entry for path, entry in entries.items() if not path.startswith(gone)}


def fitting_rows(kept: Provisioning, table: Table) -> dict[str, tuple[int, ...]]:
    """Return the kept rows of those tables that are still the HeMS's to change, as many as fit."""
    fitting = {}
    for path, numbers in kept.rows.items():
        node = table.objects.get(generic(path) + "{i}.")
        if node is not None and node.access is Access.READ_WRITE:
            fitting[path] = numbers[: node.maximum]
    return fitting


def fitting_values(
    kept: Provisioning, rows: Mapping[str, Parameter]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the kept values that the rows of this program take, and the paths of the others."""
    fitting, lost = {}, []
    for path, text in kept.values.items():
        row = rows.get(path)
        try:
            if row is None or row.role is not Role.STORED:
                raise InvalidValueError(FaultCode.INVALID_NAME, "no such row")
            fitting[path] = types.canonical(row.type, text)
        except InvalidValueError:
            lost.append(path)
    return fitting, tuple(lost)
