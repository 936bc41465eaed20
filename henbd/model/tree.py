"""The data model of this box: an immutable tree of values over the table.

Every change gives a new tree. `set` is all or nothing and names every culprit. What a tree must not
lose is its `Provisioning`, the part that the HeMS made; the rest is derived again at each start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from henbd.errors import Culprit, CwmpFault, FaultCode, InvalidValueError
from henbd.model import consistency, notification, types
from henbd.model.aliases import nodes_of, with_aliases
from henbd.model.nodes import counters, initial, instances_of, is_row, nodes, split_row
from henbd.model.provisioning import Provisioning, fitting_rows, fitting_values, outside
from henbd.model.references import without_row
from henbd.model.schema import Access, Object, Parameter, Reference, Role
from henbd.model.table import Table, generic
from henbd.model.view import View


@dataclass(frozen=True, slots=True, eq=False)
class Tree(View):
    """The tree, and how it becomes another one. Build one with `Tree.factory`."""

    @classmethod
    def factory(
        cls,
        table: Table,
        instances: Mapping[str, tuple[int, ...]],
        values: Mapping[str, str],
        aliases: Mapping[str, str] = MappingProxyType({}),
    ) -> Tree:
        """Return the tree as it leaves the factory: these rows, and these values over defaults."""
        bare = cls(table, {}, {}, {}, {}, Provisioning(), {}, (), (), aliases)
        tree = _grown(bare, instances, Provisioning())
        spelt = {path: types.canonical(tree.rows[path].type, text) for path, text in values.items()}
        return replace(tree, values=_with(tree, spelt))

    def provision(self, kept: Provisioning) -> tuple[Tree, tuple[str, ...]]:
        """Return the tree with what the HeMS made of it before, and the paths that no longer fit.

        A path is left out when a newer program has no such row, or does not take its value.
        """
        grown = _grown(self, {**self.instances, **fitting_rows(kept, self.table)}, kept)
        fitting, lost = fitting_values(kept, grown.rows)
        provisioning = Provisioning(
            fitting,
            # A row of the agent's own may be yet to come.
            {p: n for p, n in kept.notifications.items() if generic(p) in self.table.parameters},
            {path: grown.instances[path] for path in kept.rows if path in grown.instances},
            {path: n for path, n in kept.numbers.items() if path in grown.instances},
            kept.closed & grown.rows.keys(),
        )
        return replace(grown, values=_with(grown, fitting), provisioning=provisioning), lost

    def set(self, pairs: Iterable[tuple[str, str]]) -> Tree:
        """Return the tree with these parameters set by the HeMS.

        Raises CwmpFault 9003 with every culprit, and then nothing is set (TR-069 A.3.2.1).
        """
        changes: dict[str, str] = {}
        named: dict[str, str] = {}
        culprits: list[Culprit] = []
        for name, text in pairs:
            path = self.target(name)
            try:
                if path in named:
                    raise InvalidValueError(
                        FaultCode.INVALID_ARGUMENTS, "named twice in one request"
                    )
                value = self._acceptable(path, text)
                named[path] = name
                if value is not None:
                    changes[path] = value
            except InvalidValueError as error:
                culprits.append(Culprit(name, error.code, str(error)))
        values = {**self.values, **changes}
        altered = {p: v for p, v in changes.items() if v != self.values[p]}
        conflicts = consistency.conflicts(altered, self.nodes, self.instances, values)
        culprits += (
            Culprit(named[path], FaultCode.INVALID_VALUE, text)
            for path, text in dict(conflicts).items()
        )
        if culprits:
            raise CwmpFault(FaultCode.INVALID_ARGUMENTS, "Invalid arguments", tuple(culprits))
        given = {p for p, v in changes.items() if v == "true" and self.rows[p].role is Role.COMMAND}
        # To write back what it is does not use up the one time.
        once = {p for p in changes if self.rows[p].access is Access.WRITE_ONCE} - altered.keys()
        kept = {
            p: v for p, v in changes.items() if self.rows[p].role is Role.STORED and p not in once
        }
        return replace(self.store(kept), commands=self.commands | given)

    def _acceptable(self, path: str, text: str) -> str | None:
        """Return the value to be set, None where a HeMS writes back what is no value yet."""
        row = self.rows.get(path)
        if row is None:
            raise InvalidValueError(FaultCode.INVALID_NAME, "no such parameter")
        if not self.writable(path):
            raise InvalidValueError(FaultCode.NOT_WRITABLE, "not writable")
        try:
            value = consistency.spelt(row, text)
        except InvalidValueError:
            if text == self.values[path]:
                return None
            raise
        fixed = row.role not in (Role.STORED, Role.COMMAND)
        if fixed and value != self.values[path]:
            raise InvalidValueError(
                FaultCode.INVALID_VALUE, f"on this box it is {self.values[path]!r}"
            )
        return value

    def notify(self, changes: Iterable[tuple[str, int]]) -> Tree:
        """Return the tree with these notification attributes, of parameters or partial paths.

        0 is off, 1 passive, 2 active. Raises CwmpFault, and then none is changed: 9003 for another
        number, 9005 for an unknown path, 9009 where active notification is not to be had.
        """
        chosen = dict(self.provisioning.notifications)
        for path, number in changes:
            named = map(self.target, self.below(path))
            chosen.update(notification.chosen(self.rows, named, number))
        return replace(
            self,
            provisioning=replace(self.provisioning, notifications=chosen),
            notified=notification.attributes(_without_aliases(self), chosen),
        )

    def grant(self, changes: Iterable[tuple[str, bool]]) -> Tree:
        """Return the tree with the right of the Subscriber to set these parameters, or without.

        A path may be a partial one. Raises CwmpFault 9005, and then nothing is changed.
        """
        closed = set(self.provisioning.closed)
        for path, granted in changes:
            named = map(self.target, self.below(path))
            closed = closed.difference(named) if granted else closed.union(named)
        return replace(self, provisioning=replace(self.provisioning, closed=frozenset(closed)))

    def add(self, path: str) -> tuple[Tree, int]:
        """Return the tree with a new row in a table, and the row's number (AddObject).

        Raises CwmpFault: 9005 where there is no such table, 9001 where the standard has nobody add
        rows, 9004 where it has all that this box has room for.
        """
        table = self.nodes.get(path)
        if path not in self.instances or not isinstance(table, Object):
            raise CwmpFault(FaultCode.INVALID_NAME, f"{path!r} is no table here")
        numbers = self.instances[path]
        if not self.writable(path):
            code = FaultCode.RESOURCES_EXCEEDED if table.ours else FaultCode.REQUEST_DENIED
            raise CwmpFault(code, f"the rows of {path} are not added to")
        if table.maximum is not None and len(numbers) >= table.maximum:
            raise CwmpFault(FaultCode.RESOURCES_EXCEEDED, f"{path} has its {len(numbers)} rows")
        number = self._next_number(path)
        rows = (*numbers, number)
        kept = self.provisioning.with_row(path, rows, number)
        return _grown(self, {**self.instances, path: rows}, kept), number

    def delete(self, path: str) -> Tree:
        """Return the tree without a row and all that is in it (DeleteObject).

        Strong references to the row become empty (TR-106 3.2.4). Raises CwmpFault: 9005 where there
        is no such row, 9001 where it is not the HeMS's to delete, or the table needs it.
        """
        if path not in self.nodes or not is_row(path):
            raise CwmpFault(FaultCode.INVALID_NAME, f"{path!r} is no row here")
        table_path, number = split_row(path)
        table = self.nodes[table_path]
        assert isinstance(table, Object)
        if not self.writable(path):
            raise CwmpFault(FaultCode.REQUEST_DENIED, f"the rows of {table_path} are not deleted")
        rows = tuple(n for n in self.instances[table_path] if n != number)
        if len(rows) < table.minimum:
            raise CwmpFault(
                FaultCode.REQUEST_DENIED, f"{table_path} has {table.minimum} rows at least"
            )
        kept = self.provisioning.without_row(table_path, rows, path, self._next_number(table_path))
        instances = {**outside(path, self.instances), table_path: rows}
        return _without_references(_grown(self, instances, kept), path)

    def _next_number(self, table: str) -> int:
        highest = max(self.instances[table], default=0)
        return max(self.provisioning.numbers.get(table, 1), highest + 1)

    def store(self, changes: Mapping[str, str]) -> Tree:
        """Return the tree with canonical values that are to outlive the process."""
        kept = replace(self.provisioning, values={**self.provisioning.values, **changes})
        return replace(self, values=_with(self, changes), provisioning=kept)

    def obeyed(self, command: str) -> Tree:
        """Return the tree with a command carried out; the same tree if it was not given."""
        if command not in self.commands:
            return self
        return replace(self, commands=self.commands - {command})

    def report(self, values: Mapping[str, str]) -> Tree:
        """Return the tree with what was read of the world; the same tree where nothing differs.

        A stored parameter may be reported as well, as long as the HeMS has not set it.
        """
        changes = {p: v for p, v in values.items() if self.values[p] != v}
        if not changes:
            return self
        for path in changes:
            role = self.rows[path].role
            unset = role is Role.STORED and path not in self.provisioning.values
            assert role is Role.REPORTED or unset, path
        return replace(self, values=_with(self, changes))

    def report_rows(self, table: str, numbers: Iterable[int]) -> Tree:
        """Return the tree with these rows in a table of the agent's own, in memory alone."""
        rows = tuple(numbers)
        if self.instances[table] == rows:
            return self
        assert self.nodes[table].access is Access.READ_ONLY, table
        gone = [f"{table}{n}." for n in self.instances[table] if n not in rows]
        instances = dict(self.instances)
        for path in gone:
            instances = outside(path, instances)
        tree = _grown(self, {**instances, table: rows}, self.provisioning)
        for path in gone:
            tree = _without_references(tree, path)
        return tree


