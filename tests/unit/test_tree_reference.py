"""Any sequence of changes and restarts: the tree is what a simple model of it says."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from henbd.cwmp.ledger import Ledger
from henbd.cwmp.state import State, document, restored
from henbd.errors import CwmpFault
from henbd.model import paths
from henbd.model.tree import Tree
from tests.unit.settings import QUICK, SECRET, factory

NEIGHBOURS = paths.FAP + "CellConfig.LTE.RAN.NeighborList.LTECell."
# Name, what it is when a row is new, and some texts for it: good ones spelt canonically, bad ones.
ROWS: dict[str, tuple[int, int, dict[str, tuple[str, list[str], list[str]]]]] = {
    paths.PLMN_LIST: (
        1,
        6,
        {
            "IsPrimary": ("false", ["true", "false"], ["maybe"]),
            "CellReservedForOperatorUse": ("false", ["true", "false"], [""]),
        },
    ),
    NEIGHBOURS: (
        0,
        32,
        {
            "QOffset": ("0", ["-24", "6", "8"], ["7", "-7", "x"]),
            "PLMNID": ("", ["00101", ""], ["1234567"]),
        },
    ),
}
SCALARS = {
    paths.S1_PORT: (["1", "36412"], ["65536", "-1"]),
    paths.S1_MODE: (["One", "All"], ["one"]),
    paths.HNB_NAME: (["", "a", "ä" * 48], ["ä" * 49]),
}
TABLES = sorted(ROWS)


class Simple:
    """What the tree has to be, as plainly as can be."""

    def __init__(self) -> None:
        self.scalars = {path: factory().value(path) for path in SCALARS}
        # The factory's own row of the PLMN list is the first one of the standard's.
        self.rows: dict[str, dict[int, dict[str, str]]] = {t: {} for t in TABLES}
        self.rows[paths.PLMN_LIST][1] = {
            name: factory().value(f"{paths.PLMN_LIST}1.{name}") for name in ROWS[paths.PLMN_LIST][2]
        }
        self.used = {table: max(self.rows[table], default=0) for table in TABLES}

    @property
    def values(self) -> dict[str, str]:
        found = dict(self.scalars)
        for table, rows in self.rows.items():
            for number, row in rows.items():
                found |= {f"{table}{number}.{name}": value for name, value in row.items()}
        return found

    def set(self, pairs: list[tuple[str, str, bool]]) -> bool:
        """Take all values or none; each pair says whether its value is a good one."""
        known = self.values.keys()
        names = [path for path, _, _ in pairs]
        if len(set(names)) < len(names) or not all(g and p in known for p, _, g in pairs):
            return False
        for path, value, _ in pairs:
            if path in self.scalars:
                self.scalars[path] = value
            else:
                row, _, name = path.rpartition(".")
                table, _, number = row.rpartition(".")
                self.rows[table + "."][int(number)][name] = value
        return True

    def add(self, table: str) -> int | None:
        _, most, names = ROWS[table]
        if len(self.rows[table]) >= most:
            return None
        self.used[table] += 1
        self.rows[table][self.used[table]] = {name: new for name, (new, _, _) in names.items()}
        return self.used[table]

    def delete(self, table: str, number: int) -> bool:
        if number not in self.rows[table] or len(self.rows[table]) <= ROWS[table][0]:
            return False
        del self.rows[table][number]
        return True


numbers = st.integers(1, 8)


def pair(path: str, good: list[str], bad: list[str]) -> Any:
    chosen = [(text, True) for text in good] + [(text, False) for text in bad]
    return st.sampled_from(chosen).map(lambda c: (path, *c))


def row_pair(table: str) -> Any:
    return st.tuples(numbers, st.sampled_from(sorted(ROWS[table][2]))).flatmap(
        lambda at: pair(f"{table}{at[0]}.{at[1]}", *ROWS[table][2][at[1]][1:])
    )


pairs = st.lists(
    st.one_of(*(pair(p, *texts) for p, texts in SCALARS.items()), *map(row_pair, TABLES)),
    min_size=1,
    max_size=3,
)
steps = st.one_of(
    st.tuples(st.just("set"), pairs),
    st.tuples(st.just("add"), st.sampled_from(TABLES)),
    st.tuples(st.just("delete"), st.tuples(st.sampled_from(TABLES), numbers)),
    st.tuples(st.just("restart"), st.none()),
)


def done(tree: Tree, simple: Simple, step: tuple[str, Any]) -> Tree:
    """Do a step to both; return the tree after it."""
    kind, what = step
    if kind == "restart":
        kept = document(State(tree, Ledger(), SECRET))
        state, lost = restored(factory(), kept, "boot")
        assert lost == ()
        return state.tree
    try:
        if kind == "set":
            after = tree.set((path, text) for path, text, _ in what)
            assert simple.set(what)
        elif kind == "add":
            after, number = tree.add(what)
            assert simple.add(what) == number
        else:
            after = tree.delete(f"{what[0]}{what[1]}.")
            assert simple.delete(*what)
    except CwmpFault:
        refused = {
            "set": lambda: not simple.set(what),
            "add": lambda: simple.add(what) is None,
            "delete": lambda: not simple.delete(*what),
        }
        assert refused[kind]()
        return tree
    return after


@QUICK
@given(st.lists(steps, max_size=20))
def test_tree_is_what_a_simple_model_says(course: list[tuple[str, Any]]) -> None:
    tree, simple = factory(), Simple()
    for step in course:
        tree = done(tree, simple, step)
        wanted = simple.values
        assert {path: tree.values[path] for path in wanted} == wanted
        for table in TABLES:
            assert tree.instances[table] == tuple(simple.rows[table])
        assert tree.rows.keys() == tree.values.keys()
        assert [p for p in tree.nodes if not p.endswith(".")] == list(tree.rows)
