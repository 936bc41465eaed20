"""What a tree says to whom asks: names, values, notification, and what may be set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from henbd.errors import CwmpFault, FaultCode
from henbd.model.nodes import Node
from henbd.model.provisioning import Provisioning
from henbd.model.schema import Access, Parameter
from henbd.model.table import Table


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The parts of a tree, and all that can be read of it.

    `nodes` holds every object, table, row and parameter that is there by its full path, in document
    order; `rows` and `values` the parameters alone. `instances` has the row numbers of each table.
    """

    table: Table
    instances: Mapping[str, tuple[int, ...]]
    nodes: Mapping[str, Node]
    rows: Mapping[str, Parameter]
    values: Mapping[str, str]
    provisioning: Provisioning
    notified: Mapping[str, int]
    """The parameters under notification: 1 passive, 2 active."""
    forced: tuple[str, ...]
    """The parameters that every Inform carries (forcedInform)."""
    hidden: tuple[str, ...]
    """The parameters that read as empty (hidden), under every name that they have."""
    aliases: Mapping[str, str]
    """Other names of parameters; they are in `nodes`, `rows` and `values` like any other."""
    commands: frozenset[str] = frozenset()
    """The commands that the HeMS has given, and that nobody has carried out yet."""

    def value(self, path: str) -> str:
        """Return the value of a parameter that is there; the caller names a row of the table."""
        return self.values[path]

    def target(self, path: str) -> str:
        """Return the path of the standard for a parameter that may be named by an alias."""
        return self.aliases.get(path, path)

    def below(self, path: str) -> Iterator[str]:
        """Yield the full paths of the parameters that a name of GetParameterValues stands for.

        `path` is a parameter, or a partial path that ends in a dot, or empty for all; an empty
        table yields nothing. Raises CwmpFault 9005 for anything else.
        """
        if path in self.rows:
            yield path
        elif not path or path in self.nodes:
            yield from (p for p in self.rows if p.startswith(path))
        else:
            raise CwmpFault(FaultCode.INVALID_NAME, f"{path!r} is no parameter here")

    def names(self, path: str, *, next_level: bool) -> list[tuple[str, bool]]:
        """Return names and whether they are writable, as GetParameterNames wants them.

        Raises CwmpFault: 9005 for an unknown path, 9003 for a parameter with `next_level`.
        """
        if path in self.rows:
            if next_level:
                raise CwmpFault(FaultCode.INVALID_ARGUMENTS, f"{path!r} has no next level")
            return [(path, self.writable(path))]
        if path and path not in self.nodes:
            raise CwmpFault(FaultCode.INVALID_NAME, f"{path!r} is no parameter or object here")
        found = [p for p in self.nodes if p.startswith(path)]
        if next_level:
            depth = path.count(".") + 1
            found = [p for p in found if p != path and p.removesuffix(".").count(".") < depth]
        return [(p, self.writable(p)) for p in found]

    def writable(self, path: str) -> bool:
        """Return whether the HeMS may set a parameter, add rows to a table or delete a row.

        A parameter that is written once is not writable any more when it has been.
        """
        access = self.nodes[path].access
        if access is Access.WRITE_ONCE:
            return self.target(path) not in self.provisioning.values
        return access is Access.READ_WRITE

    def attributes(self, path: str) -> Iterator[tuple[str, int]]:
        """Yield the parameters that a name stands for, as `below`, each with its notification.

        0 is off, 1 passive, 2 active. Raises CwmpFault 9005.
        """
        return ((p, self.notified.get(self.target(p), 0)) for p in self.below(path))