def _grown(
    tree: Tree, instances: Mapping[str, tuple[int, ...]], provisioning: Provisioning
) -> Tree:
    """Return the tree with these rows: new ones with their defaults, the others as they are."""
    there = nodes(tree.table, instances)
    rows = {path: node for path, node in there.items() if isinstance(node, Parameter)}
    present = instances_of(there)
    known = tree.values
    values = {p: known[p] if p in known else initial(p, row) for p, row in rows.items()}
    values.update(counters(there, present))
    notified = notification.attributes(rows, provisioning.notifications)
    forced = tuple(path for path, row in rows.items() if row.forced)
    for path, node in nodes_of(tree.aliases, there):
        there[path] = node
        if isinstance(node, Parameter):
            rows[path], values[path] = node, values[tree.aliases[path]]
    hidden = tuple(path for path, row in rows.items() if row.hidden)
    return Tree(
        tree.table,
        present,
        there,
        rows,
        values,
        provisioning,
        notified,
        forced,
        hidden,
        tree.aliases,
        tree.commands,
    )


def _without_references(tree: Tree, gone: str) -> Tree:
    """Return the tree in which no strong reference names a row that has gone."""
    changes = {
        path: value
        for path, row in tree.rows.items()
        if row.type.reference is Reference.STRONG
        and path not in tree.aliases
        and (value := without_row(tree.values[path], gone)) is not None
    }
    if not changes:
        return tree
    stored = {path: v for path, v in changes.items() if tree.rows[path].role is Role.STORED}
    kept = replace(tree.provisioning, values={**tree.provisioning.values, **stored})
    return replace(tree, values=_with(tree, changes), provisioning=kept)


def _with(tree: Tree, changes: Mapping[str, str]) -> Mapping[str, str]:
    """Return the values of a tree after these changes, under every name that they have."""
    return {**tree.values, **with_aliases(changes, tree.aliases)}


def _without_aliases(tree: Tree) -> Mapping[str, Parameter]:
    if not tree.aliases:
        return tree.rows
    return {path: row for path, row in tree.rows.items() if path not in tree.aliases}
