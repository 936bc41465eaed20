"""The data model of this box: an immutable tree of values over the table.

Every change gives a new tree. `set` is all or nothing and names every culprit. What a tree must not
lose is its `Provisioning`, the part that the HeMS made; the rest is derived again at each start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from henbd.errors import Culprit, CwmpFault, FaultCode, InvalidValueError
from henbd.model import types
from henbd.model.schema import Access, Notify, Object, Parameter, Role
from henbd.model.table import Table, parent

ACTIVE = 2

ROOT = "Device."


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What the HeMS made of the tree, and nobody else could make again."""

    values: Mapping[str, str] = field(default_factory=dict)
    notifications: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """The tree. Build one with `Tree.factory`.

    `nodes` holds every object, table, row and parameter that is there by its full path, in document
    order; `rows` and `values` the parameters alone. `instances` has the row numbers of each table.
    """

    table: Table
    instances: Mapping[str, tuple[int, ...]]
    nodes: Mapping[str, Object | Parameter]
    rows: Mapping[str, Parameter]
    values: Mapping[str, str]
    provisioning: Provisioning
    notified: Mapping[str, int]
    """The parameters under notification: 1 passive, 2 active."""

    @classmethod
    def factory(
        cls, table: Table, instances: Mapping[str, tuple[int, ...]], values: Mapping[str, str]
    ) -> Tree:
        """Return the tree as it leaves the factory: these rows, and these values over defaults."""
        nodes = dict(_nodes(table, instances, ROOT, ROOT))
        rows = {path: row for path, row in nodes.items() if isinstance(row, Parameter)}
        known = {path: row.default for path, row in rows.items()}
        for path, text in values.items():
            known[path] = types.canonical(rows[path].type, text)
        known.update(_counters(nodes, instances))
        return cls(table, instances, nodes, rows, known, Provisioning(), _notified(rows, {}))

    def provision(self, kept: Provisioning) -> tuple[Tree, tuple[str, ...]]:
        """Return the tree with what the HeMS made of it before, and the paths that no longer fit.

        A path is left out when a newer program has no such row, or does not take its value.
        """
        fitting, lost = {}, []
        for path, text in kept.values.items():
            row = self.rows.get(path)
            try:
                if row is None or row.role is not Role.STORED:
                    raise InvalidValueError(FaultCode.INVALID_NAME, "no such row")
                fitting[path] = types.canonical(row.type, text)
            except InvalidValueError:
                lost.append(path)
        notifications = {p: n for p, n in kept.notifications.items() if p in self.rows}
        tree = replace(
            self,
            values={**self.values, **fitting},
            provisioning=Provisioning(fitting, notifications),
            notified=_notified(self.rows, notifications),
        )
        return tree, tuple(lost)

    def value(self, path: str) -> str:
        """Return the value of a parameter that is there; the caller names a row of the table."""
        return self.values[path]

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
        """Return whether the HeMS may set a parameter, add rows to a table or delete a row."""
        return self.nodes[path].access is Access.READ_WRITE

    def set(self, pairs: Iterable[tuple[str, str]]) -> Tree:
        """Return the tree with these parameters set by the HeMS.

        Raises CwmpFault 9003 with every culprit, and then nothing is set (TR-069 A.3.2.1).
        """
        changes: dict[str, str] = {}
        culprits: list[Culprit] = []
        for path, text in pairs:
            try:
                if path in changes:
                    raise InvalidValueError(
                        FaultCode.INVALID_ARGUMENTS, "named twice in one request"
                    )
                changes[path] = self._acceptable(path, text)
            except InvalidValueError as error:
                culprits.append(Culprit(path, error.code, str(error)))
        if culprits:
            raise CwmpFault(FaultCode.INVALID_ARGUMENTS, "Invalid arguments", tuple(culprits))
        return self.store(changes)

    def _acceptable(self, path: str, text: str) -> str:
        row = self.rows.get(path)
        if row is None:
            raise InvalidValueError(FaultCode.INVALID_NAME, "no such parameter")
        if row.access is not Access.READ_WRITE:
            raise InvalidValueError(FaultCode.NOT_WRITABLE, "not writable")
        return types.canonical(row.type, text)

    def store(self, changes: Mapping[str, str]) -> Tree:
        """Return the tree with canonical values that are to outlive the process."""
        kept = replace(self.provisioning, values={**self.provisioning.values, **changes})
        return replace(self, values={**self.values, **changes}, provisioning=kept)

    def report(self, values: Mapping[str, str]) -> Tree:
        """Return the tree with what was read of the world; the same tree where nothing differs."""
        changes = {p: v for p, v in values.items() if self.values[p] != v}
        if not changes:
            return self
        for path in changes:
            assert self.rows[path].role is Role.REPORTED, path
        return replace(self, values={**self.values, **changes})


def _notified(rows: Mapping[str, Parameter], chosen: Mapping[str, int]) -> Mapping[str, int]:
    """Return the parameters whose notification attribute is not 0 (TR-069 A.3.2.4)."""
    attributes = {}
    for path, row in rows.items():
        default = 0 if row.notify in (Notify.NORMAL, Notify.DENIABLE) else ACTIVE
        forced = row.notify is Notify.ALWAYS_ACTIVE
        attributes[path] = default if forced else chosen.get(path, default)
    return {path: attribute for path, attribute in attributes.items() if attribute}


def _nodes(
    table: Table, instances: Mapping[str, tuple[int, ...]], generic: str, concrete: str
) -> Iterator[tuple[str, Object | Parameter]]:
    """Yield an object that is there and all that is in it; a row bears its table's Object."""
    yield concrete, table.objects[generic]
    for child in table.children[generic]:
        name = child[len(generic) :]
        if child in table.parameters:
            yield concrete + name, table.parameters[child]
        elif table.objects[child].is_table:
            rows = concrete + name.removesuffix("{i}.")
            yield rows, table.objects[child]
            for number in instances.get(rows, ()):
                yield from _nodes(table, instances, child, f"{rows}{number}.")
        else:
            yield from _nodes(table, instances, child, concrete + name)


def _counters(
    nodes: Mapping[str, Object | Parameter], instances: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, str]]:
    """Yield the path and value of each NumberOfEntries; it stands beside its table."""
    for path, node in nodes.items():
        if isinstance(node, Object) and node.counter and not path[:-1].rpartition(".")[2].isdigit():
            yield parent(path) + node.counter, str(len(instances.get(path, ())))
